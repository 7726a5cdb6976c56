# SPDX-License-Identifier: MIT OR Apache-2.0
# The example with epoll: everything it submitted is durable, and none of it was waited for.
set -euo pipefail
: "${EVENT_LOOP:?set it to the program}"
directory=$(mktemp -d "${TMPDIR:-/tmp}/tj-event-loop-XXXXXX")
printed=$("$EVENT_LOOP" "$directory/journal")
echo "$printed"
[[ $printed =~ ^'320 commits durable up to 320, at most '[0-9]+' in flight'$ ]]
rm -rf "$directory"
