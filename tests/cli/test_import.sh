# SPDX-License-Identifier: MIT OR Apache-2.0
# Tesser's own stores go in and come out equal, and stay as they were to the byte.
source "$(dirname "$0")/lib.sh"
data=${TJ_TESTDATA:-}
[ -d "$data" ] || data=${TJ_TESTDATA_COPY:+$TJ_TESTDATA_COPY/tesser}
[ -d "$data" ] || skip "no Tesser data: TJ_TESTDATA names no directory"

# A writable copy: nothing may be written although it could be.
cp -a "$data" sources
chmod -R u+w sources
stamps() {
    find sources -printf '%p %y %s %m %i %T@\n' | sort
    find sources -type f -print0 | sort -z | xargs -0 sha256sum
}
stamps >stamps-before

# The state without what is in quarantine, for comparing.
without_strategy() {
    python3 -c 'import json, sys
state = json.load(open(sys.argv[1]))
state["strategy_state"] = None
state.pop("execution_checkpoint", None)
json.dump(state, open(sys.argv[2], "w"))' "$1" "$2"
}

# same_book FOLDER BOOK: what the book holds is what the folder's JSON says, ledger included if the third
# argument says so.
same_state() {
    run 0 -j j -b "$2" state export --output state.json
    same_json "$1" state.json
}
same_algos() {
    run 0 -j j -b "$2" algo list --json
    python3 -c 'import re, sys
text = open(sys.argv[1]).read()
print(text[text.index("\"algos\":") + 8:text.rindex(",\"quarantined\"")])' "$out" >algos.json
    same_json "$1" algos.json
}
# Tesser writes the asset's exchange into its table, and leaves it out of its JSON.
same_ledger() { # FILE BOOK EXCHANGE-IN-ASSET
    run 0 -j j -b "$2" ledger list --json
    python3 - "$1" "$out" "$3" <<'PY' || fail "the ledger of $2 differs"
import json, sys
def lines(path, qualify):
    for line in open(path):
        entry = json.loads(line)
        if qualify:
            entry["asset"] = entry["exchange"] + ":" + entry["asset"]
        yield json.dumps(entry, sort_keys=True)
expected = list(lines(sys.argv[1], sys.argv[3] == "yes"))
found = list(lines(sys.argv[2], False))
sys.exit(0 if expected and expected == found else 1)
PY
}

# The bytes in quarantine are the strategy's state, and with 0.9.3 the checkpoint, as bincode has them.
check_raw() { # SNAPSHOT RAW
    python3 - "$1" "$2" <<'PY' || fail "the bytes in quarantine are not those of $1"
import json, struct, sys
def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data
def value(v):
    if v is None:
        return b""
    if v is True or v is False:
        return bytes([v])
    if isinstance(v, int):
        return struct.pack("<q", v) if v < 0 else struct.pack("<Q", v)
    if isinstance(v, float):
        return struct.pack("<d", v)
    if isinstance(v, str):
        return text(v)
    if isinstance(v, list):
        return struct.pack("<Q", len(v)) + b"".join(map(value, v))
    return struct.pack("<Q", len(v)) + b"".join(text(k) + value(v[k]) for k in sorted(v))
state = json.load(open(sys.argv[1]))
raw = value(state["strategy_state"])
if "execution_checkpoint" in state:
    at = state["execution_checkpoint"]
    last = at["last_timestamp"]
    raw += b"\0" if last is None else b"\1" + text(last)
    raw += struct.pack("<Q", len(at["exec_ids"])) + b"".join(map(text, at["exec_ids"]))
sys.exit(0 if raw == open(sys.argv[2], "rb").read() else 1)
PY
}

