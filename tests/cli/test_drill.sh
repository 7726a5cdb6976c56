# SPDX-License-Identifier: MIT OR Apache-2.0
# The drill: damage is made, and only what the program says is done. Each ends with the data, and with a list of what
# is missing. docs/RECOVERY.md is not read; test_recovery_doc.sh does that.
source "$(dirname "$0")/lib.sh"

mkdir bin
ln -s "$(realpath "$TESSER_JOURNAL")" bin/tesser-journal
PATH=$PWD/bin:$PATH

python3 - >lines <<'PY'
import json
def order(number, mark):
    request = {"symbol": "a:X", "side": "Buy", "order_type": "Market", "quantity": "2", "price": None,
               "trigger_price": None, "time_in_force": None, "client_order_id": mark, "take_profit": None,
               "stop_loss": None, "display_quantity": None}
    return {"id": f"o{number}", "request": request, "status": "PendingNew", "filled_quantity": "0",
            "avg_fill_price": None, "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}
for n in range(1, 61):
    entry = {"id": "abc00000-0000-4000-8000-%012d" % n, "timestamp": "2025-11-23T12:13:20Z", "exchange": "a",
             "asset": "USDT", "amount": str(n), "entry_type": "fee", "reference_id": f"ledgermark-{n}", "meta": None}
    print(json.dumps({"portfolio_equity": str(n), "strategy_state": {"n": n, "x": "y" * 6000}, "ledger": [entry],
                      "orders": {f"o{n % 5}": order(n % 5, f"ordermark-{n}")}}))
PY
printf '[journal]\npath = "whole"\nsegment_size = "64 KiB"\n' >c.toml
run 0 -c c.toml init
run 0 -c c.toml record <lines
rm c.toml

begin() { rm -rf journal NEW && cp -a whole journal; }
# overwrite MARK: one byte, wherever it stands in data.mdb, in pages that are in use or free
overwrite() {
    python3 - "$1" <<'PY'
import re, sys
with open("journal/data.mdb", "r+b") as file:
    for found in re.finditer(sys.argv[1].encode(), file.read()):
        file.seek(found.start())
        file.write(b"#")
PY
}
newest() { for f in journal/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "$f"; done | tail -1; }

# named COMMAND: the first such command that was said, between quotes or behind an arrow
named() {
    local found
    found=$(sed -n -e "s/.*\`\(tesser-journal $1[^\`]*\)\`.*/\1/p" -e "s/^ *-> \(tesser-journal $1.*\)/\1/p" \
        "$err" "$out" | head -1)
    [ -n "$found" ] || fail "nothing says what to do: no $1 is named"
    echo "$found"
}
# follow CODE COMMAND: does what was said, which must end with this exit code. place: where the journal is then.
follow() {
    local code=0 command
    command=$(named "$2")
    case $command in *--swap*) place=journal ;; *) place=NEW ;; esac
    bash -c "$command" >"$out.new" 2>"$err.new" </dev/null || code=$?
    mv "$out.new" "$out"
    mv "$err.new" "$err"
    [ "$code" -eq "$1" ] || fail "exit code $code, expected $1: $command"
}
# holds JOURNAL EQUITY ENTRIES
holds() {
    run 0 -j "$1" state export
    json "$out" 'd["portfolio_equity"] == "'"$2"'" and len(d["open_orders"]) == 5'
    run 0 -j "$1" ledger list --json
    [ "$(wc -l <"$out")" -eq "$3" ] || fail "not $3 entries"
    run 0 verify -j "$1" --deep
}

# A flipped byte in an order's row, in a ledger entry's, in a page's head; data.mdb deleted.
for damage in ordermark-58 ledgermark-33 page deleted; do
    begin
    case $damage in
    page) python3 - <<'PY'
with open("journal/data.mdb", "r+b") as file:
    page = file.read().rfind(b"ordermark-60") // 4096 * 4096
    file.seek(page + 12)
    byte = file.read(1)[0]
    file.seek(page + 12)
    file.write(bytes([byte ^ 0x10]))
PY
        ;;
    deleted) rm journal/data.mdb ;;
    *) overwrite $damage ;;
    esac
    case $damage in
    ledgermark-33) run 19 -j journal ledger list ;;
    *) run 19 -j journal state export ;;
    esac
    cp "$err" said
    [ $damage = ledgermark-33 ] || { run 6 -j journal doctor --no-flush && out_has 'wrong    journal: '; }
    cp said "$err"
    follow 19 verify
    cp said "$err"
    follow 0 repair
    out_has 'commits 1 to 60 come from the log'
    holds "$place" 60 60
done

# The newest segment is cut, and nothing else tells what was in it: that is said, and must be accepted.
begin
rm journal/data.mdb
truncate -s 9000 "$(newest)"
run 19 -j journal status
follow 19 repair
out_has 'lost'
[ ! -e NEW ] || fail "a journal that lost commits was built unasked"
follow 0 repair
holds "$place" 54 54

# A segment in the middle is cut: what history is gone is told.
begin
truncate -s 20000 journal/log/0000000006.log
run 19 -j journal history
cp "$err" said
follow 19 verify
out_has 'commits 48 to 54 are not whole'
cp said "$err"
follow 0 repair
out_has 'history begins with commit 55'
holds "$place" 60 60

# The oldest segments are deleted to free space: it goes on, with a warning.
begin
rm journal/log/000000000[123].log
run 0 -j journal status
follow 0 repair
out_has 'history begins with commit 28'
holds "$place" 60 60

# A copy of a running journal: the doctor knows it for one, and what makes it a journal of its own.
begin
mkfifo hold
tesser-journal -j journal record <hold >answers 2>&1 &
writer=$!
exec 3>hold
echo '{"portfolio_equity":"61"}' >&3
for _ in $(seq 200); do [ -s answers ] && break; sleep 0.05; done
until cp -r journal copy 2>"$err"; do rm -rf copy; done # a base may get its name meanwhile
exec 3>&-
wait "$writer"
run 5 -j copy doctor --no-flush
out_has 'warning  writer: the directory is a copy'
follow 0 restore
holds "$place" 61 60

# A full disk.
truncate -s 24M disk.img
if ! mkfs.ext4 -q disk.img 2>/dev/null || ! mkdir mnt || ! mount -o loop disk.img mnt 2>/dev/null; then
    echo "Skipped in part: no file system can be made and mounted here."
    exit 0
fi
trap 'umount mnt; finish $?' EXIT
printf '[journal]\npath = "mnt/journal"\nsegment_size = "64 KiB"\n' >full.toml
run 0 -c full.toml init
head -10 lines >first
run 0 -c full.toml record <first
dd if=/dev/zero of=mnt/fill bs=4096 2>/dev/null || true
tail -n +11 lines >rest
run 16 -c full.toml record <rest
taken=$(grep -c '"seq"' "$out" || true)
err_has 'free some space on the file system of'
run 6 -c full.toml doctor --no-flush
out_has 'wrong    space: '
rm mnt/fill
tail -n +$((taken + 1)) rest >last
run 0 -c full.toml record <last
code=0
tesser-journal -c full.toml doctor --no-flush >"$out" || code=$?
out_has 'ok       journal: it opens'
run 0 -j mnt/journal ledger list --json
[ "$(wc -l <"$out")" -eq 60 ] || fail "not 60 entries"
run 0 verify -j mnt/journal --deep
