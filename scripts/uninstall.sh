#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Removes the files that an installation has made, and the directories that are only the journal's.
# Usage: [DESTDIR=...] scripts/uninstall.sh BUILD
set -euo pipefail
manifest=$1/install_manifest.txt
[ -e "$manifest" ] || { echo "Nothing is known to be installed from $1: there is no $manifest." >&2; exit 1; }

while IFS= read -r file || [ -n "$file" ]; do
    rm -f -- "${DESTDIR:-}$file"
    directory=$(dirname "${DESTDIR:-}$file")
    while [[ $directory == */tesser || $directory == */tesser-journal || $directory == */tesser-journal/* ]]; do
        rmdir -- "$directory" 2>/dev/null || break
        directory=$(dirname "$directory")
    done
done <"$manifest"
echo "Removed the $(grep -c . "$manifest") files of $manifest."
