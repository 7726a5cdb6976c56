# SPDX-License-Identifier: MIT OR Apache-2.0
# --at: state, algorithms and ledger as they were.
source "$(dirname "$0")/lib.sh"
a=11111111-2222-4333-8444-555555555555

run 0 -j j init
run 13 -j j state show --at 1
err_has "commit 1 is not kept: nothing was committed yet"
for equity in 100 200 300; do
    run 0 -j j state import - <<<'{"portfolio":null,"open_orders":[],"last_prices":{},"last_candle_ts":null,"strategy_state":null,"portfolio_equity":"'$equity'"}'
done
run 0 -j j algo save $a --plugin TWAP <<<'{"n":1}'
run 0 -j j algo save $a --plugin TWAP <<<'{"n":2}'
for id in 1 2; do
    run 0 -j j ledger append - <<<'{"id":"00000000-0000-4000-8000-00000000000'$id'","sequence":0,"timestamp":"2025-01-01T00:00:0'$id'Z","exchange":"bybit","asset":"USDT","amount":"1.5","entry_type":"fee","reference_id":"r","meta":null}'
done

for commit in 1 2 3; do
    run 0 -j j state show --at $commit
    out_has "Commit               $commit"
    out_has "Equity               ${commit}00"
    run 0 -j j state export --at $commit
    json "$out" "d['portfolio_equity'] == '${commit}00'"
done
run 0 -j j state export --at 2 --output past.json
json past.json 'd["portfolio_equity"] == "200"'
run 0 -j j algo list --at 3
out_is "Algorithms (0)"
run 0 -j j algo show $a --at 4 --json
out_is '{"algo_type":"TWAP","state":{"n":1}}'
run 13 -j j algo show $a --at 3
run 0 -j j ledger list --at 5
out_is "Ledger entries (0)"
run 0 -j j ledger list --at 6 --json
[ "$(wc -l <"$out")" -eq 1 ] || fail "one entry"
run 0 -j j ledger list --at 7 --desc --json
[ "$(wc -l <"$out")" -eq 2 ] || fail "two entries"

# By time: now is the newest, and the name of the range is told outside of it.
run 0 -j j state show --at "$(date -u +%FT%T.%NZ)" --json
json "$out" 'd["sequence"] == "7"'
run 13 -j j state show --at 2001-01-01T00:00:00Z
err_has "2001-01-01T00:00:00Z is before the oldest commit that is kept: history is kept from commit 1 ("
run 13 -j j algo list --at 2201-01-01T00:00:00Z
err_has "is still to come: history is kept from commit 1 ("
run 13 -j j ledger list --at 8
err_has "commit 8 is after the newest: history is kept from commit 1 ("

# What is no moment is the caller's use.
run 2 -j j state show --at yesterday
err_has "--at is neither a commit's sequence nor a time: "
run 2 -j j state export --at 0
err_has "--at is neither a commit's sequence nor a time: commits are counted from 1"
run 2 -j j algo show $a --at -1
run 2 -j j ledger list --at 99999999999999999999
run 2 -j j ledger list --at
run 2 -j j book list --at 1


# A book that was not there yet.
run 13 -j j -b other state show --at 7
err_has "at commit 7"
