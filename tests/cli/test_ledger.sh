# SPDX-License-Identifier: MIT OR Apache-2.0
# ledger list and append.
source "$(dirname "$0")/lib.sh"

python3 - >ledger.jsonl <<'PY'
import json
types = ["trade_realized_pnl", "fee", "funding", "transfer_in", "transfer_out", "adjustment"]
for i in range(12):
    print(json.dumps({"id": f"00000000-0000-4000-8000-{i:012}", "sequence": i + 1,
                      "timestamp": f"2025-01-{12 - i:02}T00:00:00Z",
                      "exchange": "bybit" if i % 3 else "binance_perp",
                      "asset": "USDT" if i % 2 else "binance_perp:BTC",
                      "amount": f"{i}.50", "entry_type": types[i % 6],
                      "reference_id": f"ref-{i}", "meta": {"n": i} if i == 3 else None}))
PY

run 0 -j j init
run 0 -j j ledger list
out_is "Ledger entries (0)"
run 0 -j j ledger append ledger.jsonl
out_is "appended 12 entries to the ledger of book default, up to 12; commit 1"

lines() { # the sequences that a query finds, in order
    "$TESSER_JOURNAL" -j j ledger list --json "$@" >"$out" 2>"$err" || fail "$*"
    python3 -c 'import json, sys
print(" ".join(str(json.loads(line)["sequence"]) for line in sys.stdin))' <"$out"
}
finds() { # finds SEQUENCES ARGUMENTS...
    local expected=$1 found
    shift
    found=$(lines "$@")
    [ "$found" = "$expected" ] || fail "found $found, expected $expected: $*"
}
finds "1 2 3 4 5 6 7 8 9 10 11 12"
finds "12 11 10" --desc --limit 3
finds "12 11 10 9 8 7 6 5 4 3 2 1" --by-time
finds "1 2" --by-time --desc --limit 2
finds "3 4 5" --from-sequence 3 --to-sequence 5
finds "5 4 3" --from-sequence 3 --to-sequence 5 --desc
finds "10 11 12" --to-time 2025-01-03T00:00:00Z
finds "1 2" --from-time 2025-01-11T00:00:00Z
finds "9 10" --from-time 2025-01-03T01:00:00+01:00 --to-time 2025-01-04T00:00:00Z
finds "1 4 7 10" --exchange binance_perp
finds "1 3 5 7 9 11" --asset binance_perp:BTC
finds "2 8" --type fee
finds "2" --type fee --limit 1
finds "8" --type fee --limit 1 --desc
finds "" --exchange nowhere

run 0 -j j ledger list --json
python3 - ledger.jsonl "$out" <<'PY' || fail "entries differ"
import json, sys
a, b = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
sys.exit(a != b)
PY
run 0 -j j ledger list --from-sequence 11
out_is "Ledger entries (2)
  sequence  time                  exchange  amount  asset             type          reference
        11  2025-01-02T00:00:00Z  bybit      10.50  binance_perp:BTC  transfer_out  ref-10
        12  2025-01-01T00:00:00Z  bybit      11.50  USDT              adjustment    ref-11"

# Sequence 0: the next number. What is listed can be appended elsewhere.
run 0 -j j ledger append - <<<'{"id":"00000000-0000-4000-8000-0000000000ff","sequence":0,"timestamp":"2025-02-01T00:00:00Z","exchange":"bybit","asset":"USDT","amount":"1","entry_type":"fee","reference_id":"x","meta":null}'
out_is "appended 1 entry to the ledger of book default, up to 13; commit 2"
run 0 -j j init --book copy
"$TESSER_JOURNAL" -j j ledger list --json | "$TESSER_JOURNAL" -j j -b copy ledger append - >"$out"
out_has "appended 13 entries to the ledger of book copy, up to 13"
run 0 -j j book list --json
json "$out" '[(b["name"], b["ledger_sequence"]) for b in d] == [("copy", "13"), ("default", "13")]'

# All or none, and the line that is wrong is named.
digest j >before
head -2 ledger.jsonl | sed 's/"sequence": /"sequence": 10/' >bad.jsonl
echo '{"id":"x"}' >>bad.jsonl
run 26 -j j ledger append bad.jsonl
err_has "bad.jsonl:3: "
run 22 -j j ledger append ledger.jsonl
err_has "13"
sed 's/"fee"/"tax"/' ledger.jsonl >bad.jsonl
run 26 -j j ledger append bad.jsonl
err_has "bad.jsonl:2: "
err_has "tax"
finds "1 2 3 4 5 6 7 8 9 10 11 12 13"
run 13 -j j ledger append missing.jsonl
err_has "missing.jsonl"
