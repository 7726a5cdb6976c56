# SPDX-License-Identifier: MIT OR Apache-2.0
# repair: a sound journal out of a damaged one, which stays as it is to the byte; what is lost is named, and must be
# accepted; what loses nothing keeps the id.
source "$(dirname "$0")/lib.sh"

# Without bases, which the recorder would have built or not, as the machine had time.
printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\nhistory = false\n' >c.toml
saves 0 60 6000 >lines
run 0 --config c.toml init
run 0 --config c.toml record <lines
run 0 -j j state export
cp "$out" newest.json
run 0 -j j status --json
id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["journal_id"])' "$out")
run 0 -j j backup backup
cp -a j whole
content() { (cd "$1" && find . -type f ! -name lock.mdb -print0 | sort -z | xargs -0 sha256sum); }
flip() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([byte ^ 1]))' "$1" "$2"; }
find_text() { python3 -c 'import sys
print(open(sys.argv[1], "rb").read().find(sys.argv[2].encode()))' "$1" "$2"; }

# nothing_lost EXPRESSION: the newest state is back under the same id, and the damaged journal is as it was.
nothing_lost() {
    content j >before
    run 0 -j j repair --into new --json
    json "$out" "$1"
    json "$out" 'd["written"] and not d["loses"] and d["sequence"] == "60" and d["journal_id"] == d["source_id"] == "'"$id"'"'
    content j | cmp -s - before || fail "the damaged journal was changed"
    run 0 -j new verify --deep
    run 0 -j new state export
    cmp -s "$out" newest.json || fail "another state"
    run 0 -j new check # no writer was there yet, so there is no reserve
    run 0 -j new status
    out_has "0 B in reserve, which the next writer makes"
    out_has "up to commit 60, in $PWD/backup"
    run 0 -j new record <<<'{"portfolio_equity":"61"}'
    run 0 -j new verify --deep
    rm -rf j new && cp -a whole j
}
# lost EXPRESSION STATE: nothing is written before it is accepted.
lost() {
    run 19 -j j repair --into new --json
    json "$out" "$1"
    json "$out" 'not d["written"] and d["loses"] and any(p["lost"] for p in d["parts"])'
    [ ! -e new ] || fail "it was written"
    run 19 -j j repair --into new
    out_has "LOST: "
    out_has "give --accept-loss"
    run 0 -j j repair --into new --accept-loss --json
    json "$out" 'd["written"] and d["loses"] and d["journal_id"] != d["source_id"]'
    run 0 -j new verify --deep
    run 0 -j new state export
    json "$out" 'd["portfolio_equity"] == "'"$2"'"'
    rm -rf j new && cp -a whole j
}

run 0 -j j repair --into new
out_has "is sound: there is nothing to repair"
[ ! -e new ] || fail "it was written"

rm j/data.mdb
nothing_lost 'd["log_first"] == "1"'
flip j/data.mdb "$(find_text j/data.mdb '"i": 59,')"
nothing_lost 'd["log_first"] == "1"'
truncate -s 9000 j/data.mdb
nothing_lost 'd["log_first"] == "1"'
rm j/log/0000000001.log
nothing_lost 'd["log_first"] == "10" and any("history begins with commit 10" in p["sentence"] for p in d["parts"])'
flip j/log/0000000003.log 20000
nothing_lost 'd["log_first"] == "28"'
# Behind the damage in the segment of the newest commit nothing can be kept: history begins anew.
newest=$(for f in j/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "$f"; done | tail -1)
flip "$newest" 9000
nothing_lost 'd["log_first"] == "0"'
# A row of data.mdb whose history is gone comes from the commit that wrote it.
flip j/data.mdb "$(find_text j/data.mdb '"i": 59,')"
rm j/log/0000000002.log
nothing_lost 'any(p["key"] == "strategy_state" and p["sequence_first"] == "60" and not p["lost"] for p in d["parts"])'

# Two sources are damaged, and neither has all.
rm j/data.mdb j/log/0000000002.log
lost '(d["sequence"] == "9" and any(p["lost"] and (p["sequence_first"], p["sequence_last"]) == ("10", "60") for p in d["parts"])
       and any(p["lost"] and p["key"] == "strategy_state" for p in d["parts"]))' 9
