#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the Debian packages of what is checked in, into a directory. Usage: scripts/packages.sh [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-build/packages}")
log=$out/build.log
rm -rf "$out"
mkdir -p "$out/source"

git ls-files -z | xargs -0 cp --parents -P -t "$out/source"
export DEB_BUILD_OPTIONS="nocheck parallel=${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
if ! (cd "$out/source" && dpkg-buildpackage -us -uc -b) >"$log" 2>&1; then
    tail -40 "$log" >&2
    exit 1
fi
rm -rf "$out/source"
ls "$out"/*.deb
