# SPDX-License-Identifier: MIT OR Apache-2.0
# Tables: one line for each row whatever the width, chosen rows and columns, CSV, colours, the pager.
source "$(dirname "$0")/lib.sh"

python3 - >orders.json <<'PY'
import json
def order(i):
    venue = ("binance_perp", "bybit", "kraken_futures_eu")[i % 3]
    code = ("BTCUSDT", "ETHUSDT", "1000SHIBUSDT-250328")[i % 3]
    return {"id": f"o-{i:05}" + "-0123456789abcdef0123456789" * (i % 2),
            "request": {"symbol": f"{venue}:{code}", "side": ("Buy", "Sell")[i % 2],
                        "order_type": ("Limit", "StopMarket", "Market")[i % 3],
                        "quantity": f"{1 + i % 977}.{i % 1000:03}",
                        "price": None if i % 3 == 2 else f"{60000 + i}.{i % 10}",
                        "trigger_price": f"{59000 + i}.5" if i % 3 == 1 else None,
                        "time_in_force": None, "client_order_id": None, "take_profit": None,
                        "stop_loss": None, "display_quantity": None},
            "status": ("Accepted", "PartiallyFilled", "Rejected")[i % 3], "filled_quantity": "0",
            "avg_fill_price": None, "created_at": "2025-11-23T12:13:20Z",
            "updated_at": "2025-11-23T12:13:20Z"}
hostile = order(3)
hostile["id"] = "=1+1,\"\nx"
hostile["request"]["symbol"] = "a:BTC\u202eTDSU\u200b"
wide = order(0)
wide["id"] = "\u6ce8\u6587" * 20
print(json.dumps({"portfolio": None, "last_candle_ts": None, "strategy_state": None,
                  "last_prices": {"binance_perp:BTCUSDT": "64000.10"},
                  "open_orders": [order(i) for i in range(10000)] + [hostile, wide]}))
PY
run 0 -j j init
run 0 -j j state import orders.json

# Where there is no terminal, everything is told in full.
run 0 -j j state show --table orders --all
[ "$(wc -l <"$out")" -eq 10004 ] || fail "lines"
[ "$(grep -c '2025-11-23T12:13:20Z$' "$out")" -eq 10002 ] || fail "cells"
out_has 'a:BTC\u{202e}TDSU\u{200b}'
out_has '=1+1,"\x0ax'

# One order is found by one command; a symbol is found without its exchange.
run 0 -j j state show --where id=o-04710
out_is 'Open orders (1 of 10002)
  id       symbol                side  type   status    quantity  filled    price  trigger  avg fill  created
  o-04710  binance_perp:BTCUSDT  Buy   Limit  Accepted   803.710       0  64710.0        -         -  2025-11-23T12:13:20Z'
run 0 -j j state show --where symbol=BTCUSDT --limit 2
out_has 'Open orders (3335 of 10002)'
out_has '  ... and 3333 more (--all shows them)'
out_has 'Last prices (1)'
run 0 -j j state show --where 'price>=69990' --where side=Buy --columns id,side,price --sort -price
out_is 'Open orders (3 of 10002)
  id       side    price
  o-09996  Buy   69996.6
  o-09994  Buy   69994.4
  o-09990  Buy   69990.0'
run 0 -j j state show --where symbol=NONE
out_is 'no row is like that'
run 0 -j j book list --where book=x
out_is 'no row is like that'
run 0 -j j state show --columns avg-fill,id --where id~04710
out_has '       -  o-04710'
run 0 -j j state show --table orders --sort -trigger --limit 1 --columns trigger
out_has '68997.5'
run 0 -j j state show --table orders --sort trigger --all --columns trigger
tail -1 "$out" | grep -q "^ *-$" || fail "what is not there comes last"

