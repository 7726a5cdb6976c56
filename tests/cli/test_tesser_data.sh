# SPDX-License-Identifier: MIT OR Apache-2.0
# Real Tesser data goes in and comes out equal.
source "$(dirname "$0")/lib.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:-}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"

run 0 -j j init
count=0
for snapshot in "$data"/*/*/snapshot.json "$data"/snapshots/*.json; do
    case $snapshot in *two-venues-as-written.json) continue ;; esac
    run 0 -j j state import "$snapshot"
    run 0 -j j state export
    cp "$out" exported.json
    same_json "$snapshot" exported.json
    run 0 -j j state show --all
    count=$((count + 1))
done
[ $count -ge 8 ] || fail "only $count snapshots in $data"

digest j >before
run 26 -j j state import "$data/snapshots/two-venues-as-written.json"
err_has 'BTCUSDT'
digest j | cmp -s - before || fail "the refused snapshot changed the journal"

# Algorithms and ledgers, each in a book of its own.
for folder in "$data"/*/*/; do
    [ -e "$folder/algos.json" ] || continue
    book=$(basename "$(dirname "$folder")")-$(basename "$folder")
    run 0 -j j init --book "$book"
    python3 -c 'import json, sys
text = open(sys.argv[1]).read()
print("{\"algos\":" + " ".join(text.split("\n")) + "}")' "$folder/algos.json" >line
    run 0 -j j -b "$book" record <line
    run 0 -j j -b "$book" algo list --json
    python3 - "$out" >algos.json <<'PY'
import re, sys
text = open(sys.argv[1]).read()
print(text[text.index('"algos":') + 8:text.rindex(',"quarantined"')])
PY
    same_json "$folder/algos.json" algos.json
    run 0 -j j -b "$book" ledger append "$folder/ledger.jsonl"
    run 0 -j j -b "$book" ledger list --json
    jq_free() { sed 's/^/,/; 1s/^,/[/; $s/$/]/' "$1"; }
    jq_free "$folder/ledger.jsonl" >expected.json
    jq_free "$out" >found.json
    same_json expected.json found.json
done

# What was stored is still there after it all, seen by a fresh process.
run 0 -j j status --json
json "$out" 'len(d["books"]) >= 4'
echo "$count snapshots"
