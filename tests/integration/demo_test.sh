#!/bin/sh
# scripts/demo over files whose names are as bad as names can be.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

newline='
'
mkdir "$work/files" "$work/files/a b"
number=0
while [ "$number" -lt 200 ]; do
    number=$((number + 1))
    echo "$number" >"$work/files/a b/file $number"
done
for name in "two${newline}lines" " " "-n" "{}" '$(id)' "'" '"' '\' '*' '`id`' ';'; do
    echo "$name" >"$work/files/$name"
done
ln -s /dev/zero "$work/files/link"

"$MS_SOURCE_DIR/scripts/demo" "$work/files" >"$work/out" 2>"$work/err" || {
    cat "$work/out" "$work/err" >&2
    echo "demo_test: the demo failed" >&2
    exit 1
}
for said in "over 211 files" "slave-2 (pid [0-9]*) was killed on the way" \
    "the active master (pid [0-9]*) was killed on the way; the other one was active after [0-9]* ms" "byte for byte the same" \
    "nothing is left running"; do
    grep -q "$said" "$work/out" || {
        cat "$work/out" "$work/err" >&2
        echo "demo_test: '$said' was not said" >&2
        exit 1
    }
done
grep -q "3165 commands, 0 failed, [0-9]* retries, .* commands/s" "$work/err" || {
    cat "$work/err" >&2
    echo "demo_test: no summary" >&2
    exit 1
}
if "$MS_SOURCE_DIR/scripts/demo" "$work/none" >"$work/out" 2>&1; then
    echo "demo_test: a directory that is not there is no mistake" >&2
    exit 1
fi
echo "demo_test: ok"
