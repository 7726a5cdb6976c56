#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Who keeps no journal on PostgreSQL links no libpq; without its module, or without libpq itself, such a
# journal is refused in a sentence that says what to install.
# Usage: test_links.sh PROGRAM LIBRARY MODULE
set -euo pipefail
program=$1 library=$2 module=$3

links_libpq() { # read whole before it is searched: who closes a pipe early makes the other end fail
    local needs
    needs=$(ldd "$1")
    [[ $needs == *libpq* ]]
}

for file in "$program" "$library"; do
    if links_libpq "$file"; then
        echo "$file is linked to libpq"
        exit 1
    fi
done
links_libpq "$module" || { echo "$module is not linked to libpq"; exit 1; }
echo "Only the module is linked to libpq."
