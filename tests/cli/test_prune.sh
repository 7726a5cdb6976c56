# SPDX-License-Identifier: MIT OR Apache-2.0
# Old segments go, what would go is told first, and status says what is kept.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "j"\nsegment_size = "256 KiB"\nhistory_size = "1 MiB"\nhistory_age = 30\n' >tesser.toml
run 0 init
run 0 prune
out_is "nothing to prune"
run 0 status
out_has "from the first commit on"

saves 0 100 30000 | run 0 record
ls j/log >before
run 0 prune --dry-run
out_has "would go"
ls j/log | cmp - before || fail "a dry run changed something"
run 0 prune --dry-run --json
json "$out" "d['dry_run'] and int(d['segments']) > 3 and int(d['oldest_sequence']) > 20"
run 0 prune
out_has "went"
[ "$(ls j/log | wc -l)" -lt "$(wc -l <before)" ] || fail "nothing went"
ls j/history | grep -q 'state$' || fail "no state was kept"
run 0 status
out_has "from commit"
run 0 status --json
json "$out" "int(d['history']['oldest_sequence']) > 20"
run 0 state show
out_has "100"
saves 100 103 30000 | run 0 record
run 0 state show
out_has "103"
run 0 prune --size 100
out_is "nothing to prune"
