#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the README shows is done by a new user: the programs in C and C++ compiled by the lines that stand there,
# against what was installed, and run, and the command lines. The one in Rust: test_rust.sh, of `make test-rust`.
# Usage: test_readme.sh BUILD-DIRECTORY
set -euo pipefail
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
source=$(realpath "$here/../..")
directory=$(mktemp -d "${TMPDIR:-/tmp}/tj-readme-XXXXXX")
cd "$directory"
fail() {
    echo "$*" >&2
    exit 1
}

# lines PATTERN: the indented lines of the README that begin so.
lines() {
    grep -E "^    ($1)" "$source/README.md" || fail "the README has no line with $1"
}

cmake --install "$build" --prefix "$directory/installed" >install.log
libraries=$(dirname "$(find "$directory/installed" -name pkgconfig)")
export PATH=$directory/installed/bin:$PATH PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries
strict="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I$directory/installed/include"

# Who runs Tesser begins with what its stores hold.
cp "$source"/tests/data/tesser/0.9.2/typical/{state,ledger}.db .
cp "$source"/tests/data/tesser/0.9.2/typical/algos.db state.algos.db
importing=$(lines 'tesser-journal import ')
bash -euc "$importing"
rm -rf journal

sh "$here/block.sh" c >quickstart.c
sh "$here/block.sh" cpp >prices.cpp
# shellcheck disable=SC2086
cc -std=c11 $strict quickstart.c && c++ -std=c++17 $strict prices.cpp
compiling=$(lines '(cc|c\+\+) ')
bash -euc "$compiling"
for expected in 1000 2000; do
    printed=$(./quickstart)
    [ "$printed" = "equity $expected" ] || fail "expected equity $expected: $printed"
done
printed=$(./prices)
[ "$printed" = "commit 5 is durable" ] || fail "expected commit 5: $printed"
[ -f journal/data.mdb ] || fail "no journal was made"

# The command lines, on the journal that the programs have made, and with the configuration.
sh "$here/block.sh" toml >tesser.toml
tesser-journal status | grep -q "$PWD/journal" || fail "the configuration names another journal"
lines 'tesser-journal [a-hj-z]|echo .*\| tesser-journal ' >typed
while read -r line; do
    bash -c "$line" >printed 2>&1 </dev/null || fail "failed: $line: $(cat printed)"
done <typed
grep -q 'binance_perp  *BTCUSDT\|binance_perp:BTCUSDT' <(tesser-journal state show --journal ./journal)
cd /
rm -rf "$directory"
