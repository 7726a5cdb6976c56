#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the README shows is compiled and run: the C program of the quick start, twice, and the command lines.
# Usage: test_readme.sh SOURCE-DIRECTORY COMPILER SHARED-LIBRARY COMMAND-LINE
set -euo pipefail
source=$1 compiler=$2 library=$3 program=$4
directory=$(mktemp -d "${TMPDIR:-/tmp}/tj-readme-XXXXXX")
cd "$directory"

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$source/README.md" >quickstart.c
grep -q tj_store_open quickstart.c || { echo "the README has no C program"; exit 1; }
"$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$source/include" quickstart.c \
    "$library" -Wl,-rpath,"$(dirname "$library")" -o quickstart
for expected in 1000 2000; do
    printed=$(./quickstart)
    [ "$printed" = "equity $expected" ] || { echo "expected equity $expected: $printed"; exit 1; }
done
[ -f journal/data.mdb ] || { echo "no journal was made"; exit 1; }

# The lines that start with tesser-journal, or pipe into it, as they stand. Tesser's stores are at hand, and
# the first steps with an empty journal follow those with an imported one.
rm -rf journal
cp "$source"/tests/data/tesser/0.9.2/typical/{state,ledger}.db .
cp "$source"/tests/data/tesser/0.9.2/typical/algos.db state.algos.db
mkdir bin
ln -s "$program" bin/tesser-journal
export PATH=$directory/bin:$PATH
grep -E '^    (tesser-journal [a-z]|echo .*\| tesser-journal )' "$source/README.md" >lines
[ "$(wc -l <lines)" -ge 4 ] || { echo "the README's command lines were not found"; exit 1; }
while read -r line; do
    bash -c "$line" >printed 2>&1 </dev/null || { echo "failed: $line"; cat printed; exit 1; }
    case $line in *' import '*) rm -rf journal ;; esac
done <lines
grep -q 'binance_perp  *BTCUSDT\|binance_perp:BTCUSDT' <(tesser-journal state show --journal ./journal)
cd /
rm -rf "$directory"
