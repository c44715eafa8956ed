#!/bin/sh
# The installed package: everything lies where GNU's folders say, the shared library exports the public functions
# and nothing else, and a plug-in and a client build against it with pkg-config and with find_package(muster).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "package_test: $*" >&2
    exit 1
}

DESTDIR=$work/dest cmake --install "$MS_BUILD_DIR" >"$work/install.log" || fail "cmake --install"
prefix=$(dirname "$(dirname "$(find "$work/dest" -path '*/include/muster')")")
library=$(find "$prefix" -name 'libmuster.so.0')
pkgconfig=$(dirname "$(find "$prefix" -name muster.pc)")
for file in bin/muster sbin/muster-master sbin/muster-slave include/muster/ms_client.h include/muster/ms_handler.h; do
    [ -f "$prefix/$file" ] || fail "$file is not installed"
done
[ -f "$(dirname "$library")/muster/handlers/echo.so" ] || fail "the handlers are not beside the library"

# Instrumented builds bring symbols of their own.
nm -D --defined-only "$library" | sed -n 's/.* [TDBRVW] \([A-Za-z0-9_]*\).*/\1/p' | grep -v '^_\|^MUSTER' |
    sort -u >"$work/exported"
[ -s "$work/exported" ] || fail "nothing is exported"
while read -r name; do
    grep -q "\b$name(" "$prefix"/include/muster/ms_*.h || fail "$name is exported and not public"
done <"$work/exported"
first=$(sed -n 1p "$work/exported")

mkdir "$work/use"
printf '#include <muster/ms_handler.h>\nextern int unused;\n' >"$work/use/plugin.c"
cat >"$work/use/client.c" <<END
#include <muster/ms_client.h>
#include <muster/ms_future.h>
#include <muster/ms_handler.h>
#include <muster/ms_query.h>

int main(void)
{
    return (void *)&$first == (void *)0;
}
END
cat >"$work/use/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(use C)
find_package(muster 0.1 REQUIRED)
add_library(plugin MODULE plugin.c)
target_link_libraries(plugin PRIVATE muster::handler)
add_executable(client client.c)
target_link_libraries(client PRIVATE muster::client)
add_executable(client_static client.c)
target_link_libraries(client_static PRIVATE muster::client_static)
END

sanitize=${MS_SANITIZE:+-fsanitize=$MS_SANITIZE}
cmake -S "$work/use" -B "$work/use/build" "-DCMAKE_PREFIX_PATH=$prefix" "-DCMAKE_C_FLAGS=$sanitize" \
    >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; fail "find_package(muster)"; }
cmake --build "$work/use/build" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; fail "building with CMake"; }
"$work/use/build/client" || fail "the client linked by CMake does not run"
"$work/use/build/client_static" || fail "the client linked statically does not run"

PKG_CONFIG_PATH=$pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086
cc $sanitize -Wall -Wextra -Wpedantic -std=c11 "$work/use/client.c" $(pkg-config --cflags --libs muster) \
    -o "$work/use/client" || fail "building with pkg-config"
LD_LIBRARY_PATH=$(dirname "$library") "$work/use/client" || fail "the client linked by pkg-config does not run"

# Public headers are C++ as well, and each stands alone.
for header in ms_client ms_handler; do
    for language in c c++; do
        echo "#include <muster/$header.h>" |
            clang -x "$language" -Wall -Wextra -Werror -fsyntax-only "-I$prefix/include" - ||
            fail "$header.h alone is not $language"
    done
done
echo "package_test: ok"
