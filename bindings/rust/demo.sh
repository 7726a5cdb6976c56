#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# One program, two crates: it saves a full state, is killed, and is started again to load it.
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet -p tesser-journal@0.9.100 --example program
cargo build --quiet -p demo-published
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT

# round NAME PROGRAM
round() {
    printf '%s: ' "$1"
    coproc runtime { exec "$2" save "$directory/$1" 0; }
    local pid=$runtime_PID line
    read -r line <&"${runtime[0]}"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    printf '%s, killed, started again: ' "$line"
    "$2" check "$directory/$1" 0
}

round published "$target/debug/demo-published" || true
round ours "$target/debug/examples/program"
