# SPDX-License-Identifier: MIT OR Apache-2.0
# Importing again after a rollback or a restore: no entry is booked twice, and what could be is told.
source "$(dirname "$0")/lib.sh"

entry() { # NUMBER, or 0 for none; ID; AMOUNT
    printf '{"id":"abc00000-0000-4000-8000-00000000000%s","sequence":%s,' "$2" "$1"
    printf '"timestamp":"2025-11-23T12:13:20Z","exchange":"binance","asset":"USDT",'
    printf '"amount":"%s","entry_type":"fee","reference_id":"r","meta":null}\n' "$3"
}
snapshot() { # LAST-TIMESTAMP
    printf '{"portfolio":null,"open_orders":[],"last_prices":{"A":"1"},"last_candle_ts":null,'
    printf '"strategy_state":null,"execution_checkpoint":{"last_timestamp":%s,"exec_ids":[]}}' "$1"
}
entries() {
    run 0 -j "$1" -b "${2:-default}" ledger list --json
    [ "$(wc -l <"$out")" -eq "$3" ] || fail "not $3 entries"
}
{ entry 1 1 1 && entry 2 2 2; } >ledger.jsonl
{ entry 0 1 1 && entry 0 2 2; } >unnumbered.jsonl
snapshot '"2025-11-23T12:00:00Z"' >early.json
snapshot '"2025-11-24T12:00:00Z"' >late.json

# After a rollback the ledger is there: as a whole it is not taken twice, with or without numbers.
run 0 init -j j
"$TESSER_JOURNAL" -j j record <<<'{"last_prices":{"a:B":"1"}}' >/dev/null
run 0 -j j backup b --rate 1000
run 0 import early.json ledger.jsonl --into j --replace
run 0 -j j rollback --to 1
out_has 'These ledger entries were made since, and stay:'
run 14 import early.json ledger.jsonl --into j
err_has 'last ledger entry: 2'
run 0 import early.json ledger.jsonl --into j --replace
out_has '0, and 2 that were there already'
run 0 import unnumbered.jsonl --into j --replace
out_has '0, and 2 that were there already'
out_has 'ledger: 2 of the entries are in the ledger already, under other numbers, and are not booked again'
entries j default 2
entry 0 2 3 >changed.jsonl
run 22 import changed.jsonl --into j --replace
err_has 'has the entry abc00000-0000-4000-8000-000000000002 already, at 2, and what it says there differs from the source'
run 22 import changed.jsonl --into j --replace --dry-run
entries j default 2

# A state of before brings its checkpoint back, and executions since would be booked twice.
run 0 import late.json --into j --replace
run 0 import early.json --into j --replace --dry-run
out_has 'execution_checkpoint: it goes back from 2025-11-24T12:00:00Z to 2025-11-23T12:00:00Z, and the ledger does not: executions that are fetched again are booked twice'
run 0 import late.json --into j --replace
! grep -q 'goes back' "$out" || fail "it is told of a checkpoint that stays"

# A restore of before has no ledger, and takes it once.
run 0 restore b --into r
entries r default 0
run 0 import early.json ledger.jsonl --into r --replace
out_has 'Ledger entries       2'
run 14 import early.json ledger.jsonl --into r
run 0 import early.json ledger.jsonl --into r --replace
entries r default 2

# A restore from behind has it already.
run 0 restore j --into s
run 14 import ledger.jsonl --into s
run 0 import ledger.jsonl --into s --replace
out_has '0, and 2 that were there already'
entries s default 2
