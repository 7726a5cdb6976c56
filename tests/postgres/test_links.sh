#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Who keeps no journal on PostgreSQL links no libpq; without its module, or without libpq itself, such a
# journal is refused in a sentence that says what to install.
# Usage: test_links.sh PROGRAM LIBRARY MODULE
set -euo pipefail
program=$1 library=$2 module=$3

for file in "$program" "$library"; do
    if ldd "$file" | grep -q libpq; then
        echo "$file is linked to libpq"
        exit 1
    fi
done
ldd "$module" | grep -q libpq || { echo "$module is not linked to libpq"; exit 1; }
echo "Only the module is linked to libpq."
