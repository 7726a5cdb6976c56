#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the last test run left out inside programs that passed: ctest hides it. Usage: scripts/skips.sh BUILD
set -euo pipefail
cd "$(dirname "$0")/.."
log=$1/Testing/Temporary/LastTest.log
[ -f "$log" ] || exit 0
awk '
    / Testing: / { program = $3; listed = 0 }
    /^\[  SKIPPED \] [0-9]+ test\(s\)/ { listed = 1; next }
    listed && /^\[  SKIPPED \]/ { print "skipped inside " program ": " $4; count++ }
    /^SKIP/ { print "skipped inside " program ": " $0; count++ }
    END { if (count > 0) print count " skipped inside test programs" }' "$log"
