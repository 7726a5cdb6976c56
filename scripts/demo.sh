#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The point of the project in under a minute: a paper-trading runtime gives the same result in
# memory, on the journal, with the process killed again and again, and after its state was lost.
# Usage: scripts/demo.sh BUILD-DIRECTORY [SEED]
set -euo pipefail
build=$(cd "$1" && pwd)
seed=${2:-$RANDOM}
events=400
runtime=$build/examples/paper_runtime
journal=$build/cli/tesser-journal
directory=$build/demo
rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"

# The whole difference between memory and disk, for the program: this file.
printf '[journal]\ntype = "memory"\n' >memory.toml
printf '[journal]\ntype = "lmdb"\npath = "whole"\n' >whole.toml
printf '[journal]\ntype = "lmdb"\npath = "killed"\n' >killed.toml

run() { "$runtime" --seed "$seed" --events $events "$@"; }

echo "A paper-trading runtime: 6 symbols on 2 venues, $events events, seed $seed"
echo
echo "1. In memory"
in_memory=$(run --config memory.toml)
echo "   $in_memory"
echo "2. On the journal, every save flushed to the disk"
whole=$(run --config whole.toml)
echo "   $whole"

RANDOM=$seed
kills=$(for _ in 1 2 3 4 5 6 7 8; do echo $((RANDOM % (events - 40) + 30)); done | sort -nu)
echo "3. On the journal, killed (SIGKILL) at events $(echo $kills), and started again each time"
for event in $kills; do
    (run --config killed.toml --kill-at "$event" || true) 2>&1 | sed 's/^/   /' | grep -v Killed || true
done 2>/dev/null
killed=$(run --config killed.toml 2>/dev/null)
echo "   $killed"

echo "4. The killed journal's data.mdb deleted, and everything brought back from its log"
rm killed/data.mdb
"$journal" verify --journal killed >verify.txt 2>&1 && damage_missed=yes || damage_missed=no
"$journal" repair --journal killed --into repaired --swap >repair.txt
repaired=$(run --config killed.toml 2>/dev/null)
echo "   $repaired"

if [ "$in_memory" != "$whole" ] || [ "$in_memory" != "$killed" ] || [ "$in_memory" != "$repaired" ] ||
    [ $damage_missed = yes ]; then
    echo "The digests differ, or damage was not seen; the journals are kept in $directory" >&2
    exit 1
fi
echo
echo "All four are the same. What the killed one holds (tesser-journal state show):"
echo
"$journal" state show --journal killed