wrong() { # wrong MESSAGE ARGUMENTS...
    run 2 -j j "${@:2}"
    out_is ""
    err_has "$1"
}
wrong '--columns names the column "prize"; there are venue, symbol' state show --columns prize
wrong '--where is "price"; expected a column' state show --where price
wrong '--sort names the column "x"' ledger list --sort x
wrong '--table is "order"; expected positions, balances, orders or prices' state show --table order
wrong '--csv is for one table: choose it by --table' state show --csv
wrong '--json tells everything' state show --json --where id=x

# A column that no table has is the one that is told, whichever table was looked at last.
wrong '--columns names the column ""; there are venue' state show --columns id,
wrong '--columns names the column "nosuch"; there are venue' state show --columns 'id, nosuch'
wrong 'no table has all the columns that are named; there are venue' state show --columns id,venue
wrong '--sort names the column "venue"; there are id, symbol, side, type, status, quantity, filled, price, trigger, avg fill, created' \
    state show --table orders --sort venue
run 0 -j j state show --columns ' id , avg fill' --limit 1 --csv
head -1 "$out" | grep -qxF 'id,avg fill' || fail "blanks around names"

# A comparison that there is not is no part of the value: it would find nothing.
for condition in 'status==Accepted' 'status<>Accepted' 'status=>A' 'status=<A' 'status!==A' 'status=~A'; do
    wrong "--where is \"$condition\"; expected a column, =, !=" state show --where "$condition"
done
run 0 -j j state show --where id~=1+1
out_has 'Open orders (1 of 10002)'
wrong '--json tells everything: --limit is for tables' state show --json --limit 1
wrong '--json tells everything: --limit is for tables' diff 1 --json --limit 1

# CSV reads back as what is stored, but for texts that a spreadsheet would run.
run 0 -j j state show --table orders --csv
python3 - "$out" <<'PY' || fail "CSV"
import csv, json, sys
stored = json.load(open("orders.json"))["open_orders"]
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert len(rows) == len(stored) == 10002
for row, order in zip(rows, stored):
    request = order["request"]
    name = order["id"]
    assert row["id"] == ("'" + name if name[0] in "=+-@" else name), row
    assert row["symbol"] == request["symbol"] and row["side"] == request["side"], row
    assert row["price"] == (request["price"] or "") and row["quantity"] == request["quantity"], row
    assert row["status"] == order["status"] and row["created"] == order["created_at"], row
PY
printf '%s\n' '{"ledger":[{"id":"'12345678-1234-4234-8234-123456789abc'","timestamp":"2025-01-01T00:00:00Z","exchange":"a","asset":"USDT","amount":"-2.5","entry_type":"fee","reference_id":"o,1","meta":null}]}' |
    "$TESSER_JOURNAL" -j j record >"$out"
run 0 -j j ledger list --csv
out_is 'sequence,time,exchange,amount,asset,type,reference
1,2025-01-01T00:00:00Z,a,-2.5,USDT,fee,"o,1"'
run 0 -j j ledger list --where 'amount<0' --limit 1
out_has 'Ledger entries (1)'

# What can be in no cell of a column is refused, and not looked for; a text is itself, whatever it looks like.
for value in 'amount<x' 'amount<-1e0' 'amount=NaN' 'amount<' 'sequence>1,000'; do
    wrong "holds numbers such as -12.50, and \"${value#*[<=>]}\" is none" ledger list --where "$value"
done
wrong 'the column "time" holds times such as 2024-05-01T09:30:00Z, and "2025-01-03" is none' \
    ledger list --where 'time>2025-01-03'
