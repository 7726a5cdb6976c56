# SPDX-License-Identifier: MIT OR Apache-2.0
# What an import could not decode is decoded again, or dropped with a reason that history shows.
source "$(dirname "$0")/lib.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:+$TJ_TESTDATA_COPY/tesser}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"
folder=$data/0.9.3/small

run 3 import "$folder/journal.lmdb" --into j
run 2 -j j quarantine retry
err_has 'quarantine retry needs the names of what is meant, or --all'
run 2 -j j quarantine drop --all
err_has 'quarantine drop needs --reason TEXT'
run 3 -j j quarantine retry --all
out_has 'stays:'
out_has '--strategy-state'
out_has '0 of 1 are out of quarantine'

# Nothing is done by a dry run.
digest j >before
run 0 -j j quarantine retry strategy_state --strategy-state "$folder/snapshot.json" --dry-run
out_has 'would be: strategy_state and execution_checkpoint of the state'
out_has '1 of 1 would be out of quarantine; nothing is done'
digest j | cmp -s - before || fail "the dry run changed something"

run 0 -j j quarantine retry strategy_state --strategy-state "$folder/snapshot.json"
out_has 'is now: strategy_state and execution_checkpoint of the state'
out_has '1 of 1 is out of quarantine; commit 2'
run 0 -j j state export --output state.json
same_json "$folder/snapshot.json" state.json
run 0 -j j quarantine list --json
json "$out" 'd["quarantined"] == []'
run 0 -j j history --json
python3 - "$out" <<'PY' || fail "history does not show the retry"
import json, sys
commits = [json.loads(line) for line in open(sys.argv[1])]
sys.exit(commits[-1]["note"] != "quarantine retry" or len(commits[-1]["changes"]) < 2)
PY

# A drop is a decision, with a reason.
run 3 import "$data/damaged/algos-one-legacy-one-broken.db" --into d
name=algo:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee
run 13 -j d quarantine drop nothing --reason x
err_has '"nothing" is not in the quarantine of book "default"; `tesser-journal quarantine list` tells what is'
run 0 -j d quarantine drop "$name" --reason 'the broker says it ended' --dry-run
run 0 -j d quarantine drop "$name" --reason 'the broker says it ended' --json
json "$out" 'd["items"] == [{"name": "'$name'", "settled": True, "what": "dropped"}] and d["seq"] == "2"'
run 0 -j d history --desc --limit 1
out_has 'quarantine drop: the broker says it ended'
out_has 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
run 0 -j d quarantine retry --all
out_has '0 of 0 are out of quarantine'
