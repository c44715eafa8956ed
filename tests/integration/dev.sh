# A cluster of muster dev, for tests that source this: it is gone when they end. $test is the test's name.
set -u
work=$(mktemp -d)
muster=$MS_BIN_DIR/muster
cluster=
unset MUSTER_MASTER MUSTER_CONFIG
TMPDIR=$work
export TMPDIR

finish() {
    if [ -n "$cluster" ]; then
        kill -TERM "$cluster" 2>/dev/null
        wait "$cluster" 2>/dev/null
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "$test: $*" >&2
    cat dev dev.err >&2
    exit 1
}

await() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "waited in vain for: $*"
        sleep 0.05
    done
}

start_cluster() {
    rm -f port
    "$muster" dev --port-file port "$@" >dev 2>dev.err &
    cluster=$!
    await test -f port
    members=$(sed -n 's/^[a-z0-9-]* *pid \([0-9]*\).*/\1/p' dev)
    MUSTER_MASTER=$(cat port)
    export MUSTER_MASTER
}

# A process that ended and that nobody waits for any more is gone too.
is_gone() {
    [ ! -d "/proc/$1" ] || grep -q '^State:.*[ZX]' "/proc/$1/status" 2>/dev/null || [ ! -d "/proc/$1" ]
}

all_gone() {
    for pid in $members; do
        await is_gone "$pid"
    done
}

# The directory for the master's port goes with the program that made it.
no_directory() {
    for path in "$work"/muster-dev-*; do
        [ ! -e "$path" ] || fail "$path was left"
    done
}

cd "$work" || exit 1
: >dev
: >dev.err
