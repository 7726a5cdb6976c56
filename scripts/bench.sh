#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs every benchmark, about five minutes, and ends with one line for each goal.
# Usage: scripts/bench.sh BUILD [DIRECTORY]   DIRECTORY is on the disk to measure, /var/tmp without it.
set -euo pipefail
build=$1
directory=${2:-/var/tmp}
report=$(mktemp)
trap 'rm -f "$report"' EXIT

for name in saver savers metrics record socket state status flat history builder backup repair log diff; do
    arguments=("$directory")
    [ "$name" != diff ] || arguments=()
    echo "== bench_$name"
    "$build/bench/bench_$name" "${arguments[@]}" | tee -a "$report"
done
echo
echo "== $(uname -sr), $(nproc) processors, $directory on $(df --output=fstype "$directory" | tail -1)"
echo "== load $(cut -d' ' -f1-3 /proc/loadavg); median, lowest and highest of the rounds"
grep '^goal' "$report"
