#!/bin/sh
# muster map against a real master and real slaves, made by muster dev.
test=map_test
. "$MS_SOURCE_DIR/tests/integration/dev.sh"

stop_cluster() {
    kill -TERM "$cluster"
    wait "$cluster" || fail "muster dev ended with $?"
    cluster=
}

# run CODE ARGUMENTS...: muster map with them; output in $work/out and $work/err.
run() {
    wanted=$1
    shift
    "$muster" map "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" -eq "$wanted" ] || {
        cat "$work/err" >&2
        fail "exit code $got, not $wanted: map $*"
    }
}

same() {
    printf "$1" >"$work/wanted"
    cmp "$work/wanted" "${2:-$work/out}" || {
        cat "${2:-$work/out}" "$work/err" >&2
        fail "$3: not what was wanted"
    }
}

has() {
    grep -q -e "$1" "${2:-$work/err}" || {
        cat "${2:-$work/err}" >&2
        fail "'$1' was not said"
    }
}

cd "$work" || exit 1
start_cluster --slaves 2 --slots 2

# Order, arguments with every nasty byte, words and shell.
run 0 -k echo ::: a 'b  c' "d'e" '"' '$(id)' '`id`' '\' ''
same 'a\nb  c\nd'\''e\n"\n$(id)\n`id`\n\\\n\n' out order
for argument in 'a  b' "d'e" '"' '$(id)' '`id`' '\' 'x;y'; do
    printf '%s|%s|%s|' "$argument" "$argument" "$argument"
    echo
