#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A fresh Debian 12 as an archive of its root, which is made once, and whose path is printed. Exit code 77, with the
# reason: it cannot be made here. Usage: fresh_debian.sh
set -euo pipefail
archive=$(realpath -m "$(dirname "$0")/../../build/fresh-debian.tar")
if [ ! -e "$archive" ]; then
    command -v debootstrap >/dev/null || { echo "no debootstrap"; exit 77; }
    [ "$(id -u)" = 0 ] || { echo "not root"; exit 77; }
    scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/tj-debian-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    debootstrap --variant=minbase bookworm "$scratch/fresh" >"$scratch/log" 2>&1 ||
        { echo "debootstrap fails: $(tail -1 "$scratch/log")"; exit 77; }
    rm -rf "$scratch"/fresh/var/cache/apt/archives/*.deb
    mkdir -p "$(dirname "$archive")"
    tar -C "$scratch/fresh" -cf "$archive.new" .
    mv "$archive.new" "$archive"
fi
echo "$archive"
