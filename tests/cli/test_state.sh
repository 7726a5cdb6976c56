# SPDX-License-Identifier: MIT OR Apache-2.0
# state show, export and import.
source "$(dirname "$0")/lib.sh"

cat >full.json <<'JSON'
{"portfolio":{
  "positions":{"binance_perp:BTCUSDT":{"symbol":"binance_perp:BTCUSDT","side":"Buy","quantity":"0.250","entry_price":"64000.10","unrealized_pnl":"-1.5","updated_at":"2025-11-23T12:13:20Z"},
               "bybit:BTCUSDT":{"symbol":"bybit:BTCUSDT","side":"Sell","quantity":"12","entry_price":null,"unrealized_pnl":"0.00","updated_at":"2025-11-23T12:13:21.000007919Z"}},
  "balances":{"USDT":{"currency":"USDT","quantity":"10000.000000","conversion_rate":"1"}},
  "reporting_currency":"USDT","initial_equity":"10000.00","drawdown_limit":"0.05","peak_equity":"10432.1700","liquidate_only":false,
  "sub_accounts":{"bybit":{"exchange":"bybit","positions":{"ETHUSDT":{"symbol":"ETHUSDT","side":null,"quantity":"0","entry_price":null,"unrealized_pnl":"0","updated_at":"2025-11-23T12:13:20Z"}},
                           "balances":{"USDT":{"currency":"USDT","quantity":"-12.50","conversion_rate":"1.0"}}}},
  "margin_mode":"cross"},
 "open_orders":[
  {"id":"z-last","request":{"symbol":"binance_perp:BTCUSDT","side":"Buy","order_type":"Limit","quantity":"1.50","price":"63000.1","trigger_price":null,"time_in_force":"GoodTilCanceled","client_order_id":"c-1","take_profit":null,"stop_loss":null,"display_quantity":null},"status":"PartiallyFilled","filled_quantity":"0.5","avg_fill_price":"63000.10","created_at":"2025-11-23T12:13:20Z","updated_at":"2025-11-23T12:13:20Z"},
  {"id":"a-first","request":{"symbol":"bybit:BTCUSDT","side":"Sell","order_type":"StopMarket","quantity":"12","price":null,"trigger_price":"60000","time_in_force":null,"client_order_id":null,"take_profit":null,"stop_loss":null,"display_quantity":null},"status":"PendingNew","filled_quantity":"0","avg_fill_price":null,"created_at":"2025-11-23T12:13:20Z","updated_at":"2025-11-23T12:13:20Z"}],
 "last_prices":{"binance_perp:BTCUSDT":"64000.10","bybit:BTCUSDT":"64001"},
 "last_candle_ts":"2025-11-23T12:00:00Z",
 "strategy_state":{"window":[1,2.50,1e3],"n":123456789012345678901234567890},
 "execution_checkpoint":{"last_timestamp":"2025-11-23T12:13:20Z","exec_ids":["e2","e1"]},
 "portfolio_equity":"10432.17","colour":"blue"}
JSON
cat >empty.json <<'JSON'
{"portfolio":null,"open_orders":[],"last_prices":{},"last_candle_ts":null,"strategy_state":null}
JSON

run 0 -j j init
run 0 -j j state show
out_is "Live state
  Book                 default
  Commit               0
  Strategy state       none

Open orders (0)

Last prices (0)"

# A dry run checks and tells, and changes nothing.
digest j >before
run 0 -j j state import full.json --dry-run
out_is "would import full.json into book default: 2 open orders, 3 positions"
digest j | cmp -s - before || fail "the dry run changed the journal"

run 0 -j j state import full.json
out_is "imported full.json into book default: 2 open orders, 3 positions; commit 1"
run 0 -j j state export
cp "$out" exported.json
same_json full.json exported.json
json exported.json '[o["id"] for o in d["open_orders"]] == ["z-last", "a-first"]'

run 0 -j j state show
out_is "Live state
  Book                 default
  Commit               1
  Equity               10432.17
  Last candle          2025-11-23T12:00:00Z
  Strategy state       58 B
  Checkpoint           2025-11-23T12:13:20Z, 2 execution ids

Portfolio
  Reporting currency   USDT
  Initial equity       10000.00
  Peak equity          10432.1700
  Drawdown limit       0.05
  Liquidate only       no

Positions (3)
  venue         symbol   account    side  quantity  entry price  unrealized  updated
  binance_perp  BTCUSDT  portfolio  Buy      0.250     64000.10       -1.5   2025-11-23T12:13:20Z
  bybit         ETHUSDT  bybit      -        0             -           0     2025-11-23T12:13:20Z
  bybit         BTCUSDT  portfolio  Sell    12             -           0.00  2025-11-23T12:13:21.000007919Z

Balances (2)
  currency  account        quantity  conversion rate
  USDT      portfolio  10000.000000              1
  USDT      bybit        -12.50                  1.0

Open orders (2)
  id       symbol                side  type        status           quantity  filled    price  trigger  avg fill  created
  z-last   binance_perp:BTCUSDT  Buy   Limit       PartiallyFilled      1.50     0.5  63000.1        -  63000.10  2025-11-23T12:13:20Z
  a-first  bybit:BTCUSDT         Sell  StopMarket  PendingNew          12        0        -      60000      -     2025-11-23T12:13:20Z

Last prices (2)
  symbol                   price
  binance_perp:BTCUSDT  64000.10
  bybit:BTCUSDT         64001"
run 0 -j j state show --json
json "$out" 'd["book"] == "default" and d["sequence"] == "1"'
json "$out" 'd["state"]["strategy_state"]["n"] == "123456789012345678901234567890"'

