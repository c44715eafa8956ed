#!/bin/sh
# check, export and import: the data directory of a master that was killed, verified, taken out and put back.
# shellcheck source=tests/integration/cli.sh
. "$(dirname "$0")/cli.sh"

# start DIR: a master of that data, its address in MUSTER_MASTER and its process in $master.
start() {
    rm -f "$work/port"
    "$MS_BIN_DIR/muster-master" --listen 127.0.0.1:0 --port-file "$work/port" --data "$1" \
        >"$work/master.log" 2>&1 &
    master=$!
    pids="$pids $master"
    until_ok test -s "$work/port"
    MUSTER_MASTER=$(cat "$work/port")
    export MUSTER_MASTER
}

kill_master() {
    kill -9 "$master"
    wait "$master" 2>/dev/null || true
}

# There is nothing to look at.
expect 74 "$muster" check "$work/nowhere"
[ ! -e "$work/nowhere" ] || fail "check made a directory"
mkdir "$work/empty"
expect 74 "$muster" export "$work/empty"
expect 65 "$muster" import "$work/fresh" </dev/null
says "standard input is empty"
[ ! -e "$work/fresh" ] || fail "an import of nothing made a directory"

# A life: some are done, some wait.
start "$work/data"
"$MS_BIN_DIR/muster-slave" --slots 4 --handlers "$MS_HANDLERS_DIR" "$MUSTER_MASTER" >"$work/slave.log" 2>&1 &
slave=$!
pids="$pids $slave"
has_slave() {
    "$muster" slaves --no-headers | grep -q echo
}
until_ok has_slave
expect 0 "$muster" submit echo --payload over --wait
expect 0 "$muster" submit echo --payload x --id mine --wait
expect 69 "$muster" submit echo --payload x --id mine --wait
says "came to its end before"
expect 0 "$muster" submit echo --payload x --id mine
says "came to its end before"
[ ! -s "$work/out" ] || fail "it was accepted once more: $(cat "$work/out")"
expect 0 "$muster" submit echo --payload first --delay 1h
first=$(cat "$work/out")
expect 0 "$muster" submit echo --payload "$(printf '\303\244\t"')" --delay 1h --attempts 7
expect 77 "$muster" check "$work/data"
kill_master
kill -9 "$slave"

expect 0 "$muster" check "$work/data"
prints sound
prints '^open *2$'
expect 0 "$muster" check "$work/data" --json
prints '"commands_open":2'
expect 0 "$muster" export "$work/data"
cp "$work/out" "$work/export"
grep -q '"kind":"SUBMIT"' "$work/export" || fail "no submission was exported"
tail -n 1 "$work/export" | grep -q '"end":true' || fail "the export has no end"

# A log that was lost or cut off is missed, unless somebody says that he knows.
cp -a "$work/data" "$work/lost"
rm "$work/lost/store.db-wal"
expect 65 "$muster" check "$work/lost"
says "store.db-wal is missing"
expect 65 "$MS_BIN_DIR/muster-master" --listen 127.0.0.1:0 --data "$work/lost"
rm "$work/lost/store.db-end"
expect 0 "$muster" check "$work/lost"
cp -a "$work/data" "$work/cut"
truncate -s 10000 "$work/cut/store.db-wal"
expect 65 "$muster" check "$work/cut"
says "store.db-wal is damaged"
rm -r "$work/lost" "$work/cut"

# Put back it is the same, and a master takes it up.
expect 0 sh -c "'$muster' import '$work/copy' <'$work/export'"
expect 0 "$muster" export "$work/copy"
cmp "$work/out" "$work/export" || fail "the copy is not the same"
expect 73 sh -c "'$muster' import '$work/copy' <'$work/export'"
says "holds records"
start "$work/copy"
expect 0 "$muster" commands --state delayed --no-headers
[ "$(wc -l <"$work/out")" = 2 ] || fail "not both are back: $(cat "$work/out")"
prints "$first"
kill_master

# What is damaged is named.
sed '$d' "$work/export" >"$work/cut"
expect 65 sh -c "'$muster' import '$work/cut.d' <'$work/cut'"
says "cut off"
expect 65 "$muster" check "$work/cut.d"
says "a part of an import that did not end"
expect 65 sh -c "'$muster' import '$work/cut.d' <'$work/export'"
expect 65 "$MS_BIN_DIR/muster-master" --listen 127.0.0.1:0 --data "$work/cut.d"
sed 's/"kind":"SUBMIT"/"kind":"RETRY"/' "$work/export" >"$work/wrong"
expect 65 sh -c "'$muster' import '$work/wrong.d' <'$work/wrong'"
says "no command was submitted under its id"
echo "cli_store_test: passed"
