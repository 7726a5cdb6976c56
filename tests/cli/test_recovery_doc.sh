# SPDX-License-Identifier: MIT OR Apache-2.0
# Every command in docs/RECOVERY.md does what the page says: each kind of damage that a section is about is made, and
# the section's commands are run behind it.
source "$(dirname "$0")/lib.sh"
page=$(dirname "$script")/../../docs/RECOVERY.md

mkdir bin
ln -s "$(realpath "$TESSER_JOURNAL")" bin/tesser-journal
PATH=$PWD/bin:$PATH
mounted=
trap 'code=$?; [ -z "$mounted" ] || umount "$work/disk"; finish $code' EXIT

# 60 commits, the last with an order and an entry of the ledger, and a writer that stays until there are bases.
python3 -c 'import json
order = {"id": "o1", "request": {"symbol": "a:X", "side": "Buy", "order_type": "Market", "quantity": "2", "price": None,
         "trigger_price": None, "time_in_force": None, "client_order_id": None, "take_profit": None, "stop_loss": None,
         "display_quantity": None}, "status": "PendingNew", "filled_quantity": "0", "avg_fill_price": None,
         "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z", "why": "breakout"}
entry = {"id": "00000000-0000-4000-8000-000000000001", "timestamp": "2025-01-01T00:00:00Z", "exchange": "a",
         "asset": "USDT", "amount": "-2", "entry_type": "fee", "reference_id": "the-first-fee", "meta": None}
for i in range(60):
    line = {"portfolio_equity": str(i + 1), "strategy_state": {"i": i, "x": "y" * 6000}}
    print(json.dumps(line if i < 59 else line | {"orders": {"o1": order}, "ledger": [entry]}))' >lines
printf '[journal]\npath = "whole"\nsegment_size = "64 KiB"\n' >c.toml
run 0 --config c.toml init
mkfifo pipe
"$TESSER_JOURNAL" --config c.toml record <pipe >written 2>"$err" &
writer=$!
exec 9>pipe
cat lines >&9
for ((i = 0; i < 300; i++)); do
    [ "$(wc -l <written)" -eq 60 ] && [ -e whole/history/0000000002.state ] && break
    sleep 0.1
done
[ $i -lt 300 ] || fail "60 commits and a base did not come"
# While its writer is at work; a base that gets its name meanwhile ends a copy.
until cp -a whole running 2>"$err"; do rm -rf running; done
exec 9>&-
wait $writer
run 0 -j whole backup kept
rm c.toml

newest() { for f in journal/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "$f"; done | tail -1; }
# change FILE AT BYTES: turns bits of a byte
change() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([byte ^ int(sys.argv[3])]))' "$@"; }
# places TEXT: where it stands in data.mdb, also in pages that are free by now
places() { python3 -c 'import re, sys
for found in re.finditer(re.escape(sys.argv[1].encode()), open("journal/data.mdb", "rb").read()): print(found.start())' "$1"; }

# damages TITLE: the kinds that the section is about
damages() {
    case $1 in
    "At three in the morning" | "While nothing is wrong") echo none ;;
    "The disk is full") echo full_disk ;;
    "Two copies of one journal") echo none copied_beside_its_writer ;;
    "A command ends with 19, or a row is damaged") echo order_row ledger_row page_head data_cut ;;
    "data.mdb is gone") echo data_gone ;;
    "Old segments of the log are gone or damaged") echo old_segments_gone old_segment_damaged ;;
    "The newest segment of the log is cut, damaged or gone") echo newest_damaged newest_cut newest_gone ;;
    "A base in history/ is damaged") echo base_damaged base_cut ;;
    "Nothing of it can be used") echo all_gone ;;
    *) fail "no damage is known for the section: $1" ;;
    esac
}
none() { :; }
order_row() { for at in $(places breakout); do change journal/data.mdb "$at" 1; done; }
ledger_row() { for at in $(places the-first-fee); do change journal/data.mdb "$at" 1; done; }
# how many rows the page of the order has
page_head() { for at in $(places breakout); do change journal/data.mdb $((at / 4096 * 4096 + 12)) 2; done; }
data_cut() { truncate -s 20000 journal/data.mdb; }
data_gone() { rm journal/data.mdb; }
old_segments_gone() { rm journal/log/000000000[123].log; }
old_segment_damaged() { change journal/log/0000000002.log 9000 1; }
newest_damaged() { rm journal/data.mdb && change "$(newest)" 9000 1; }
newest_cut() { rm journal/data.mdb && truncate -s 9000 "$(newest)"; }
newest_gone() { rm journal/data.mdb "$(newest)"; }
base_damaged() { change journal/history/0000000002.state 200 1; }
base_cut() { truncate -s 100 journal/history/0000000002.state; }
all_gone() { rm -r journal/data.mdb journal/log; }
copied_beside_its_writer() { rm -rf journal && cp -a running journal; }
full_disk() {
    mkdir -p disk
    if ! mount -t tmpfs -o size=8m tmpfs disk 2>/dev/null; then
        echo "Skipped: a full disk (nothing can be mounted)"
        return
    fi
    mounted=1
    mv journal disk && ln -s disk/journal journal
    dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
}