# Into a file: replaced as a whole, nothing left beside it.
echo old >target.json
run 0 -j j state export --output target.json
out_is ""
same_json full.json target.json
[ "$(ls target.json*)" = target.json ] || fail "a temporary file was left"
run 13 -j j state export -o missing/target.json
err_has "missing/target.json"
run 14 -j j state export --output /dev/null
err_is "tesser-journal: /dev/null is no regular file and is not replaced
$(tail -n 1 "$err")"

{ "$TESSER_JOURNAL" -j j state export -o /dev/stdout 2>&1 || true; } | grep -qF '/dev/stdout is no regular file' || fail "a pipe"
ln -s unmounted/there nowhere.json
run 18 -j j state export -o nowhere.json
err_has 'nowhere.json is a symbolic link that leads nowhere: mount or put back what it names'
for command in 'state export' metrics; do
    run 0 -j j $command --output -
    [ -s "$out" ] && [ ! -e ./- ] || fail "$command --output - is standard output"
done

# An import replaces: what the snapshot lacks, unknown members included, is gone.
run 0 -j j state import empty.json --json
json "$out" 'd == {"book": "default", "open_orders": "0", "positions": "0", "dry_run": False, "seq": "2"}'
run 0 -j j state export
same_json empty.json "$out"
run 0 -j j state import full.json
sed 's/,"colour":"blue"//; s/,$/,/; s/"margin_mode":"cross"/"margin_mode":"isolated"/' full.json >less.json
run 0 -j j state import less.json
run 0 -j j state export
cp "$out" exported.json
same_json less.json exported.json
json exported.json '"colour" not in d'

# From standard input, and into a book of its own.
run 0 -j j init --book alpha
run 0 -j j -b alpha state import - <full.json
out_is "imported standard input into book alpha: 2 open orders, 3 positions; commit $(grep -oE '[0-9]+$' "$out")"
run 0 -j j -b alpha state export
same_json full.json "$out"
run 0 -j j state export
same_json less.json "$out"

# Many rows are cut short, unless --all is given.
python3 - >many.json <<'PY'
import json
prices = {f"x:S{i:03}": f"{i}.5" for i in range(50)}
print(json.dumps({"portfolio": None, "open_orders": [], "last_prices": prices,
                  "last_candle_ts": None, "strategy_state": None}))
PY
run 0 -j j state import many.json
run 0 -j j state show
out_has "  ... and 30 more (--all shows them)"
[ "$(grep -c 'x:S' "$out")" -eq 20 ] || fail "rows"
run 0 -j j state show --all
[ "$(grep -c 'x:S' "$out")" -eq 50 ] || fail "rows"

# What cannot be read is told with its place, and nothing changes.
digest j >before
refused() { # refused CODE TEXT CONTENT
    printf '%s' "$3" >bad.json
    run "$1" -j j state import bad.json
    out_is ""
    err_has "bad.json: "
    err_has "$2"
    digest j | cmp -s - before || fail "a refused import changed the journal: $3"
}
refused 26 "line 1" '{"portfolio":'
refused 26 "open_orders" '{"portfolio":null,"open_orders":5}'
refused 26 "BTCUSDT" '{"last_prices":{"BTCUSDT":"1.10","BTCUSDT":"2.20"}}'
refused 26 "1.1.1" '{"last_prices":{"BTCUSDT":"1.1.1"}}'
refused 26 "yesterday" '{"last_candle_ts":"yesterday"}'
refused 26 "line" ''
run 13 -j j state import missing.json
err_has "missing.json"
run 18 -j j state import .
# A file of something else would empty the book.
run 0 -j j state export
cp "$out" before
echo '{"11111111-2222-4333-8444-555555555555":{"algo_type":"T","state":1}}' >algos.json
run 0 -j j algo list --json
cp "$out" list.json
echo '{"last_price":{"a:X":"1"}}' >misspelt.json
for file in algos list misspelt; do
    run 26 -j j state import $file.json
    err_has "$file.json: line 1, column 1: this is no live state: no member of it is one of those, such as open_orders"
    printf '{"strategy_state":7}\n{"state":%s}\n' "$(cat $file.json)" >line
    code=0
    "$TESSER_JOURNAL" -j j record <line >"$out" 2>"$err" || code=$?
    [ $code -eq 26 ] || fail "record of a state of $file: $code"
    err_has "line 2: state: column 10: this is no live state"
    printf '{"strategy_state":%s}\n' "$(python3 -c 'import json; print(json.dumps(json.load(open("before"))["strategy_state"]))')" |
        "$TESSER_JOURNAL" -j j record >"$out"
done
run 0 -j j state export
same_json "$out" before
run 26 -j j record <<<'{"ledger":[],"ledger":[]}'
err_has 'line 1: key "ledger" stands twice (column 2 and column 14)'

# Nothing of a journal is replaced by what is written out, by whatever name.
ln -s "$PWD/j/data.mdb" innocent.json
before=$(cat j/data.mdb j/log/* | sha256sum)
for file in j/data.mdb j/new.json innocent.json j/log/0000000001.log; do
    run 26 --journal j state export -o $file
    err_has "is inside the journal $work/j: choose a place outside of it"
    run 26 --journal j metrics -o $file
    err_has "is inside the journal"
done
run 26 --journal j export j/tesser
err_has "is inside the journal"
run 26 --journal j copy j j
err_has "$work/j is the source and the target: a copy goes into another journal"
run 26 --journal j copy j j/copy
err_has "is inside the journal"
run 26 --journal j/another init
err_has "is inside the journal"
[ "$before" = "$(cat j/data.mdb j/log/* | sha256sum)" ] || fail "the journal was written to"
