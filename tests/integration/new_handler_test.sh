#!/bin/sh
# A handler that `muster new handler` wrote is built outside the tree against the installed package, found in both ways,
# passes its own test, and answers a command.
set -eu
work=$(mktemp -d)
pids=

clean_up() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || :
    done
    wait
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "new_handler_test: $*" >&2
    exit 1
}

# run LOG COMMAND...: quiet unless it fails.
run() {
    log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }
}

DESTDIR=$work/dest run install cmake --install "$MS_BUILD_DIR"
prefix=$(dirname "$(dirname "$(find "$work/dest" -path '*/include/muster')")")
pkgconfig=$(dirname "$(find "$prefix" -name muster.pc)")
muster=$prefix/bin/muster

cd "$work"
"$muster" new handler thumb >written 2>/dev/null
[ "$(wc -l <written)" -eq 4 ] || fail "it should have written four files: $(cat written)"
while read -r file; do
    [ -s "$file" ] || fail "$file is not there"
done <written

# What it refuses.
code=0
"$muster" new handler thumb >/dev/null 2>refused || code=$?
[ "$code" -eq 73 ] && grep -q "exists already" refused || fail "it overwrites"
for name in 2nd my-thumb ../thumb ""; do
    code=0
    "$muster" new handler "$name" >/dev/null 2>refused || code=$?
    [ "$code" -eq 64 ] && grep -q "digits" refused || fail "it takes the name '$name'"
done
"$muster" new handler thumb --dir other/place >/dev/null 2>&1
cmp thumb/thumb.c other/place/thumb.c

# By find_package, then by pkg-config alone; ctest builds, and runs the installed programs.
run package cmake -S thumb -B by-package "-DCMAKE_PREFIX_PATH=$prefix" -DCMAKE_C_FLAGS=-Werror
run package_ctest ctest --test-dir by-package --output-on-failure
PKG_CONFIG_PATH=$pkgconfig run pkgconfig cmake -S other/place -B by-pkgconfig -DCMAKE_DISABLE_FIND_PACKAGE_muster=ON \
    -DCMAKE_C_FLAGS=-Werror
PKG_CONFIG_PATH=$pkgconfig run pkgconfig_ctest ctest --test-dir by-pkgconfig --output-on-failure
for build in by-package by-pkgconfig; do
    grep -q "muster-slave_PROGRAM:FILEPATH=$prefix/" $build/CMakeCache.txt || fail "$build uses other programs"
    [ -f $build/thumb.so ] || fail "$build/thumb.so was not built"
done
# Its test can fail.
sed 's/toupper/tolower/' other/place/thumb.c >changed
cp changed other/place/thumb.c
if ctest --test-dir by-pkgconfig >changed.log 2>&1; then
    fail "the handler's test does not notice a wrong answer"
fi

# Installed with muster's own handlers, a slave finds it by itself.
run into cmake --install by-package --prefix "$prefix"
"$prefix/sbin/muster-master" --listen 127.0.0.1:0 --port-file "$work/master.port" 2>master.log &
pids=$!
tries=0
while [ ! -s master.port ]; do
    tries=$((tries + 1))
    [ "$tries" -le 300 ] || fail "the master does not serve: $(cat master.log)"
    sleep 0.1
done
MUSTER_MASTER=$(cat master.port)
export MUSTER_MASTER
"$prefix/sbin/muster-slave" --handler by-pkgconfig/thumb.so --handlers "" --isolate --port-file "$work/slave.port" \
    2>slave.log &
pids="$pids $!"
printf 'a photo' >f
"$muster" submit thumb --in f --out g --wait
[ "$(cat g)" = "a photo" ] || fail "the changed handler answers $(cat g)"
kill "${pids##* }"
wait "${pids##* }" || fail "the slave does not drain: $(cat slave.log)"
"$prefix/sbin/muster-slave" 2>slave.log &
pids="$pids $!"
"$muster" submit thumb --in f --out g --wait
[ "$(cat g)" = "A PHOTO" ] || fail "the installed handler answers $(cat g)"
echo "new_handler_test: ok"
