#!/bin/sh
# A service that `muster new service` wrote is built outside the tree against the installed package, found in both ways, and passes
# its own test, which kills a master.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "new_service_test: $*" >&2
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
"$muster" new service tally >written 2>/dev/null
[ "$(wc -l <written)" -eq 5 ] || fail "it should have written five files: $(cat written)"
while read -r file; do
    [ -s "$file" ] || fail "$file is not there"
done <written
code=0
"$muster" new servant tally >/dev/null 2>refused || code=$?
[ "$code" -eq 64 ] && grep -q "'service'" refused || fail "it makes a servant: $(cat refused)"

# By find_package, then by pkg-config alone; ctest builds, and runs the installed programs.
run package cmake -S tally -B by-package "-DCMAKE_PREFIX_PATH=$prefix" -DCMAKE_C_FLAGS=-Werror
run package_ctest ctest --test-dir by-package --output-on-failure
PKG_CONFIG_PATH=$pkgconfig run pkgconfig cmake -S tally -B by-pkgconfig -DCMAKE_DISABLE_FIND_PACKAGE_muster=ON \
    -DCMAKE_C_FLAGS=-Werror
PKG_CONFIG_PATH=$pkgconfig run pkgconfig_ctest ctest --test-dir by-pkgconfig --output-on-failure

# Dropped in beside those that come with muster, a master finds it.
run into cmake --install by-package --prefix "$prefix"
services=$(dirname "$(find "$prefix" -name tally.service)")
run check "$prefix/sbin/muster-master" --check --services "$services"
[ -e "$services/kv.service" ] && [ -e "$services/tally.so" ] || fail "they are not in one place: $(ls "$services")"
# Its test can fail.
sed 's/counter->total += /counter->total -= /' tally/tally.c >changed
cp changed tally/tally.c
if ctest --test-dir by-pkgconfig >changed.log 2>&1; then
    fail "the service's test does not notice a wrong answer"
fi
echo "new_service_test: ok"
