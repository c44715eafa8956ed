# For the tests of the command line, to be sourced: a place to work in, processes that end with the test, and
# what a program is expected to say.
set -eu
work=$(mktemp -d)
pids=
# shellcheck disable=SC2317
finish() {
    for pid in $pids; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap finish EXIT

fail() {
    echo "$(basename "$0" .sh): $*" >&2
    cat "$work/master.log" "$work/slave.log" >&2 || true
    exit 1
}

muster=$MS_BIN_DIR/muster

# expect CODE COMMAND... runs it; output goes to $work/out and $work/err.
expect() {
    wanted=$1
    shift
    code=0
    "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" = "$wanted" ] || fail "$*: exit $code, not $wanted: $(cat "$work/out" "$work/err")"
}

prints() {
    grep -q -- "$1" "$work/out" || fail "'$1' is not in: $(cat "$work/out")"
}

says() {
    grep -q -- "$1" "$work/err" || fail "'$1' is not in: $(cat "$work/err")"
}

# Repeats a command until it succeeds, half a minute at most.
until_ok() {
    end=$(($(date +%s) + 30))
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || fail "in vain: $*"
    done
}