rm -r j/log
lost 'd["sequence"] == "60" and any(p["lost"] and p["sequence_last"] is None for p in d["parts"])' 60
flip j/data.mdb "$(find_text j/data.mdb '"i": 59,')"
rm j/log/*
lost 'any(p["lost"] and p["key"] == "strategy_state" for p in d["parts"])' 60
rm -r j/log j/data.mdb && mkdir j/log
run 19 -j j repair --into new
err_has "cannot be repaired out of itself"
err_has "tesser-journal restore BACKUP --into NEW"
rm -rf j && cp -a whole j

# Counters go on behind what they may have reserved in what is lost.
rm j/data.mdb j/log/0000000002.log
run 0 -j j repair --into new --accept-loss --skip-counters 5
rm -rf j new && cp -a whole j

# A dry run writes nothing; a swap exchanges the names; nothing is put over what is there.
rm j/data.mdb
run 0 -j j repair --into new --dry-run
out_has "would repair"
[ ! -e new ] || fail "it was written"
mkdir new && touch new/mine
run 14 -j j repair --into new
rm -r new
run 0 -j j repair --into new --swap
out_has "the repaired journal is at $PWD/j, and the damaged one at $PWD/new"
run 0 -j j verify --deep
run 19 -j new verify
rm -rf j new && cp -a whole j

# A link that leads to the journal leads to the repaired one, and stays on its disk.
mkdir disk && mv j disk/j && ln -s disk/j j && rm j/data.mdb
run 0 -j j repair --into new --swap
[ -L j ] && [ -d new ] && [ ! -L new ] || fail "the link was exchanged"
run 0 -j disk/j verify --deep
run 19 -j new verify
rm -rf j new disk && cp -a whole j

# Where nothing tells whether commits are lost, that is said, and what follows: of the past, the id, the counters, the
# exchange. What was given is repeated in the next command, and the next step is named.
truncate -s 30000 "$newest"
run 19 -j j repair --into new --swap --skip-counters 7
out_has "commits after 60, if there were any, are lost: nothing tells"
out_has "of the past before commit 60 nothing can be read in the new journal"
out_has "compare with the exchange before you trade: orders, fills and balances since commit 60"
out_has "--into $PWD/new --accept-loss --swap --skip-counters 7\`"
run 0 -j j repair --into new --accept-loss
out_has "and commit 61 says so; every counter skips 1000000 numbers"
out_has "the journal to open is $PWD/new: point the runtime's \`path\` at it"
out_has "\`tesser-journal repair -j $PWD/j --into OTHER --accept-loss --swap\`"
run 14 -j j repair --into new
err_has "the new journal gets a directory of its own"
rm -rf j new && cp -a whole j

# So it is where the log of a copy ends in damage, which looks as after a crash, unless a commit behind the damage
# tells that others were durable: that depends on which of them shared a flush.
flip "$newest" 300
if "$TESSER_JOURNAL" restore j --into new >"$out" 2>"$err"; then
    out_has "up to commit 54"
    out_has "tesser-journal repair -j $PWD/j --into NEW --dry-run\` says whether commits after 54 can be kept"
else
    [ $? -eq 19 ] || fail "another exit code"
    err_has "tesser-journal repair -j $PWD/j --into NEW --dry-run\` says what can be kept"
    [ ! -e new ] || fail "it was written"
fi
rm -rf new
run 0 -j j repair --into new
out_has "up to commit 60"
rm -rf j new && cp -a whole j

# Of a damaged source a restore keeps less than a repair may.
flip j/log/0000000003.log 20000
run 19 restore j --into new
err_has "tesser-journal repair -j $PWD/j --into NEW --dry-run"
rm -rf j new && cp -a whole j

# Of the oldest segments nothing is left: the states that there are begin where bases stand, and so does a new backup,
# also while no commit follows them; one that has the earlier commits goes on.
rm j/log/0000000001.log j/log/0000000002.log
run 0 -j j status
out_has "from commit 60 on, "
run 13 -j j backup fresh
err_has "build a journal that begins after it with \`tesser-journal repair\`"
run 0 -j j repair --into new --swap
run 0 -j j status --json
json "$out" 'd["history"]["oldest_sequence"] == "60"'
run 0 -j j backup fresh
out_has "the oldest commit that can be restored is 60"
run 0 -j j backup verify fresh
for source in fresh j; do
    run 0 restore $source --into restored
    run 0 -j restored state export
    cmp -s "$out" newest.json || fail "another state"
    rm -rf restored
done
run 0 -j j record <<<'{"portfolio_equity":"61"}'
for directory in fresh backup; do
    run 0 -j j backup $directory
    run 0 backup verify $directory
    out_has "restored up to commit 61"
done
rm -rf j new && cp -a whole j

# Not beside a writer.
rm j/log/0000000001.log
{ sleep 1; cat lines; } | "$TESSER_JOURNAL" --config c.toml record >written 2>/dev/null &
writer=$!
sleep 0.3
run 15 -j j repair --into new
err_has "has $PWD/j open for writing"
wait $writer
usage() { run 2 "$@"; }
usage -j j repair
err_has "Give --into NEW"
run 13 -j nowhere repair --into new
