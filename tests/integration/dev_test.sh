#!/bin/sh
# muster dev: what it starts serves, what it says is true, and nothing is left whatever ends it.
test=dev_test
. "$MS_SOURCE_DIR/tests/integration/dev.sh"

# With a command: its output, its exit code, its master.
"$muster" dev --slaves 3 -- sh -c '"$1" slaves --json >slaves; echo "$MUSTER_MASTER"; exit 7' sh "$muster" >out 2>dev.err
[ $? -eq 7 ] || fail "exit code of the command"
grep -q '^127\.0\.0\.1:[0-9]*$' out || fail "MUSTER_MASTER"
[ "$(wc -l <out)" -eq 1 ] || fail "the command's output is not alone on standard output"
[ "$(grep -o '"name":"slave-[123]"' slaves | sort -u | wc -l)" -eq 3 ] || fail "three slaves"
members=$(sed -n 's/^[a-z0-9-]* *pid \([0-9]*\).*/\1/p' dev.err)
[ "$(echo "$members" | wc -l)" -eq 4 ] || fail "four members"
all_gone
no_directory
"$muster" dev -- sh -c 'kill -9 $$' >out 2>dev.err
[ $? -eq 137 ] || fail "exit code of a command that was killed"
"$muster" dev -- /no/such/program >out 2>dev.err
[ $? -eq 127 ] || fail "exit code of a command that is not there"
grep -q '/no/such/program' dev.err || fail "which command is not there"
no_directory

# Every way to end it.
for signal in INT TERM HUP; do
    start_cluster
    kill -$signal "$cluster"
    wait "$cluster" || fail "exit code $? after SIG$signal"
    cluster=
    all_gone
    no_directory
done
start_cluster
kill -KILL "$cluster"
wait "$cluster" 2>/dev/null
cluster=
all_gone
rm -rf "$work"/muster-dev-*

# Ending waits for what runs; a second time it does not.
start_cluster --slaves 1
"$muster" map 'touch running; until test -f {}; do sleep 0.02; done; echo done' ::: go >out 2>map.err &
map=$!
await test -f running
kill -TERM "$cluster"
await grep -q 'ending' dev
touch go
wait "$map" || fail "a command that ran when the end began: $(cat map.err)"
grep -q done out || fail "output of a command that ran when the end began"
wait "$cluster" || fail "exit code $? after a drain"
cluster=
all_gone
start_cluster --slaves 1
rm -f running go
"$muster" submit sleep --payload 100s >id || fail "submit"
kill -TERM "$cluster"
await grep -q 'ending' dev
kill -TERM "$cluster"
wait "$cluster"
cluster=
all_gone

# A slave that dies is told of, and with --respawn comes back.
start_cluster --slaves 2
victim=$(sed -n 's/^slave-1 *pid \([0-9]*\).*/\1/p' dev)
kill -9 "$victim"
await grep -q "slave-1 (pid $victim) died: signal 9" dev.err
[ "$("$muster" map -k echo ::: a b | tr -d '\n')" = ab ] || fail "map with one slave less"
kill -TERM "$cluster"
wait "$cluster" || fail "exit code $? after a slave died"
cluster=
start_cluster --slaves 1 --respawn
victim=$(sed -n 's/^slave-1 *pid \([0-9]*\).*/\1/p' dev)
kill -9 "$victim"
again() {
    [ "$(grep -c '^slave-1 *pid ' dev)" -eq 2 ]
}
await again
[ "$("$muster" map -k echo ::: a b | tr -d '\n')" = ab ] || fail "map after a respawn"
members=$(sed -n 's/^[a-z0-9-]* *pid \([0-9]*\).*/\1/p' dev)
kill -TERM "$cluster"
wait "$cluster" || fail "exit code $? after a respawn"
cluster=
all_gone

# Without its master there is no cluster; what cannot start says why.
start_cluster
kill -9 "$(sed -n 's/^master *pid \([0-9]*\).*/\1/p' dev)"
wait "$cluster"
[ $? -eq 69 ] || fail "exit code without a master"
cluster=
all_gone
"$muster" dev --handler /no/such/handler.so >out 2>dev.err
[ $? -eq 69 ] || fail "exit code when a slave cannot start"
grep -q '/no/such/handler.so' dev.err || fail "why a slave cannot start"
"$muster" dev --allow-exec=false -- "$muster" map echo ::: a >out 2>dev.err
[ $? -eq 255 ] || fail "--allow-exec=false"
no_directory
echo "dev_test: ok"
