#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs ctest on a build with sanitizers. Usage: scripts/sanitized.sh PRESET CTEST-OPTION...
set -euo pipefail
cd "$(dirname "$0")/.."
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1

# fontconfig, which draws the texts of pictures, keeps its patterns by offsets, which look like leaks.
echo "leak:libfontconfig" >"build/$1/leaks"
export LSAN_OPTIONS="suppressions=$PWD/build/$1/leaks:print_suppressions=0"

# ThreadSanitizer cannot place its shadow when the kernel randomizes mappings widely; some
# containers forbid to turn that off, and most of those do not need it.
fixed_addresses=()
if setarch -R true 2>/dev/null; then
    fixed_addresses=(setarch -R)
fi
preset=$1
shift
"${fixed_addresses[@]}" ctest --test-dir "build/$preset" "$@"
