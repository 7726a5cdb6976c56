# SPDX-License-Identifier: MIT OR Apache-2.0
# verify: what is sound is called so, each kind of damage is named with file, offset, commit and row, and the
# exit codes tell them apart. What cannot be opened can be verified.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\n' >c.toml
saves 0 60 6000 >lines
run 0 --config c.toml init
run 0 --config c.toml record <lines
python3 -c 'import json
for i in range(40):
    print(json.dumps({"id": f"00000000-0000-4000-8000-{i:012}", "sequence": i + 1, "asset": "USDT", "amount": "-0.5",
                      "timestamp": f"2025-01-01T00:00:{i:02}Z", "exchange": "kraken", "entry_type": "fee",
                      "reference_id": f"ref-{i}", "meta": None}))' >ledger
run 0 -j j ledger append ledger
cp -a j whole

sound() {
    run 0 -j j verify --deep --json
    json "$out" 'd["verdict"] == "sound" and d["compared"] and d["newest_whole"]'
    json "$out" 'not any(f["kind"] == "damage" for f in d["findings"])'
}
# damaged EXPRESSION: over the report of `verify`, and the same of `verify --deep`; and back to the whole one.
damaged() {
    local how
    for how in "" --deep; do
        run 19 -j j verify $how --json
        json "$out" 'd["verdict"] == "damaged" and any(f["kind"] == "damage" for f in d["findings"])'
        json "$out" "$1"
    done
    rm -rf j && cp -a whole j
}
flip() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([byte ^ int(sys.argv[3])]))' "$1" "$2" "${3:-1}"; }
# find FILE TEXT: where a text stands in a file
find_text() { python3 -c 'import sys
print(open(sys.argv[1], "rb").read().find(sys.argv[2].encode()))' "$1" "$2"; }

sound
run 0 -j j verify
out_has "sound"
out_has "no: --deep does it"

# One record, one header, one seal, the zeros behind: each is named.
at=$(find_text j/log/0000000002.log '"i": 12,')
flip j/log/0000000002.log "$at"
damaged 'any(f["file"].endswith("log/0000000002.log") and int(f["offset"]) < '"$at"' and f["sequence_first"] == f["sequence_last"] == "13"
             for f in d["findings"] if f["kind"] == "damage") and d["newest_whole"]'
flip j/log/0000000002.log 40
damaged 'any("0000000002.log" in f["sentence"] for f in d["findings"]) and d["newest_whole"]'
flip j/log/0000000002.log 65535
damaged 'any("nothing was ever written" in f["sentence"] for f in d["findings"])'
rm j/log/0000000003.log
damaged 'any("0000000003.log: it is missing" in f["sentence"] and "not whole" in f["sentence"] for f in d["findings"]) and d["newest_whole"]'
rm "j/log/$(ls j/log | sort | tail -2 | head -1)"
damaged 'True'

# One row of data.mdb, the head of a page, a meta page, the file.
at=$(find_text j/data.mdb '"i": 59,')
flip j/data.mdb "$at"
damaged 'any(f["key"] == "strategy_state" and f["file"].endswith("data.mdb") and f["sequence_first"] == "60" and "offset" in f["sentence"]
             for f in d["findings"]) and d["newest_whole"]'
cp j/data.mdb sound.mdb
pages=$(($(stat -c %s j/data.mdb) / 4096))
for ((page = 2; page < pages; page++)); do
    flip j/data.mdb $((page * 4096 + 12)) 2 # how many rows the page has
    code=0
    "$TESSER_JOURNAL" -j j verify >"$out" 2>"$err" || code=$?
    # of a page that is free nothing is read
    [ $code -eq 19 ] || { [ $code -eq 0 ] && run 0 -j j state export; } || fail "page $page: exit code $code"
    cp sound.mdb j/data.mdb
done
truncate -s 20000 j/data.mdb
run 19 -j j verify
out_has "DAMAGED"
damaged 'd["newest_whole"]'
rm j/data.mdb
damaged 'any("data.mdb is missing" in f["sentence"] for f in d["findings"]) and d["newest_whole"]'
mv j/log away
damaged 'any(f["sentence"].endswith("log is missing") for f in d["findings"])'
rm -r away

# What is not the journal's is told, and is no damage.
touch j/notes.txt j/log/0000000001.log~
run 0 -j j verify --json
json "$out" 'sum(f["kind"] == "note" for f in d["findings"]) == 2'
rm j/notes.txt j/log/0000000001.log~

# A crash leaves a torn tail, which is no damage; an older data.mdb is behind, and no damage either.
rm -rf j && cp -a whole j && rm j/writer.lock
newest=$(for f in j/log/*.log; do head -c 8 "$f" | grep -q TJLOGSEG && echo "$f"; done | tail -1)
end=$(python3 -c 'import sys; print(len(open(sys.argv[1], "rb").read().rstrip(b"\0")) // 64 * 64 + 64)' "$newest")
printf 'TJRCtorn' | dd of="$newest" bs=1 seek="$end" conv=notrunc status=none
run 0 -j j verify --json
json "$out" 'any("unfinished write" in f["sentence"] for f in d["findings"])'
rm -rf j && cp -a whole j

# Beside a writer that goes on.
{ cat lines; sleep 0.5; cat lines; } | "$TESSER_JOURNAL" --config c.toml record >written 2>/dev/null &
writer=$!
for ((i = 0; i < 5; i++)); do
    run 0 -j j verify --deep --json
    json "$out" 'd["verdict"] == "sound" and d["compared"]'
done
wait $writer
sound

# Nothing there, and what cannot be looked at, are neither sound nor damaged.
run 13 -j nowhere verify
err_has "there is no journal at $PWD/nowhere"

# What is counted may be none, or one.
run 0 -j one init
run 0 -j one verify
out_has "Log                  no commits in 1 segment, "
run 0 -j one record < <(head -1 lines)
run 0 -j one verify
out_has "Log                  1 commit from 1 to 1 in 1 segment, "
