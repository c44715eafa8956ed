#!/bin/sh
# The command line against a real master and slave: results, exit codes, JSON, mistakes.
# shellcheck source=tests/integration/cli.sh
. "$(dirname "$0")/cli.sh"

# Mistakes that need no master.
expect 64 "$muster"
says "Usage: muster"
expect 64 "$muster" nonsense
says "there are: submit"
expect 0 "$muster" --help
prints submit
expect 0 "$muster" help bench
prints --depth
expect 64 "$muster" help nonsense
expect 0 "$muster" --version
expect 64 "$muster" --master
expect 64 "$muster" submit
expect 64 "$muster" submit echo --payload a --in b
expect 64 "$muster" submit echo --id ''
expect 64 "$muster" submit echo --id 0123456789abcdef0123456789abcdef:18446744073709551615
says "2^64 - 2 at most"
expect 64 "$muster" submit echo --at soon
says '"soon" is no time, like'
expect 64 "$muster" submit echo --deadline yesterday
expect 64 "$muster" submit echo --at +2h --deadline 1h
expect 64 "$muster" submit echo --priority 11
says "priority"
expect 64 "$muster" submit echo --unique-mode steal
expect 64 "$muster" submit echo --array 3 --out file
expect 64 "$muster" submit echo --concurrency 3
expect 64 "$muster" submit echo --group 'no group'
expect 64 "$muster" submit echo --once --attempts 2
expect 64 "$muster" commands --where 'colour=red'
says "no field is called"
mistyped=0123456789abcdef0123456789abcdef:x
expect 64 "$muster" cancel
says "say which commands"
expect 64 "$muster" cancel "$mistyped"
expect 64 "$muster" kick --where 'state=dead'
says "no state is called"
expect 64 "$muster" reprioritise --where 'state=ready'
says "priority"
expect 64 "$muster" release 5 --where 'state=ready'
expect 64 "$muster" concurrency 00000000000000000000000000000001:1 many
expect 64 "$muster" why "$mistyped"
expect 64 "$muster" tail "$mistyped"
expect 64 "$muster" result "$mistyped"
expect 64 "$muster" group 'no group'
expect 64 "$muster" wait
expect 64 "$muster" submit echo --attempts 0
expect 64 "$muster" submit echo --background --wait
expect 64 "$muster" submit echo --timeout 5
says "5"
expect 64 "$muster" bench --size 64
expect 64 "$muster" show "$mistyped"
expect 64 "$muster" --master nonsense status
expect 69 "$muster" --master "unix:$work/nobody" status --connect-timeout 100ms
says "no master at unix:$work/nobody"
[ ! -s "$work/out" ] || fail "a mistake was printed to stdout"

"$MS_BIN_DIR/muster-master" --listen 127.0.0.1:0 --port-file "$work/port" >"$work/master.log" 2>&1 &
pids="$pids $!"
until_ok test -s "$work/port"
MUSTER_MASTER=$(cat "$work/port")
export MUSTER_MASTER
expect 69 "$muster" submit echo --wait
says "refused"
"$MS_BIN_DIR/muster-slave" --slots 4 --name tester --allow-exec --handlers "$MS_HANDLERS_DIR" "$MUSTER_MASTER" >"$work/slave.log" 2>&1 &
pids="$pids $!"
slave_is_ready() {
    "$muster" slaves --no-headers | grep -q echo
}
until_ok slave_is_ready

# Results.
expect 0 "$muster" submit echo --payload hello --wait
[ "$(cat "$work/out")" = hello ] || fail "not hello: $(cat "$work/out")"
head -c 300000 /dev/urandom >"$work/in"
expect 0 "$muster" submit echo --in "$work/in" --out "$work/result"
cmp "$work/in" "$work/result" || fail "the file came back different"
expect 0 sh -c "'$muster' submit echo --in - --wait <'$work/in'"
cmp "$work/in" "$work/out" || fail "standard input came back different"
expect 0 "$muster" submit checksum --payload abc --wait
prints ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
expect 0 "$muster" submit echo --payload x --wait --json
prints '"status":"ok"'
prints '"payload":"x"'
expect 0 "$muster" --master "$MUSTER_MASTER" submit echo --payload x --wait
expect 66 "$muster" submit echo --in "$work/nothing"
expect 66 "$muster" submit echo --in "$(printf 'no\033\nfile')"
says 'no??file: No such file'
expect 73 "$muster" submit echo --out "$work/nowhere/file"

# A file for the result is there afterwards if the command went well, and else as it was.
printf '\022\020printf a; exit 3' >"$work/bad"
expect 1 "$muster" submit exec --in "$work/bad" --out "$work/none"
[ ! -e "$work/none" ] || fail "a file is left of a command that failed"
expect 1 "$muster" submit exec --in "$work/bad" --out "$work/result"
cmp "$work/in" "$work/result" || fail "a command that failed has changed the file"
expect 1 "$muster" submit exec --in "$work/bad" --out "$work/none" --json
prints '"payload":"a"'
expect 69 "$muster" --master 127.0.0.1:1 submit exec --in "$work/bad" --out "$work/none" --connect-timeout 100ms
[ ! -e "$work/none" ] || fail "a file is left though there is no master"

