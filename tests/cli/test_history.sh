# SPDX-License-Identifier: MIT OR Apache-2.0
# history, diff and rollback.
source "$(dirname "$0")/lib.sh"
a=11111111-2222-4333-8444-555555555555

order() { # ID STATUS
    echo '{"id":"'"$1"'","request":{"symbol":"bybit:BTCUSDT","side":"Buy","order_type":"Limit","quantity":"1","price":"5","trigger_price":null,"time_in_force":null,"client_order_id":null,"take_profit":null,"stop_loss":null,"display_quantity":null},"status":"'"$2"'","filled_quantity":"0","avg_fill_price":null,"created_at":"2025-11-23T12:13:20Z","updated_at":"2025-11-23T12:13:20Z"}'
}
state() { # EQUITY ORDERS
    run 0 -j j state import - <<<'{"portfolio":null,"open_orders":['"$2"'],"last_prices":{},"last_candle_ts":null,"strategy_state":null,"portfolio_equity":"'"$1"'"}'
}
jsonl() { # EXPRESSION: the same as json, of a list of lines
    python3 - "$out" "$1" <<'PY' || fail "this does not hold: $1"
import json, sys
d = [json.loads(line, parse_int=str) for line in open(sys.argv[1])]
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

run 0 -j j init
run 0 -j j history
out_is "no commits"
run 0 -j j history --json
out_is ""

state 100 "$(order o1 Accepted)"
state 150 "$(order o1 PartiallyFilled),$(order o2 Accepted)"
run 0 -j j algo save $a --plugin TWAP <<<'{"n":1}'
run 0 -j j ledger append - <<<'{"id":"00000000-0000-4000-8000-000000000001","sequence":0,"timestamp":"2025-01-01T00:00:01Z","exchange":"bybit","asset":"USDT","amount":"-1.5","entry_type":"fee","reference_id":"r","meta":null}'
state 120 ""

# ---- history

run 0 -j j history --json
jsonl '[c["sequence"] for c in d] == ["1", "2", "3", "4", "5"]'
jsonl 'all(c["note"] == "" and c["commit_id"] is None and c["epoch"] for c in d)'
jsonl 'sorted(x["kind"] for x in d[0]["changes"]) == ["book", "order", "portfolio_equity"]'
jsonl '[x["new"]["state"]["n"] for x in d[2]["changes"] if x["kind"] == "algo"] == ["1"]'
jsonl 'd[3]["changes"][0]["key"] == "1" and d[3]["changes"][0]["new"]["amount"] == "-1.5"'
run 0 -j j history --json --kind order --key o1 --old
jsonl '[c["sequence"] for c in d] == ["1", "2", "5"]'
jsonl '[(x["old"] or {}).get("status") for c in d for x in c["changes"]] == [None, "Accepted", "PartiallyFilled"]'
jsonl '[(x["new"] or {}).get("status") for c in d for x in c["changes"]] == ["Accepted", "PartiallyFilled", None]'
run 0 -j j history --json --desc --limit 2 --kind order
jsonl '[c["sequence"] for c in d] == ["5", "2"]'
run 0 -j j history --json --from 2 --to 3
jsonl '[c["sequence"] for c in d] == ["2", "3"]'
run 0 -j j history --json --to 2001-01-01T00:00:00Z
out_is ""
run 0 -j j history --json --from 2001-01-01T00:00:00Z --to "$(date -u +%FT%T.%NZ)" --kind ledger --kind algo
jsonl '[c["sequence"] for c in d] == ["3", "4"]'
run 0 -j j history --json --key bybit:BTCUSDT
out_is ""
run 0 -j j history --kind portfolio_equity --from 2 --to 2 --old
out_has "Commit 2  20"
out_has '  portfolio_equity, book default
    - "100"
    + "150"'
run 0 -j j history --kind order --key o1 --desc --limit 1
out_has "  order o1, book default deleted"


# As a table: a row for each change, chosen as in the other tables.
run 0 -j j history --old --where kind=order --columns commit,key,change
out_is 'Changes (5 of 11)
  commit  key  change
       1  o1   new
       2  o1   changed
       2  o2   new
       5  o1   deleted
       5  o2   deleted'
run 0 -j j history --kind order --where key=o1 --columns commit,change --sort -commit
out_has '       5  deleted
       2  put
       1  put'
run 0 -j j history --kind ledger --csv
python3 - "$out" <<'PY' || fail "the table as CSV"
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
[row] = rows
assert list(row) == "commit time note book kind owner key change old new".split(), row
assert (row["commit"], row["kind"], row["key"], row["old"]) == ("4", "ledger", "1", ""), row
assert json.loads(row["new"])["amount"] == "-1.5", row
PY
run 0 -j j diff 1 2 --columns key,change,old,new --where kind=portfolio_equity
out_is 'Differences (1 of 3)
  key  change   old    new
       changed  "100"  "150"'
run 0 -j j diff 1 2 --limit 1
out_has '  ... and 2 more'
run 2 -j j history --csv --json
err_has '--json tells everything'
run 2 -j j history --csv --follow
err_has '--follow tells one commit after the other'
run 2 -j j diff 1 2 --where colour=red
err_has '--where names the column "colour"; there are book, kind, owner, key, change, old, new'

# What cannot be asked.
run 2 -j j history --kind odrer
err_has '--kind: "odrer" is no kind of entity; there are: portfolio, portfolio_equity, '
run 2 -j j history --from 3 --to 2
err_has "--from is after --to"
run 2 -j j history --follow --desc
run 2 -j j history --limit 0
run 2 -j j history --from tomorrow
run 2 -j j history extra
run 13 -j j -b other history
err_has 'book "other" is not in this journal'
run 26 -j j history --kind algo --key no-uuid
err_has 'nothing of these kinds can have the key "no-uuid"'

# ---- a change feed, while another process commits

"$TESSER_JOURNAL" -j j history --follow --json --limit 3 >feed 2>feed-err &
feed=$!
for i in 1 2 3; do
    sleep 0.3
    state "20$i" "$(order f$i Accepted)"
done
wait $feed || fail "the feed failed: $(cat feed-err)"
cp feed "$out"
jsonl '[c["sequence"] for c in d] == ["6", "7", "8"]'
# It goes on where it was left.
run 0 -j j history --follow --json --from 8 --limit 1 --kind order
jsonl '[c["sequence"] for c in d] == ["8"] and {x["key"] for x in d[0]["changes"]} == {"f2", "f3"}'

# ---- diff

run 0 -j j diff 1 2 --json
json "$out" 'd["from"] == "1" and d["to"] == "2"'
json "$out" '[(x["kind"], x["key"], x["old"] is None) for x in d["changes"]] == [("portfolio_equity", "", False), ("order", "o1", False), ("order", "o2", True)]'
run 0 -j j diff 2 1 --json --kind order
json "$out" '[(x["key"], x["new"] is None) for x in d["changes"]] == [("o1", False), ("o2", True)]'
run 0 -j j diff 5 5
out_is "From commit 5 to commit 5 (0 differences)"
run 0 -j j diff 7
out_has "From commit 7 to commit 8 (3 differences)"
run 13 -j j diff 2001-01-01T00:00:00Z 3
err_has "before the oldest commit that is kept"
run 13 -j j diff 1 99
err_has "commit 99 is after the newest: history is kept from commit 1 ("
run 2 -j j diff
run 2 -j j diff one two
err_has "A is neither a commit's sequence nor a time"

# ---- rollback

run 0 -j j rollback --to 2 --dry-run
out_has "would take book default back to commit 2: "
out_has "These ledger entries were made since, and stay:
  1 entry of USDT, together -1.5"
out_has "The execution checkpoint is the same then and now."
run 0 -j j state export
cp "$out" now.json
run 0 -j j state export --at 2
cp "$out" then.json
run 0 -j j rollback --to 2 --json --note "went mad"
json "$out" 'd["seq"] == "9" and d["to"] == "2" and d["ledger_kept"] == [{"asset": "USDT", "entries": "1", "amount": "-1.5"}]'
json "$out" '[x["kind"] for x in d["changes"]] == ["portfolio_equity", "order", "order", "order", "algo"]'
run 0 -j j state export
same_json "$out" then.json
run 0 -j j algo list
out_is "Algorithms (0)"
run 0 -j j ledger list --json
[ "$(wc -l <"$out")" -eq 1 ] || fail "the ledger stays"
run 0 -j j history --from 9 --json
jsonl 'd[0]["note"] == "went mad"'
run 0 -j j rollback --to 2
out_has "book default is as it was at commit 2: there is nothing to do"
# Taken back again.
run 0 -j j rollback --to 8
run 0 -j j state export
same_json "$out" now.json
run 0 -j j algo show $a --json
run 0 -j j history --from 10 --json
jsonl 'd[0]["note"] == "rollback to commit 8"'

# The checkpoint.
run 0 -j j state import - <<<'{"portfolio":null,"open_orders":[],"last_prices":{},"last_candle_ts":null,"strategy_state":null,"execution_checkpoint":{"last_timestamp":"2025-11-23T12:13:20Z","exec_ids":["e1"]}}'
run 0 -j j rollback --to 8 --dry-run
out_has "executions that are fetched again are booked twice. --keep-checkpoint leaves it as it is."
run 0 -j j rollback --to 8 --keep-checkpoint
out_has "The execution checkpoint stays as it is."
run 0 -j j state export
json "$out" 'd["execution_checkpoint"]["exec_ids"] == ["e1"]'

run 2 -j j rollback
err_has "rollback needs --to SEQ|TIME"
run 13 -j j rollback --to 99
run 2 -j j rollback --to 0
run 13 -j j -b other rollback --to 8

# A runtime that runs must do it itself.
mkfifo hold
"$TESSER_JOURNAL" -j j record <hold >record-out 2>&1 &
exec 9>hold
for _ in $(seq 50); do
    "$TESSER_JOURNAL" -j j status --json 2>/dev/null | grep -q '"alive":true' && break
    sleep 0.1
done
run 15 -j j rollback --to 8
err_has "its next save of the whole state would undo a rollback from outside"
exec 9>&-
wait
