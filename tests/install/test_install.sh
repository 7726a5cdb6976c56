#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs the built library into an empty prefix, then builds and runs an outside program against it
# in the four ways the README names: pkg-config and find_package, shared and static.
set -euo pipefail
build=$1 compiler=$2 sanitize=${3:-}
here=$(cd "$(dirname "$0")" && pwd)

if [ -n "$sanitize" ]; then
    echo "Skipped: a library built with -fsanitize=$sanitize needs programs built the same way."
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/moved

# The package must not depend on where it was installed first.
cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$prefix"
libdir=$(dirname "$(find "$prefix" -name libtesser-journal.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig

expect_equity() {
    local way=$1 output
    shift
    output=$("$@")
    if [ "$output" != "equity 1250.50" ]; then
        echo "$way: expected \"equity 1250.50\", got \"$output\""
        exit 1
    fi
    echo "$way: $output"
}

read -ra flags <<<"$(pkg-config --cflags --libs tesser-journal)"
"$compiler" -std=c11 "$here/program.c" "${flags[@]}" -o "$scratch/pc_shared"
expect_equity "pkg-config, shared" env LD_LIBRARY_PATH="$libdir" "$scratch/pc_shared"

read -ra flags <<<"$(pkg-config --cflags --libs tesser-journal-static)"
"$compiler" -std=c11 "$here/program.c" "${flags[@]}" -o "$scratch/pc_static"
expect_equity "pkg-config, static" "$scratch/pc_static"

for cxx in g++ clang++; do
    command -v $cxx >/dev/null || continue
    read -ra flags <<<"$(pkg-config --cflags --libs tesser-journal)"
    $cxx -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "$here/program.cpp" "${flags[@]}" \
        -o "$scratch/cpp"
    expect_equity "journal.hpp, $cxx" env LD_LIBRARY_PATH="$libdir" "$scratch/cpp"
done

cmake -S "$here" -B "$scratch/outside" -G Ninja -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/cmake.log"
ninja -C "$scratch/outside" --quiet
expect_equity "find_package, shared" "$scratch/outside/with_shared"
expect_equity "find_package, static" "$scratch/outside/with_static"

# The examples, by the lines that stand in them.
cp -r "$prefix/share/doc/tesser-journal/examples" "$scratch/examples"
cd "$scratch/examples"
for example in event_loop paper_runtime; do
    sed -nE 's/^ \*     ((cc|printf|\.\/).*)/\1/p' $example.c >typed
    [ "$(grep -c '^cc\|^\./' typed)" = 2 ] || { echo "$example.c does not say how it is built and run"; exit 1; }
    TMPDIR=$scratch LD_LIBRARY_PATH=$libdir bash -euc "$(cat typed)" >told 2>&1 || { cat typed told; exit 1; }
    rm -rf journal
done
cd "$here"

for program in "$scratch/pc_static" "$scratch/outside/with_static"; do
    if ldd "$program" | grep -q libtesser-journal; then
        echo "$program was to be linked statically, but needs the shared library"
        exit 1
    fi
done
for file in share/doc/tesser-journal/{README.md,LICENSE-MIT,LICENSE-APACHE,docs/FORMAT.md,examples/paper_runtime.c} \
    share/doc/tesser-journal/contrib/prometheus/tesser-journal.rules.yml share/man/man1/tesser-journal{,-check}.1 \
    share/man/man3/{tesser_store.h,tj_store_open}.3 share/bash-completion/completions/tesser-journal; do
    [ -s "$prefix/$file" ] || { echo "$file is not installed"; exit 1; }
done
if [ "$(readelf -d "$libdir/libtesser-journal.so" | grep -c 'SONAME.*\[libtesser-journal.so.0\]')" != 1 ]; then
    echo "libtesser-journal.so does not carry the name libtesser-journal.so.0"
    exit 1
fi

# Uninstalling leaves no file, and no directory that is only the journal's; what is beside stays.
mv "$prefix" "$scratch/first"
echo mine >"$scratch/first/include/mine.h"
bash "$here/../../scripts/uninstall.sh" "$build" >"$scratch/uninstall.log"
left=$(cd "$scratch/first" && find . ! -type d -o -name '*tesser*')
[ "$left" = ./include/mine.h ] || { echo "uninstalling left: $left"; exit 1; }
