#!/bin/sh
# muster dev --ha: two masters of which one serves, witnesses that vote, and nothing left whatever ends it.
test=dev_ha_test
. "$MS_SOURCE_DIR/tests/integration/dev.sh"

# The pid of the master whose row of muster pair has that word.
master_that() {
    address=$("$muster" pair --no-headers | grep " $1 " | cut -d' ' -f1)
    sed -n "s/^master-[12] *pid \\([0-9]*\\)  $address\$/\\1/p" dev
}

is_active_other_than() {
    pid=$(master_that active) && [ -n "$pid" ] && [ "$pid" != "$1" ]
}

is_safe() {
    "$muster" pair >pair.out
}

# With a command: its exit code, both masters in its variable, a pair that needs nothing.
"$muster" dev --ha --slaves 3 -- sh -c '"$1" pair >pair.out; echo "$? $MUSTER_MASTER"; exit 7' sh "$muster" >out 2>dev.err
[ $? -eq 7 ] || fail "exit code of the command"
grep -q '^0 127\.0\.0\.1:[0-9]*,127\.0\.0\.1:[0-9]*$' out || fail "a pair in good order: $(cat out pair.out)"
grep -q ' PAIR .* [1-3]/[13] ' pair.out || fail "witnesses: $(cat pair.out)"
members=$(sed -n 's/^[a-z0-9-]* *pid \([0-9]*\).*/\1/p' dev.err)
[ "$(echo "$members" | wc -l)" -eq 5 ] || fail "five members"
all_gone
no_directory

# The active one is killed in the midst of work; the other one goes on, and ends in peace.
start_cluster --ha --slaves 3
victim=$(master_that active)
"$muster" map -k 'sleep 0.2; echo {}' ::: 1 2 3 4 5 6 7 8 9 10 11 12 >out 2>map.err &
map=$!
await test -s out
kill -9 "$victim"
await grep -q "master-[12] (pid $victim) died: signal 9" dev.err
await is_active_other_than "$victim"
wait "$map" || fail "a map while the active master was killed: $(cat map.err)"
[ "$(tr '\n' ' ' <out)" = "1 2 3 4 5 6 7 8 9 10 11 12 " ] || fail "output of the map: $(cat out)"
kill -TERM "$cluster"
wait "$cluster" || fail "exit code $? after a master was killed"
cluster=
all_gone
no_directory

# With --respawn it comes back and is caught up. Every way to end it.
for signal in TERM INT; do
    start_cluster --ha --slaves 3 --respawn
    victim=$(master_that active)
    kill -9 "$victim"
    await is_active_other_than "$victim"
    await is_safe
    members=$(sed -n 's/^[a-z0-9-]* *pid \([0-9]*\).*/\1/p' dev)
    kill -$signal "$cluster"
    wait "$cluster" || fail "exit code $? after SIG$signal"
    cluster=
    all_gone
    no_directory
done

# Without any master there is no cluster.
start_cluster --ha --slaves 1
for pid in $(sed -n 's/^master-[12] *pid \([0-9]*\).*/\1/p' dev); do
    kill -9 "$pid"
done
wait "$cluster"
[ $? -eq 69 ] || fail "exit code without masters"
cluster=
all_gone
no_directory
echo "dev_ha_test: ok"
