# SPDX-License-Identifier: MIT OR Apache-2.0
# record: the protocol on standard input and output.
source "$(dirname "$0")/lib.sh"
id=12345678-1234-4234-8234-123456789abc
algo=11111111-2222-4333-8444-555555555555

run 13 -j j record </dev/null
run 0 -j j init
run 0 -j j record </dev/null
out_is ""

# One answer for each line; blank lines are skipped, the last line needs no newline.
printf '%s\n\n  \n%s\r\n%s' '{"portfolio_equity":"1.50"}' '{"last_prices":{"a:X":"1","b:X":"2"}}' \
    '{"last_prices":{"a:X":"1.10"}}' >lines
run 0 -j j record <lines
out_is '{"seq":1}
{"seq":2}
{"seq":3}'
err_is ""
run 0 -j j state export
json "$out" 'd["last_prices"] == {"a:X": "1.10", "b:X": "2"} and d["portfolio_equity"] == "1.50"'

# null deletes.
run 0 -j j record <<<'{"last_prices":{"a:X":null,"none:X":null},"portfolio_equity":null}'
run 0 -j j state export
json "$out" 'd["last_prices"] == {"b:X": "2"} and "portfolio_equity" not in d'

# Everything in one line is one commit.
cat >line <<JSON
{"portfolio":{"reporting_currency":"USDT","initial_equity":"100","drawdown_limit":null,"peak_equity":"100","liquidate_only":false},"positions":{"a:X":{"symbol":"a:X","side":"Buy","quantity":"2","entry_price":"1","unrealized_pnl":"0","updated_at":"2025-01-01T00:00:00Z"}},"balances":{"USDT":{"currency":"USDT","quantity":"98","conversion_rate":"1"}},"orders":{"o1":{"id":"o1","request":{"symbol":"a:X","side":"Buy","order_type":"Market","quantity":"2","price":null,"trigger_price":null,"time_in_force":null,"client_order_id":null,"take_profit":null,"stop_loss":null,"display_quantity":null},"status":"PendingNew","filled_quantity":"0","avg_fill_price":null,"created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"}},"algos":{"$algo":{"plugin":"TWAP","payload":{"left":1}}},"strategy_state":{"s":1},"ledger":[{"id":"$id","timestamp":"2025-01-01T00:00:00Z","exchange":"a","asset":"USDT","amount":"-2","entry_type":"fee","reference_id":"o1","meta":null}]}
JSON
run 0 -j j record <line
out_is '{"seq":5}'
run 0 -j j book list --json
json "$out" '[(b["positions"], b["open_orders"], b["algos"], b["ledger_sequence"]) for b in d] == [("1", "1", "1", "1")]'
run 0 -j j record <<<'{"orders":{"o1":null},"algos":{"'$algo'":null},"positions":{"a:X":null},"strategy_state":null}'
run 0 -j j book list --json
json "$out" '[(b["positions"], b["open_orders"], b["algos"], b["ledger_sequence"]) for b in d] == [("0", "0", "0", "1")]'

# The same id is not applied twice, also by another run.
printf '%s\n' '{"id":"'$id'","portfolio_equity":"7"}' '{"portfolio_equity":"8"}' \
    '{"id":"'$id'","portfolio_equity":"7"}' >lines
run 0 -j j record <lines
out_is '{"seq":7}
{"seq":8}
{"seq":7}'
run 0 -j j record <<<'{"id":"'$id'","portfolio_equity":"9"}'
out_is '{"seq":7}'
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "8"'

# The first error ends it; nothing of its line is applied, nothing behind it is read.
printf '%s\n' '{"portfolio_equity":"10"}' '' '{"last_prices":{"c:X":"5"},"positions":{"a:X":{"symbol":"a:X"}}}' \
    '{"portfolio_equity":"11"}' >lines
