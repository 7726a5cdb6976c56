#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Configures and builds one preset in build/<preset>. Prints one line, and the log of what failed.
# Usage: scripts/build.sh PRESET [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
directory=build/$preset
log=$directory/build.log

run() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
}
mkdir -p "$directory"
if [ ! -f "$directory/build.ninja" ]; then
    echo "Building in $directory"
    run cmake --preset "$preset"
fi
run ninja -C "$directory" "$@"