# red DAMAGE: the exit code of check, where it is asked; that of status too but where only history is hurt
red() {
    case $1 in
    none | copied_beside_its_writer) echo 0 ;;
    order_row | data_cut | data_gone | newest_damaged | newest_cut | newest_gone) echo 19 ;;
    old_segments_gone) echo 44 ;;
    all_gone) echo 14 ;; # what is left is no journal
    esac
}
# holds JOURNAL EQUITY: the newest state, with its order and its fee unless they are lost
holds() {
    run 0 -j "$1" state export
    json "$out" 'd["portfolio_equity"] == "'"$2"'" and len(d["open_orders"]) == '$(($2 == 60))
    run 0 -j "$1" verify --deep
}
healed() {
    case $1 in
    order_row | ledger_row | page_head | data_cut | data_gone | old_segments_gone)
        holds journal 60
        [ -d damaged ] || fail "the damaged journal is gone" ;;
    newest_damaged | newest_cut | newest_gone) holds repaired 54 ;;
    base_damaged | base_cut) holds journal 60 ;;
    all_gone) holds restored 60 ;;
    copied_beside_its_writer) holds own 60 ;;
    full_disk)
        [ -z "$mounted" ] || { rm disk/fill && holds journal 60 && umount disk; }
        mounted= ;;
    esac
}

awk -F'\t' '/^#+ / { title = $0; sub(/^#+ /, "", title) }
    /^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside { print title "\t" $0 }' "$page" >commands
count=0
# behind_damage TITLE DAMAGE: the section's commands
behind_damage() {
    local command code expected
    rm -rf journal backup damaged repaired restored own
    cp -a whole journal && cp -a kept backup
    "$2"
    if [ -n "$(red "$2")" ]; then
        run "$(red "$2")" -j journal check
        [ "$(red "$2")" -eq 44 ] || run "$(red "$2")" -j journal status
    fi
    while IFS= read -r command; do
        expected=0 code=0
        case $command in *'# exits with '*) expected=${command##*# exits with } ;; esac
        bash -c "$command" >"$out" 2>"$err" </dev/null || code=$?
        [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected, with $2: $command"
        count=$((count + 1))
    done < <(grep -F "$1"$'\t' commands | cut -f2-)
    [ "$1" != "While nothing is wrong" ] || grep -q "^  Proven .* commit 60" "$out" || fail "the proof is not known"
    healed "$2"
}
while IFS= read -r title; do
    for damage in $(damages "$title"); do
        behind_damage "$title" "$damage"
    done
done < <(cut -f1 commands | uniq)
[ $count -ge 50 ] || fail "only $count commands in $page"
