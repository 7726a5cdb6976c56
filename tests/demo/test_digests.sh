#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# For 20 seeds: the paper runtime gives the same digest in memory, on the journal, and on a journal whose
# process was killed at 15 random events. Small segments, so that the log also changes segments.
# PAPER_RUNTIME is the program. TJ_SEED chooses the kills; it is printed.
set -euo pipefail
: "${PAPER_RUNTIME:?}"
seed=${TJ_SEED:-$RANDOM}
RANDOM=$seed
events=250
kills=15
directory=$(mktemp -d "${TMPDIR:-/tmp}/tj-digests-XXXXXX")
echo "TJ_SEED=$seed, in $directory"
cd "$directory"
printf '[journal]\ntype = "memory"\n' >memory.toml

journal_config() { # PATH DURABILITY
    printf '[journal]\ntype = "lmdb"\npath = "%s"\nsegment_size = "64 KiB"\nlag_ms = 20\ndurability = "%s"\n' "$1" "$2"
}

killed_total=0
for run in $(seq 1 20); do
    durability=$([ $((run % 4)) = 0 ] && echo sync || echo os)
    rm -rf whole killed
    journal_config whole "$durability" >whole.toml
    journal_config killed "$durability" >killed.toml
    in_memory=$("$PAPER_RUNTIME" --config memory.toml --seed "$run" --events $events)
    whole=$("$PAPER_RUNTIME" --config whole.toml --seed "$run" --events $events)
    for event in $(for _ in $(seq $kills); do echo $((RANDOM % events + 1)); done | sort -n); do
        status=0
        "$PAPER_RUNTIME" --config killed.toml --seed "$run" --events $events --kill-at "$event" \
            >/dev/null 2>runtime.err || status=$?
        # The same event may be drawn twice; killed at it once, the run may be beyond it.
        if [ $status = 137 ]; then
            killed_total=$((killed_total + 1))
        elif [ $status != 0 ]; then
            cat runtime.err
            exit 1
        fi
    done 2>/dev/null
    killed=$("$PAPER_RUNTIME" --config killed.toml --seed "$run" --events $events 2>/dev/null)
    if [ "$in_memory" != "$whole" ] || [ "$in_memory" != "$killed" ]; then
        echo "seed $run: memory: $in_memory, journal: $whole, killed: $killed; kept in $directory"
        exit 1
    fi
done
# A run that was never killed would prove nothing.
if [ $killed_total -lt 150 ]; then
    echo "only $killed_total kills took place"
    exit 1
fi
echo "20 seeds, $killed_total kills: every digest the same"
rm -rf "$directory"