# Ids: the same one is never done twice, and its outcome can be asked for.
expect 0 "$muster" submit sleep --payload 1h
id=$(cat "$work/out")
expect 0 "$muster" show "$id"
prints leased
expect 0 "$muster" show "$id" --json
prints "\"id\":\"$id\""
expect 0 "$muster" commands
prints "$id"
expect 0 "$muster" commands --state leased --type sleep --json
prints "$id"
expect 0 "$muster" commands --state ready --no-headers
[ ! -s "$work/out" ] || fail "nothing is ready: $(cat "$work/out")"
expect 0 "$muster" submit sleep --payload 1h --id "$id" --json
prints "\"id\":\"$id\""
[ "$("$muster" commands --no-headers | wc -l)" = 1 ] || fail "one id became two commands"
expect 1 "$muster" submit exec --in "$work/bad" --id kept --keep --wait
expect 1 "$muster" result kept --out "$work/none"
[ ! -e "$work/none" ] || fail "a file is left of a result that was not well"
expect 0 "$muster" submit echo --payload x --id mine --wait

expect 64 "$muster" submit sleep --array 5 --id ffffffffffffffffffffffffffffffff:18446744073709551614
says "above 2^64 - 2"

# Of what failed when nobody waited there is everything, and it can be tried again.
# shellcheck disable=SC2317
is_buried() {
    "$muster" show "$1" | grep -q '^state *buried$'
}
expect 0 "$muster" submit exec --in "$work/bad" --id alone
alone=$(cat "$work/out")
until_ok is_buried "$alone"
expect 0 "$muster" show alone
prints '^last_output *a$'
expect 0 "$muster" kick "$alone"
prints '^kick *1 *1 '
until_ok is_buried "$alone"
expect 1 "$muster" submit exec --in "$work/bad" --id alone --wait
[ "$(cat "$work/out")" = a ] || fail "its output was not there for who asked later: $(cat "$work/out")"

until_ok is_buried "$alone"
expect 0 "$muster" kick alone
prints '^kick *1 *1 '
until_ok is_buried "$alone"

# A word is a type if anybody knows it, or else a name.
expect 0 "$muster" kick echo
prints '^kick *0 *0 '
expect 0 "$muster" kick exec --dry-run
prints '^kick *2 *2 '
expect 69 "$muster" kick exe
says 'the master knows no command "exe": it never came, or is over and was not kept (an id is'
expect 69 "$muster" cancel nosuch
says 'the master knows no command "nosuch"'
expect 69 "$muster" show nosuch
says 'the master knows no command "nosuch"'
expect 64 "$muster" kick 0123456789abcdef0123456789abcdef:0
expect 64 "$muster" kick

expect 0 "$muster" submit echo --delay 1h --id later
expect 1 "$muster" kick "$(cat "$work/out")"
prints "only what is buried can be kicked"
expect 0 "$muster" why later
prints "it is delayed until"
expect 0 "$muster" cancel later
expect 0 "$muster" submit echo --background
expect 0 "$muster" submit echo --delay 10ms --wait
expect 1 "$muster" submit echo --deadline 1970-01-01T00:00:00Z --wait
says "its deadline passed"

# Who waits for a group sees each that ends, as it does, and is not told of those before.
expect 0 "$muster" submit echo --group many --background
expect 0 "$muster" submit echo --delay 1h --group many --id first
first=$(cat "$work/out")
expect 0 "$muster" submit echo --delay 1h --group many --id second
second=$(cat "$work/out")
"$muster" wait --group many --each >"$work/each" 2>&1 &
waiting=$!
pids="$pids $waiting"
until_ok sh -c "'$muster' status | grep -q '^questions  *2$'"
expect 0 "$muster" release second
until_ok grep -q "^$second ok$" "$work/each"
expect 0 "$muster" cancel first
code=0
wait "$waiting" || code=$?
[ "$code" = 2 ] || fail "wait --each: exit $code: $(cat "$work/each")"
[ "$(cat "$work/each")" = "$second ok
$first cancelled
2 done, 0 buried, 1 cancelled, 0 open" ] || fail "wait --each: $(cat "$work/each")"

# Ends other than ok.
expect 124 "$muster" submit sleep --payload 1h --timeout 50ms --wait
says timeout
expect 64 "$muster" submit echo --waitt
says "--wait"
"$muster" submit sleep --payload 2h --wait >"$work/out" 2>"$work/err" &
waiting=$!
pids="$pids $waiting"
two_are_leased() {
    [ "$("$muster" commands --state leased --no-headers | wc -l)" = 2 ]
}
until_ok two_are_leased
kill -TERM "$waiting"
code=0
wait "$waiting" || code=$?
[ "$code" = 130 ] || fail "interrupted: exit $code"

# What the master says of itself.
expect 0 "$muster" status
prints slaves
expect 0 "$muster" status --json
prints '"slaves":1'
expect 0 "$muster" slaves
prints tester
expect 0 "$muster" slaves --json
prints '"name":"tester"'
expect 0 "$muster" bench --count 500 --depth 20
prints commands/s
expect 0 "$muster" bench echo --count 100 --depth 1 --size 1KiB --json
prints '"commands":100'
expect 1 "$muster" bench nobody --count 100
says "commands failed"
echo "cli_test: passed"