run 26 -j j record <lines
json <(sed -n 1p "$out") 'd == {"seq": "9"}'
json <(sed -n 2p "$out") 'd["line"] == "3" and list(d) == ["error", "line"]'
[ "$(wc -l <"$out")" -eq 2 ] || fail "more than two answers"
err_has "tesser-journal: line 3: "
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "10" and "c:X" not in d["last_prices"]'

# --keep-going answers every line and ends with the code of the first failure.
printf '%s\n' 'nonsense' '{"portfolio_equity":"12"}' '{"book":"nowhere","portfolio_equity":"1"}' \
    '{"unknown":1}' '{"portfolio_equity":"1.2.3"}' '{"algos":{"zz":null}}' '{"portfolio_equity":"13"}' >lines
run 26 -j j record --keep-going <lines
python3 - "$out" <<'PY' || fail "answers"
import json, sys
answers = [json.loads(line) for line in open(sys.argv[1])]
assert [sorted(a) for a in answers] == [["error", "line"], ["seq"], ["error", "line"],
    ["error", "line"], ["error", "line"], ["error", "line"], ["seq"]], answers
assert [a.get("line") for a in answers] == [1, None, 3, 4, 5, 6, None], answers
assert answers[6]["seq"] == answers[1]["seq"] + 1, answers
assert "nowhere" in answers[2]["error"] and "unknown" in answers[3]["error"], answers
assert "1.2.3" in answers[4]["error"] and "zz" in answers[5]["error"], answers
PY
err_has "tesser-journal: line 1: "
! grep -q "line 1" "$out" || fail "an answer counts the lines inside a line"
run 26 -j j record --json <<<'{"last_prices":{"a:X":"1.2.3"}}'
json "$err" 'd["place"] == "line 1, column 23" and d["error"].startswith("line 1: last_prices.a:X: column 23: ")'
printf '%s\n' '{"book":"nowhere","portfolio_equity":"1"}' 'nonsense' >lines
run 13 -j j record -k <lines
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "13"'

# Several books in one journal, and in one line's own book.
run 0 -j j init --book alpha
printf '%s\n' '{"portfolio_equity":"1"}' '{"book":"default","portfolio_equity":"2"}' >lines
run 0 -j j -b alpha record <lines
run 0 -j j -b alpha state export
json "$out" 'd["portfolio_equity"] == "1"'
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "2"'

# An answer comes before the next line is sent: a program can wait for it.
python3 - "$TESSER_JOURNAL" <<'PY' || fail "an answer did not come at once"
import json, subprocess, sys
p = subprocess.Popen([sys.argv[1], "-j", "j", "record"], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, text=True)
last = 0
for i in range(20):
    p.stdin.write(json.dumps({"last_prices": {"a:X": f"{i}.0"}}) + "\n")
    p.stdin.flush()
    answer = json.loads(p.stdout.readline())
    assert answer["seq"] > last, answer
    last = answer["seq"]
p.stdin.close()
assert p.wait() == 0
PY

# A line of 64 MiB is the longest; a longer one is refused and skipped as a whole.
python3 -c 'import sys
sys.stdout.write("{\"extra\":{\"x\":\"" + "y" * (64 << 20) + "\"}}\n{\"portfolio_equity\":\"14\"}\n")' >lines
run 21 -j j record --keep-going <lines
json <(sed -n 1p "$out") 'd == {"error": "the line is longer than 64 MiB", "line": "1"}'
[ "$(wc -l <"$out")" -eq 2 ] || fail "answers"
run 0 -j j state export
json "$out" 'd["portfolio_equity"] == "14"'

# Whoever reads the answers has gone: it ends quietly, and stays whole.
set +o pipefail
yes '{"last_prices":{"a:X":"1"}}' 2>/dev/null | head -2000 | "$TESSER_JOURNAL" -j j record 2>"$err" | head -1 >"$out"
set -o pipefail
err_is ""
run 0 -j j status

# What a name holds cannot steer a terminal: control characters are shown as such.
run 0 -j j record <<<'{"last_prices":{"a:X\u009b2J":"1.5"}}'
run 0 -j j state show
out_has 'a:X\xc2\x9b2J'