done >wanted
run 0 -k 'printf "%s|" {} "{}" '\''{}'\''; echo' ::: 'a  b' "d'e" '"' '$(id)' '`id`' '\' 'x;y'
cmp wanted out || fail "quoting"
run 0 -k echo {.} {/} {//} {/.} {#} ::: /a/b.c.d e
same '/a/b.c b.c.d /a b.c 1\ne e . e 2\n' out "replacement strings"
printf 'one\ntwo\0three  x\0' | "$muster" map -0 -k --json printf %s >out || fail "-0"
[ "$(wc -l <out)" -eq 2 ] && has '"stdout":"one\\ntwo"' out && has '"stdout":"three  x"' out
printf 'x\ny\n' >list
run 0 -k -a list echo
same 'x\ny\n' out "--arg-file"
seq 500 >numbers
run 0 -k echo <numbers
cmp numbers out || fail "500 in order"
printf 'echo one; echo two\n' | "$muster" map >out || fail "commands from input"
same 'one\ntwo\n' out "commands from input"
run 0 echo </dev/null
same '' out "no arguments"

# The directory of the call, or another.
run 0 --shell pwd '; :' ::: x
same "$work\n" out "working directory"
run 0 --workdir / 'pwd; :' ::: x
same '/\n' out --workdir

# Output of a command stays together, tagged if wanted; standard error goes its own way.
run 0 -k --tag 'echo {}1; echo {}2; echo {}e >&2' ::: a b
same 'a\ta1\na\ta2\nb\tb1\nb\tb2\n' out --tag
same 'a\tae\nb\tbe\n' err "--tag on standard error"

# Exit codes count failures.
run 0 true ::: 1 2
run 2 'test {} -gt 2' ::: 1 2 3
run 100 false <<END
$(seq 100)
END
run 101 false <<END
$(seq 101)
END
run 1 no-such-program ::: x
has 'no-such-program: not found'
run 255 --no-such-option
run 255 --halt sometimes echo ::: a
run 255 echo ::: a ::: b
run 255 --resume echo ::: a
run 255 'echo `{}`' ::: a
has 'cannot be quoted safely'
run 255 -a /no/such/file echo
printf 'a\0b\n' | "$muster" map echo >out 2>err
[ $? -eq 255 ] || fail "a NUL byte"

# Attempts, times, signals.
run 0 --retries 3 'echo $MUSTER_ATTEMPT {}; test $MUSTER_ATTEMPT -eq 3' ::: x
same '3 x\n' out "output of the last attempt only"
run 1 --retries 2 'test {} = y' ::: x
run 1 --timeout 200ms 'sleep {} & sleep {}' ::: 60
has '1: .*time'
run 1 --joblog log 'head -c {} /dev/zero; :' ::: 70000000
has '1: output larger than'
[ "$(sed -n 2p log | cut -f 7)" = -1 ] || fail "exitval of a command whose output was too much"
run 0 'head -c {} /dev/zero; :' ::: 20000000
[ "$(wc -c <out)" -eq 20000000 ] || fail "20 MB of output"
run 1 --json 'kill -9 $$ {}' ::: 0
has '"signal":9' out

# Joblog and resume.
run 2 --joblog log 'test -f ok.{}; :; test -f ok.{}' ::: 1 2
[ "$(sed -n 1p log)" = "$(printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand')" ] ||
    fail "joblog header"
[ "$(wc -l <log)" -eq 3 ] || fail "joblog lines"
touch ok.1 ok.2
run 0 --joblog log --resume 'echo {}' ::: 1 2 3
same '3\n' out --resume
run 0 -k --joblog log --resume-failed 'echo {}' ::: 1 2 3 4
same '1\n2\n4\n' out --resume-failed
run 0 --joblog log --resume-failed 'echo {}' ::: 1 2 3 4
same '' out "--resume-failed when all is well"
run 0 --joblog log --resume-failed --dry-run 'echo {}' ::: 1 2 3 4 5
same 'echo 5\n' out "dry run of what is left"
run 0 --dry-run --json 'echo {}' ::: 'b c'
same "{\"seq\":1,\"argument\":\"b c\",\"command\":\"echo 'b c'\"}\n" out "dry run as JSON"
[ "$(awk -F '\t' 'NR > 1 && NF != 9' log | wc -l)" -eq 0 ] || fail "joblog columns"
# A line that was cut off counts as not run, and does not spoil the next.
printf '5\tx\t1' >>log
run 0 --joblog log --resume 'echo {}' ::: 1 2 3 4 5
same '5\n' out "a line cut off"

# Halting.
run 1 -j 1 -k --halt soon,fail=1 'echo {}; exit {}' ::: 0 0 1 0 0
same '0\n0\n1\n' out "--halt soon"
run 1 -j 2 --halt now,fail=1 --joblog log 'test {} = 1 || { touch waiting; sleep 100; }; until test -f waiting; do sleep 0.02; done; exit 1' \
    ::: 1 2
[ "$(wc -l <log)" -eq 2 ] || fail "what was cancelled is in the joblog"
run 0 -j 1 --halt soon,success=2 'echo {}' ::: 1 2 3
[ "$(wc -l <out)" -eq 2 ] || fail "--halt soon,success=2"

# Results.
run 1 --results results 'echo {}; echo e >&2; exit {}' ::: 0 7
same '7\n' results/2/exitval results
same '7\n' results/2/stdout results
same 'e\n' results/1/stderr results
same 'echo 7; echo e >&2; exit 7' results/2/command results

# One interrupt starts no more and waits; two cancel.
interrupt() {
    rm -f go started.*
    "$muster" map -j 2 -k 'touch started.{}; until test -f go; do sleep 0.02; done; echo {}' ::: 1 2 3 4 5 \
        >out 2>err &
    map=$!
    await test -f started.1 -a -f started.2
    kill -INT "$map"
    await grep -q 'interrupted' err
}
interrupt
touch go
wait "$map"
[ $? -eq 130 ] || fail "exit code after an interrupt"
same '1\n2\n' out "one interrupt"
interrupt
kill -INT "$map"
wait "$map"
[ $? -eq 130 ] || fail "exit code after two interrupts"
same '' out "two interrupts"

# Memory stays bounded: what a million lines take is what a few thousand take, which are more than a pipe
# holds, so that muster has begun to read when its memory is looked at. Something follows the sed, because the
# shell would end the pipe with the last command's redirection, and muster with it.
peak() {
    rm -f pid
    { seq "$1"; await test -s pid; sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(cat pid)/status" >peak; :; } |
        ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1" sh -c 'echo $$ >pid; exec "$@"' sh \
            "$muster" map $2 >many 2>err || fail "map $2 over $1 lines"
    cat peak
}
small=$(peak 20000 "--dry-run echo")
large=$(peak 1000000 "--dry-run echo")
[ "$(wc -l <many)" -eq 1000000 ] || fail "a million lines"
[ "$large" -lt $((small + 8192)) ] || fail "a million lines take $large KiB, a few thousand $small KiB"
small=$(peak 200 "-k echo")
large=$(peak 3000 "-k echo")
seq 3000 | cmp - many || fail "3000 in order"
[ "$large" -lt $((small + 16384)) ] || fail "3000 commands take $large KiB, 200 take $small KiB"
stop_cluster

# A slave dies with commands in hand.
start_cluster --slaves 2 --slots 1
victim=$(sed -n 's/^slave-2 *pid \([0-9]*\).*/\1/p' dev)
run 0 -k 'test $MUSTER_SLAVE = slave-1 || kill -9 '"$victim"'; sleep 0.02; echo {}' <<END
$(seq 40)
END
seq 40 | cmp - out || fail "output with a slave killed"
has "slave-2 (pid $victim) died: signal 9" dev.err
stop_cluster

# Slaves that may not run programs; no master at all.
start_cluster --slaves 1 --allow-exec=false
run 255 echo ::: a
has 'muster-slave --allow-exec'
stop_cluster
run 255 --connect-timeout 100ms echo ::: a
has 'no master at'
echo "map_test: ok"