wrong 'the column "created" holds times' state show --where created=today
run 0 -j j ledger list --where 'time>=2025-01-01T01:00:00+01:00' --where amount=-2.50
out_has 'Ledger entries (1)'
run 0 -j j state show --where trigger= --limit 1
out_has 'Open orders ('
run 0 -j j ledger list --where 'time~2025-01'
out_has 'Ledger entries (1)'
python3 - >alike.json <<'PY'
import json
def order(id):
    return {"id": id, "request": {"symbol": "binance:BTC/USDT:USDT", "side": "Buy", "order_type": "Market", "quantity": "1"},
            "status": "Accepted", "filled_quantity": "0", "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}
ids = ["7", "007", "7.0", "2025-01-01T00:00:00Z", "2025-01-01T01:00:00+01:00", "a\0b", "=b", "'=b", "'b"]
print(json.dumps({"open_orders": [order(id) for id in ids]}))
PY
run 0 -j alike init
run 0 -j alike state import alike.json
for id in 7 007 7.0 2025-01-01T00:00:00Z 2025-01-01T01:00:00+01:00 'a\x00b'; do
    run 0 -j alike state show --table orders --columns id --csv --where id="$id"
    out_is "id
$id"
done
run 0 -j alike state show --table orders --columns id --csv --sort id
sorted=$(cat "$out")
run 0 -j alike state show --table orders --columns id --csv --sort id --where 'id<b'
out_is "$sorted"
run 0 -j alike state show --table orders --columns id --csv --sort id --where 'id>7'
out_is "id
2025-01-01T00:00:00Z
2025-01-01T01:00:00+01:00
''=b
'b
'=b
a\\x00b"
run 0 -j alike state show --table orders --columns id --csv --where id~b
out_is "id
a\\x00b
'=b
''=b
'b"
run 0 -j alike state show --table orders --columns price --csv --limit 1
out_is 'price
""'
run 0 -j alike state show --table orders --where symbol=BTC/USDT:USDT
out_has 'Open orders (9)'

# ---- on a terminal ----

command -v tmux >/dev/null || skip "tmux is not installed"
screen=tj-tables-$$
printf 'set -g history-limit 20000\nset -g remain-on-exit on\n' >tmux.conf
tmux() { env -u TMUX LC_ALL=C.UTF-8 tmux -u -L "$screen" -f tmux.conf "$@"; }

# terminal WIDTH COMMAND: runs it in a terminal of that width; every line of it is then in `shown`.
terminal() {
    rm -f ended
    tmux new-session -d -x "$1" -y 40 "sh -c '$2; echo \$? >ended'"
    for _ in $(seq 600); do
        [ ! -s ended ] || break
        sleep 0.05
    done
    [ -s ended ] || fail "it did not end: $2"
    tmux capture-pane -p -S - "${@:3}" | sed -e '/^Pane is dead/d' -e '/^ *$/d' >shown
    tmux kill-server
}
lines() { # lines WIDTH COUNT: so many lines, none of which goes on in the next
    [ "$(wc -l <shown)" -eq "$2" ] || fail "$1 columns: $(wc -l <shown) lines: $(tail -3 shown)"
    [ "$(grep -cE '^  (o-|=1|注文|id )' shown)" -eq 10003 ] || fail "$1 columns: a wrapped cell"
    python3 - "$1" <<'PY' || fail "$1 columns: too long"
import sys, unicodedata
for line in open("shown", encoding="utf-8"):
    width = sum(2 if unicodedata.east_asian_width(c) == "W" else 1 for c in line.rstrip("\n"))
    assert width <= int(sys.argv[1]), line
PY
}
all="PAGER=cat $TESSER_JOURNAL -j j state show --table orders --all"
terminal 80 "$all"
lines 80 10005
grep -qxF '  o-04710        binance_perp…  Buy   Accepted          803.710       0  64710.0' shown ||
    fail "80 columns: $(grep o-04710 shown)"
grep -qxF '  not shown, for --columns or a wider terminal: type, trigger, avg fill, created' shown || fail "what is left out"
grep -qF '  注文注文注文…  ' shown || fail "a name of wide characters"
terminal 200 "$all"
lines 200 10004
grep -qE '^  o-04711-0123456789abcdef0123456789 .* 2025-11-23T12:13:20Z$' shown || fail "200 columns"
grep -qF 'a:BTC\u{202e}TDSU\u{200b}' shown || fail "hidden characters"
terminal 80 "PAGER=cat $TESSER_JOURNAL -j j state show --where id=o-04711-0123456789abcdef0123456789 --columns id,created"
grep -qxF '  o-04711-0123456789abcdef0123456789  2025-11-23T12:13:20Z' shown || fail "chosen columns"

# Colours: a side, what was rejected, and none where NO_COLOR says so.
red=$(printf '\033[31m') green=$(printf '\033[32m')
terminal 120 "PAGER=cat $TESSER_JOURNAL -j j state show --table orders --limit 3" -e
grep -qF "${green}Buy" shown && grep -qF "${red}Sell" shown && grep -qF "${red}Rejected" shown || fail "colours"
terminal 120 "NO_COLOR=1 PAGER=cat $TESSER_JOURNAL -j j state show --table orders --limit 3" -e
! grep -q "$(printf '\033')" shown || fail "colours in spite of NO_COLOR"

terminal 120 "TERM= $TESSER_JOURNAL -j j state show --table orders --limit 3" -e
! grep -q "$(printf '\033')" shown || fail "colours on a terminal without a name"

terminal 120 "PAGER=/nowhere/more $TESSER_JOURNAL -j j ledger list"
[ "$(cat ended)" = 18 ] || fail "a pager that is not there: $(cat ended)"
grep -qF 'the pager "/nowhere/more" cannot be run: set PAGER to one that is there, or to cat' shown || fail "not told"
terminal 120 "PAGER=false $TESSER_JOURNAL -j j ledger list"
[ "$(cat ended)" = 0 ] || fail "a pager that fails: $(cat ended)"
grep -qF 'the pager "false" ended with 1' shown || fail "not warned"
terminal 120 "TERM=dumb $TESSER_JOURNAL -j j ledger list"
head -1 shown | grep -qF 'Ledger entries (1)' || fail "a dumb terminal has a pager: $(head -1 shown)"
terminal 200 "PAGER=cat $TESSER_JOURNAL -j j check --writer" -e
grep -qF "${red}WRITER_DEAD: " shown || fail "trouble has no colour"

# --watch stays in place, shows what comes, and a journal that is damaged; it ends in order.
run 0 -j w init
run 0 -j w record <<<'{"last_prices":{"a:X":"1.25"}}'
shows() {
    for _ in $(seq 200); do
        tmux capture-pane -p >shown
        ! grep -qF -- "$1" shown || return 0
        sleep 0.05
    done
    fail "--watch does not show $1: $(cat shown)"
}
tmux new-session -d -x 80 -y 15 "sh -c 'trap : INT; $TESSER_JOURNAL -j w state show --watch; echo \$? >watched'"
shows '  a:X      1.25'
run 0 -j w record <<<'{"last_prices":{"a:X":"2.50","b:Y":"3"}}'
shows '  a:X      2.50'
mv w/data.mdb w/gone
shows 'data.mdb is missing'
shows 'As it was seen last, 2'
mv w/gone w/data.mdb
shows '  b:Y      3'
[ "$(tmux display -p '#{history_size}')" = 0 ] || fail "--watch scrolls"
tmux send-keys C-c
for _ in $(seq 100); do
    [ ! -s watched ] || break
    sleep 0.05
done
[ "$(cat watched)" = 0 ] || fail "--watch ended with $(cat watched)"
tmux kill-server
run 2 -j w status --watch
err_has '--watch is for a terminal'

# What is longer than the screen goes through the pager, and leaving it is no failure.
tmux new-session -d -x 100 -y 20 "sh -c '$TESSER_JOURNAL -j j state show --table orders --all; echo \$? >left'"
for _ in $(seq 200); do
    tmux capture-pane -p >shown
    ! grep -q '^:' shown || break
    sleep 0.05
done
head -1 shown | grep -q 'Open orders (10002)' || fail "the pager shows the beginning: $(head -1 shown)"
tmux send-keys q
for _ in $(seq 200); do
    [ ! -s left ] || break
    sleep 0.05
done
tmux kill-server
[ "$(cat left)" = 0 ] || fail "leaving the pager ended with $(cat left)"