count=0
for folder in sources/*/*/journal.lmdb; do
    folder=${folder%/journal.lmdb}
    name=${folder#sources/}
    # By itself the strategy's state cannot be read, and is kept.
    run 3 import "$folder/journal.lmdb" --into j --book "$name alone"
    without_strategy "$folder/snapshot.json" expected.json
    same_state expected.json "$name alone"
    same_algos "$folder/algos.json" "$name alone"
    run 0 -j j -b "$name alone" quarantine list --json
    json "$out" 'len(d["quarantined"]) == 1 and d["quarantined"][0]["name"] == "strategy_state"'
    run 0 -j j -b "$name alone" quarantine show strategy_state --raw
    cp "$out" raw
    check_raw "$folder/snapshot.json" raw
    # With what knows it, in each of the ways to name that.
    run 0 import "$folder/journal.lmdb" --strategy-state "$folder/snapshot.json" --into j -b "$name 1"
    out_has "taken from $folder/snapshot.json"
    run 0 import "$folder/journal.lmdb/data.mdb" --strategy-state "$folder/state.db" --into j -b "$name 2"
    run 0 import "$folder/journal.lmdb" "$folder/state.db" "$folder/ledger.db" --into j -b "$name 3"
    for book in "$name 1" "$name 2" "$name 3"; do
        same_state "$folder/snapshot.json" "$book"
        same_algos "$folder/algos.json" "$book"
    done
    same_ledger "$folder/ledger.jsonl" "$name 3" yes
    case $name in 0.9.2/*) out_layout='layout of 0.9.1 and 0.9.2' ;; *) out_layout='layout of 0.9.3' ;; esac
    run 0 import "$folder/journal.lmdb" --strategy-state "$folder/snapshot.json" --into j -b x --dry-run
    out_has "$out_layout"
    # The SQLite stores, and the JSON files.
    run 0 import "$folder"/{algos,state,ledger}.db --into j --book "$name sqlite"
    same_state "$folder/snapshot.json" "$name sqlite"
    same_algos "$folder/algos.json" "$name sqlite"
    same_ledger "$folder/ledger.jsonl" "$name sqlite" yes
    run 0 import "$folder"/{ledger.jsonl,snapshot.json,algos.json} --into j --book "$name json"
    same_state "$folder/snapshot.json" "$name json"
    same_algos "$folder/algos.json" "$name json"
    same_ledger "$folder/ledger.jsonl" "$name json" no
    # A wrong one proves nothing.
    echo '{"armed":true}' >other.json
    run 3 import "$folder/journal.lmdb" --strategy-state other.json --into j -b x --dry-run
    count=$((count + 1))
done
[ $count -eq 6 ] || fail "only $count folders in $data"

# A running Tesser has its ledger in the journal's directory.
mkdir live
cp "sources/0.9.3/typical/journal.lmdb/data.mdb" "sources/0.9.3/typical/ledger.db" live
run 0 import live --strategy-state "sources/0.9.3/typical/state.db" --into j -b "inside"
out_has "live/ledger.db"
out_has "Tesser's runtime books into a SQLite file of its own, from sequence 1"
same_ledger "sources/0.9.3/typical/ledger.jsonl" "inside" yes
run 0 import live live/ledger.db --strategy-state "sources/0.9.3/typical/state.db" --into j -b x --dry-run
rm -r live

# The strategy's state as a JSON of its own.
python3 -c 'import json
json.dump(json.load(open("sources/0.9.3/edge/snapshot.json"))["strategy_state"], open("strategy.json", "w"))'
run 0 import sources/0.9.3/edge/journal.lmdb --strategy-state strategy.json --into j --book own
# Written by another program: -9223372036854775808 and 1.25e-07 are the same numbers.
run 0 -j j -b own state export
python3 - "$out" sources/0.9.3/edge/snapshot.json <<'PY' || fail "the strategy's state differs"
import json, sys
a, b = (json.load(open(path)) for path in sys.argv[1:])
sys.exit(a != b)
PY

# A store that was not closed: the newest state is in its -wal.
run 0 import sources/live-wal/state.db --into j --book live
same_state sources/0.9.3/typical/snapshot.json live

# What is damaged is kept, the rest is imported, and the exit code says so.
run 3 import sources/damaged/*.db --into j --book damaged --json
json "$out" 'd["algorithms"] == "5" and d["state"] is None and len(d["quarantined"]) == 2'
json "$out" '[q["name"] for q in d["quarantined"]] == ["algo:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "state"]'
json "$out" 'd["remarks"][0]["what"] == "algorithm 11111111-2222-4333-8444-555555555555"'
json "$out" '"taken as plugin TWAP" in d["remarks"][0]["reason"]'
run 0 -j j -b damaged algo list
out_has "Quarantined, kept as stored (1)"
run 19 -j j -b damaged state show
err_has "the live state was imported undecoded and is in quarantine"
run 0 -j j -b damaged quarantine show state
out_has "1435"
run 13 -j j -b damaged quarantine show nothing
err_is 'tesser-journal: "nothing" is not in the quarantine of book "damaged"
Correct the call or its input.'

# Two venues with one code.
run 26 import sources/snapshots/two-venues-as-written.json --into j --book venues
err_has 'last_prices.BTCUSDT holds 2 values: #1 "2.20", #2 "1.10"; say which is which with --map last_prices.BTCUSDT#1=EXCHANGE:BTCUSDT --map last_prices.BTCUSDT#2=EXCHANGE:BTCUSDT'
out_has "Codes that stand more than once (1)"
run 0 import sources/snapshots/two-venues-as-written.json --into j --book venues \
    --map last_prices.BTCUSDT#1=bybit_linear:BTCUSDT --map last_prices.BTCUSDT#2=binance_perp:BTCUSDT
run 0 -j j -b venues state export
out_has '"last_prices":{"binance_perp:BTCUSDT":"1.10","bybit_linear:BTCUSDT":"2.20"}'
# Many of them do not fit into a sentence; the report has them all.
python3 - <<'PY' >many.json
codes = ["COIN%04dUSDT" % i for i in range(40)]
print('{"portfolio":null,"open_orders":[],"last_prices":{%s},"last_candle_ts":null,"strategy_state":null}' %
      ",".join('"%s":"1","%s":"2"' % (c, c) for c in codes))
PY
run 26 import many.json --into j --book many --json
json "$out" 'len(d["repeated"]) == 40 and d["repeated"][39]["what"] == "last_prices.COIN0039USDT"'
json "$out" '"#2 \"2\"; say which is which with --map last_prices.COIN0039USDT#1=" in d["repeated"][39]["reason"]'
json "$err" '"holds 40 codes more than once, of which the report tells" in d["error"]'
json "$err" 'd["error"].endswith("leave out the stale one)")'
run 0 import many.json --into j --book many --newest --dry-run --json
json "$out" 'd["state"]["last_prices"] == "0" and len(d["lost"]) == 80'
# One venue, and a position from before under the same code.
python3 - <<'PY' >stale.json
import json
def position(quantity, at):
    return json.dumps({"symbol": "BTCUSDT", "side": "Buy", "quantity": quantity, "entry_price": "5",
                       "unrealized_pnl": "0", "updated_at": at})
new, old = position("2", "2025-02-01T00:00:00Z"), position("1", "2025-01-01T00:00:00Z")
cash = '{"currency":"USDT","quantity":"%s","conversion_rate":"1"}'
def snapshot(sub_accounts):
    return ('{"portfolio":{"positions":{"BTCUSDT":%s,"BTCUSDT":%s},"balances":{"USDT":%s,"USDT":%s},'
            '"reporting_currency":"USDT","initial_equity":"1","drawdown_limit":null,"peak_equity":"1",'
            '"liquidate_only":false,"sub_accounts":{%s}},"open_orders":[],"last_prices":{},'
            '"last_candle_ts":null,"strategy_state":null}' % (old, new, cash % 7, cash % 9, sub_accounts))
own = '"%%s":{"exchange":"%%s","positions":{"BTCUSDT":%s},"balances":{"USDT":%s}}' % (new, cash % 9)
print(snapshot(own % ("okx", "okx")))
open("two.json", "w").write(snapshot(own % ("okx", "okx") + "," + own % ("bybit", "bybit")))
PY
run 26 import stale.json --into j --book stale
run 26 import stale.json --into j --book stale --newest
out_has "balances.USDT"
run 0 import stale.json --into j --book stale --exchange okx
out_has "left out by --exchange: #2 is what sub-account okx holds; its value: "
out_has "positions.BTCUSDT#1"
run 0 import stale.json --into j --book stale --exchange okx --replace --dry-run --json
json "$out" 'd["state"]["positions"] == "1" and d["state"]["balances"] == "1"' # in both, counted once
run 0 -j j -b stale state export
out_has '"okx:BTCUSDT":{"symbol":"okx:BTCUSDT","side":"Buy","quantity":"2"'
out_has '"okx:USDT","quantity":"9"'
run 0 import stale.json --into j --book stale2 --newest --map balances.USDT#1=- --map balances.USDT#2=okx:USDT
out_has "left out by --newest: #2 was updated later; its value: "
# With two venues each may have its own.
run 26 import two.json --into j --book two --newest --exchange okx
for snapshot in sources/snapshots/*.json; do
    case $snapshot in *two-venues*) continue ;; esac
    run 0 import "$snapshot" --into j --book "$(basename "$snapshot")"
    same_state "$snapshot" "$(basename "$snapshot")"
done

# Nothing of all this has changed a source.
stamps | cmp -s - stamps-before || fail "a source has changed: $(stamps | diff stamps-before - | head -5)"

# A dry run makes nothing; a book that holds data needs --replace.
run 0 import sources/0.9.3/small/state.db --into new --dry-run
out_has "Would be imported into book default"
[ ! -e new ] || fail "a dry run made a journal"
run 13 import nowhere.json --into new
[ ! -e new ] || fail "a failed import made a journal"
# What is wrong with a source is not wrong with the journal.
run 25 import sources/live-wal/state.db-wal --into new
err_is 'tesser-journal: sources/live-wal/state.db-wal is the -wal of a SQLite database: name the database that it lies beside
Nothing was imported: correct this source, or leave it out.'
mkdir lost # on a disk that is not mounted
cp sources/live-wal/state.db lost
ln -s not-mounted/state.db-wal lost/state.db-wal
run 18 import lost/state.db --into new
err_has "lost/state.db-wal is a symbolic link that leads nowhere"
head -c 5000 sources/0.9.3/small/state.db >cut.db
run 19 import cut.db --into new --json
json "$err" 'd["place"] == "cut.db" and "leave it out" in d["advice"]'
run 0 import sources/0.9.3/small/state.db --into new --exchange binance_perp
out_has "Codes without exchange 0"
run 14 import sources/0.9.3/typical/state.db --into new
err_has 'book "default" holds data already'
run 0 import sources/0.9.3/typical/state.db --into new --replace
run 0 -j new status --json
json "$out" 'd["books"][0]["open_orders"] == "24"'
run 25 import new/data.mdb --into other
err_has "belongs to a journal of this library and needs no import"

# The arguments.
run 2 import --into j
err_has "import needs SOURCE..."
run 2 import x.json
err_has "which journal?"
run 2 import x.json --into j --journal k
err_has "--into and --journal name two journals"
run 2 status --replace
err_has "--replace belongs to 'import', not to 'status'"
run 26 import sources/snapshots/empty.json --into j --book y --map BTCUSDT
err_has 'the map "BTCUSDT" has no ='
run 0 import --help
out_has "--strategy-state FILE"

# Symbols as ccxt has them get their exchange by --exchange or by a map; without, they are refused.
cat >ccxt.json <<'JSON'
{"last_prices":{"BTC/USDT:USDT":"1","eth/usdt:usdt":"2","SOL/USDT":"3"},"open_orders":[]}
JSON
run 0 import ccxt.json --into ccxt --exchange binance
run 0 -j ccxt state export
out_has '"last_prices":{"binance:BTC/USDT:USDT":"1","binance:ETH/USDT:USDT":"2","binance:SOL/USDT":"3"}'
cat >venues.json <<'JSON'
{"portfolio":{"positions":{},"balances":{},"reporting_currency":"USDT","initial_equity":"1","drawdown_limit":null,"peak_equity":"1","liquidate_only":false,"sub_accounts":{"okx":{"exchange":"okx","positions":{"ETH/USDT:USDT":{"symbol":"ETH/USDT:USDT","side":"Buy","quantity":"2","entry_price":"1","unrealized_pnl":"0","updated_at":"2025-01-01T00:00:00Z"}},"balances":{}}}},"open_orders":[],"last_prices":{"ETH/USDT:USDT":"1"},"last_candle_ts":null,"strategy_state":null}
JSON
run 0 import venues.json --into venues --exchange binance
run 0 -j venues state export
json "$out" 'list(d["last_prices"]) == ["binance:ETH/USDT:USDT"]'
json "$out" 'list(d["portfolio"]["sub_accounts"]["okx"]["positions"]) == ["okx:ETH/USDT:USDT"]'
run 0 import ccxt.json --into mapped --map BTC/USDT:USDT=binance:BTC/USDT:USDT --map ETH/USDT:USDT=okx:ETH-USDT-SWAP
run 0 -j mapped state export
out_has '"last_prices":{"SOL/USDT":"3","binance:BTC/USDT:USDT":"1","okx:ETH-USDT-SWAP":"2"}'
{ printf '\xef\xbb\xbf'; cat ccxt.json; } >marked.json
run 0 import marked.json --into marked --exchange binance
run 26 import ccxt.json --into none
err_has 'write "EXCHANGE:BTC/USDT:USDT"'
run 26 import ccxt.json --into none --exchange a/b
err_has 'the exchange "a/b" holds a slash'
run 26 -j ccxt state import ccxt.json
err_has 'write "EXCHANGE:BTC/USDT:USDT"'

# What the commit would refuse is refused before: by a dry run, and without leaving a journal.
not_importable() { # not_importable CODE FILE SENTENCE
    run "$1" import "$2" --into never --dry-run
    err_has "$3"
    run "$1" import "$2" --into never
    [ ! -e never ] || fail "a failed import of $2 made a journal"
}
for dry in --dry-run ""; do # nor is a place that cannot hold a journal
    run 26 import sources/0.9.3/small/state.db --into j/inner $dry
    err_has "j/inner is inside the journal $work/j: choose a place outside of it"
done
python3 - <<'PY'
import json
def entry(sequence, exchange="a"):
    return json.dumps({"id": "11111111-2222-4333-8444-555555555555", "sequence": sequence, "timestamp": "2025-01-01T00:00:00Z",
                       "exchange": exchange, "asset": "USDT", "amount": "-2", "entry_type": "fee", "reference_id": "f", "meta": None})
open("twice.jsonl", "w").write(entry(1) + "\n" + entry(2) + "\n")
open("slash.jsonl", "w").write(entry(1, "a/b") + "\n")
order = {"request": {"symbol": "X", "side": "Buy", "order_type": "Market", "quantity": "1"}, "status": "Accepted",
         "filled_quantity": "0", "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z", "x": "x" * 15000000}
json.dump({"open_orders": [dict(order, id=id) for id in "abcde"]}, open("large.json", "w"))
PY
not_importable 14 twice.jsonl 'holds the id 11111111-2222-4333-8444-555555555555 again'
not_importable 21 large.json 'the state in the sources comes to rows of 7500'
rm large.json
# An exchange that no identity can have gives none to an asset.
run 0 import slash.jsonl --into slash --map BTC=a:BTC
run 0 -j slash ledger list --json
cp "$out" entries
run 0 import entries --into again
run 0 -j again ledger list --json
cmp -s "$out" entries || fail "an entry that was imported does not come in again"
