#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The README's block in one language, as it stands there. Usage: block.sh LANGUAGE
awk -v start="\`\`\`$1" '$0 == start { on = 1; next } $0 == "```" { on = 0 } on { print; any = 1 }
    END { if (!any) { print "the README has no block of " substr(start, 4) >"/dev/stderr"; exit 1 } }' \
    "$(dirname "$0")/../../README.md"
