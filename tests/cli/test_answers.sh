# SPDX-License-Identifier: MIT OR Apache-2.0
# What is durable is never reported as not made, and what did not arrive is never reported as told.
source "$(dirname "$0")/lib.sh"
id=11111111-2222-4333-8444-555555555555
entry='{"id":"11111111-2222-4333-8444-555555555555","sequence":0,"timestamp":"2025-01-01T00:00:00Z","exchange":"a","asset":"USDT","amount":"-2","entry_type":"fee","reference_id":"fill-1","meta":null}'
state='{"portfolio":null,"open_orders":[],"last_prices":{"a:X":"1"},"last_candle_ts":null,"strategy_state":null}'
echo "$entry" >entry
echo "$state" >state

# lost CODE ARGUMENTS...: the same with an output that is full.
lost() {
    local expected=$1 code=0
    shift
    "$TESSER_JOURNAL" "$@" >/dev/full 2>"$err" || code=$?
    : >"$out"
    [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: $*"
    err_has "No space left on device: writing standard output"
}
durable() { # durable WHAT ARGUMENTS...
    local what=$1
    shift
    lost 4 "$@"
    err_is "tesser-journal: $what, but what followed failed: No space left on device: writing standard output
It is done: do not repeat it."
}

durable "journal j is created" -j j init
durable "book alpha in j is created" -j j init --book alpha
durable "book default in j is created" -j j init --book default
durable "commit 3 is durable" -j j ledger append entry
durable "commit 4 is durable" -j j state import state
durable "commit 5 is durable" -j j algo save $id state --plugin T
durable "commit 6 is durable" -j j record <<<'{"portfolio_equity":"1"}'
durable "commit 7 is durable" -j j algo delete $id
durable "commit 1 is durable" import state --into k
durable "book default is exported to exported" -j j export exported
[ -s exported/state.db ] || fail "nothing was exported"
run 0 -j j ledger list --json
[ "$(wc -l <"$out")" -eq 1 ] || fail "entries"

lost 4 -j j --json record <<<'{"portfolio_equity":"2"}'
json "$err" 'd["status"] == "DURABLE" and d["exit_code"] == "4" and d["seq"] == "8"'

# A line that failed was not committed, whatever became of the lines before and of its answer.
printf '%s\n' '{"portfolio_equity":"3"}' nonsense >lines
run 26 -j j record <lines
lost 4 -j j record <lines
printf '%s\n' nonsense '{"portfolio_equity":"4"}' >lines
code=0
"$TESSER_JOURNAL" -j j record -k <lines >/dev/full 2>"$err" || code=$?
[ $code -eq 26 ] || fail "exit code $code for a line that failed"
run 26 -j j record -k <lines

# Nothing is made: a lost answer is a full disk, of commands that only read and of rehearsals too.
run 0 -j j algo save $id state --plugin T
for arguments in "status" "state show" "state export" "algo list" "algo show $id" "ledger list" \
    "book list" "quarantine list" "state import state --dry-run" "export x --dry-run" help \
    "help man" --help --version; do
    lost 16 -j j $arguments
    case $arguments in
    help* | --help | --version) ;;
    *) lost 16 -j j $arguments --json ;;
    esac
done
lost 16 import state --into l --dry-run

# A file that is replaced keeps its mode and owner; a new one lets in nobody whom the journal keeps out.
umask 022
mode() { stat -c %a "$1"; }
for mode in 600 640 644; do
    : >s.json
    chmod $mode s.json
    run 0 -j j state export -o s.json
    [ "$(mode s.json)" = $mode ] || fail "mode $(mode s.json) of a file that had $mode"
done
if [ "$(id -u)" -eq 0 ]; then
    chown 1234:2345 s.json
    run 0 -j j state export -o s.json
    [ "$(stat -c %u:%g s.json)" = 1234:2345 ] || fail "owner $(stat -c %u:%g s.json)"
fi
chmod 600 j/data.mdb
run 0 -j j state export -o new.json
[ "$(mode new.json)" = 600 ] || fail "mode $(mode new.json) beside a journal of mode 600"
chmod 664 j/data.mdb
run 0 -j j state export -o newer.json
[ "$(mode newer.json)" = 644 ] || fail "mode $(mode newer.json) under umask 022"
ln -s nowhere dangling
run 18 -j j state export -o dangling
err_has 'dangling is a symbolic link that leads nowhere'
[ -L dangling ] && [ ! -e nowhere ] || fail "a link that leads nowhere was replaced"
[ -z "$(find . -name '.tesser-journal-*')" ] || fail "a temporary file was left"

# Closing fails behind a commit: LMDB's file may not grow, the log has everything.
printf '[journal]\npath = "limited"\nsegment_size = "64 KiB"\n' >limited.toml
python3 - >lines <<'PY'
import json, os
for i in range(100):
    print(json.dumps({"algos": {f"{i:08x}-2222-4333-8444-555555555555": {"plugin": "T", "payload": os.urandom(10000).hex()}}}))
PY
printf '"%0600000d"' 0 >big
run 0 -c limited.toml init
run 0 -c limited.toml record <lines
code=0
(
    ulimit -f $(($(stat -c %s limited/data.mdb) / 1024))
    exec "$TESSER_JOURNAL" -c limited.toml algo save $id big --plugin T >"$out" 2>"$err"
) || code=$?
[ $code -eq 4 ] || fail "exit code $code when closing failed"
out_has "saved algorithm $id in book default; commit 101"
err_has "tesser-journal: commit 101 is durable, but what followed failed: file too large: "
err_has "It is done: do not repeat it."
run 0 -c limited.toml algo show $id