# Nor can what is not seen make a name look like another one.
run 0 -j j record <<<'{"last_prices":{"b:BTC\u202eTDSU":"1","b:BTC\u200bUSDT":"2","b:A\u2028B":"4","b:\ufeffETH":"5"}}'
run 0 -j j state show
out_has 'b:BTC\u{202e}TDSU'
out_has 'b:BTC\u{200b}USDT'
out_has 'b:A\u{2028}B'
out_has 'b:\u{feff}ETH'
run 0 -j j algo save $algo --plugin $'T\xe2\x80\x8bWAP' - <<<$'{"a":"\xe2\x80\xae",\n\t"b":1}'
run 0 -j j algo show $algo
out_has 'T\u{200b}WAP'
out_has '{"a":"\u{202e}",
	"b":1}'
run 0 -j j algo show $algo --json
out_has $'{"a":"\xe2\x80\xae",\n\t"b":1}'
run 26 -j j record <<<'{"last_prices":{"a:\u202eX":"\u200b"}}'
err_has 'last_prices["a:\u{202e}X"]: column 29: "\u{200b}" is not a plain decimal'

# A symbol as ccxt has it names no exchange: BTC/USDT is none.
for line in '{"last_prices":{"BTC/USDT:USDT":"1"}}' '{"last_prices":{"btc/usdt:usdt":null}}' \
    '{"positions":{"BTC/USDT:USDT":null}}' '{"state":{"last_prices":{"BTC/USDT:USDT":"1"}}}'; do
    run 26 -j j record <<<"$line"
    grep -qi 'write "EXCHANGE:BTC/USDT:USDT"' "$err" || fail "no hint for $line"
done
run 0 -j j record <<<'{"last_prices":{"Binance:BTC/USDT:USDT":"1","BTC/USDT":"2"}}'
run 0 -j j state export
out_has '"binance:BTC/USDT:USDT":"1"'
out_has '"BTC/USDT":"2"'

# Numbers and texts with an exponent, as Python and JavaScript write them; never rounded.
run 0 -j j record <<<'{"last_prices":{"e:A":1.234e-05,"e:B":1e-08,"e:C":1e21,"e:D":"1.7E-5","e:E":1E+3}}'
run 0 -j j state export
out_has '"e:A":"0.00001234","e:B":"0.00000001","e:C":"1000000000000000000000","e:D":"0.000017","e:E":"1000"'
for number in 1e34 1.5e-56 '"1e"' '"e5"'; do
    run 26 -j j record <<<'{"portfolio_equity":'$number'}'
done

# A byte order mark may begin the input, and nothing else.
printf '\xef\xbb\xbf{"portfolio_equity":"21"}\n{"portfolio_equity":"22"}\n' >lines
run 0 -j j record <lines
printf '\xef\xbb\xbf{"a":1}' >payload
run 0 -j j algo save $algo payload --plugin T
run 0 -j j algo show $algo --json
out_is '{"algo_type":"T","state":{"a":1}}'
run 26 -j j record <<<$'[\xef\xbb\xbf1]'
err_has '"\u{feff}" is not expected here'

# Standard input that cannot be read ends it, also with --keep-going.
run 18 -j j record --keep-going <.
err_has "tesser-journal: Is a directory: reading standard input"
run 18 -j j record <&-
err_has "tesser-journal: Bad file descriptor: reading standard input"
code=0
"$TESSER_JOURNAL" -j j record <<<'{"portfolio_equity":"15"}' >&- 2>"$err" || code=$?
[ $code -eq 4 ] || fail "exit code $code for a closed standard output"
err_has "is durable, but what followed failed: Bad file descriptor: writing standard output"
digest j >before
"$TESSER_JOURNAL" -j j algo show 1234 >&- 2>&- || code=$?
[ $code -eq 2 ] || fail "exit code $code with all closed"
digest j | cmp -s - before || fail "a message went into the journal"
