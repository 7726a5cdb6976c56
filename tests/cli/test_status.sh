# SPDX-License-Identifier: MIT OR Apache-2.0
# status says what the next start will say: a journal that no writer can open is never shown as well, and
# no command shows the state of before something was cut away.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\n' >c.toml
run 0 --config c.toml init
saves 0 12 6000 >first
saves 12 60 6000 >later
run 0 --config c.toml record <first
cp -a j old
segment() { printf '%s/log/%010d.log' "${2:-j}" "$1"; }
content() { find j -type f ! -name '*lock*' -print0 | sort -z | xargs -0 sha256sum; }
newest() { ls j/log | tail -1; }

# agree CODE WHAT: looking on and writing end the same way, and a refusal changes nothing.
agree() {
    local code=$1
    content >before
    run "$code" --config c.toml status
    [[ $2 == *"which only history needs" ]] && run 44 --config c.toml check || run "$code" --config c.toml check
    run "$code" --config c.toml state export
    [ "$code" -eq 0 ] || { content | cmp -s - before || fail "looking on changed the log"; }
    run "$code" --config c.toml record <<<'{"last_prices":{"a:B":"1"}}'
    [ "$code" -eq 0 ] || { content | cmp -s - before || fail "$2: the writer changed the log"; }
    rm -rf j
    cp -a old j
}

for mark in kept gone; do
    with() { [ $mark = kept ] || rm -f j/writer.lock; }
    with && agree 0 "nothing is wrong"
    with && rm j/log/*.log && agree 19 "every segment deleted"
    with && rm "$(segment 1)" && agree 0 "the first segment deleted, which only history needs"
    with && rm "j/log/$(newest)" && agree 19 "the last segment deleted"
    with && : >"j/log/$(newest)" && agree 19 "the last segment emptied"
    with && truncate -s 5000 "j/log/$(newest)" && agree 19 "the last segment cut"
    with && truncate -s -4096 "j/log/$(newest)" && agree 19 "zeros behind the last record cut"
    with && truncate -s +1000001 "j/log/$(newest)" && agree 0 "the last segment grown"
    with && echo junk >>"j/log/$(newest)" && agree 0 "something appended to the last segment"
    with && truncate -s 33333 "$(segment 3)" && agree 0 "a prepared segment of odd size"
    with && mv j/log away && agree 19 "the log moved away" && rm -r away
    run 0 --config c.toml record <later
    cp -a old/. j/
    with && agree 19 "an older copy put over a newer journal"
    run 0 --config c.toml record <<<'{"portfolio_equity":"13"}'
    cp old/log/* j/log/
    with && agree 19 "only the log put back from an older copy"
done

# A cut file is named, with what to do.
: >"j/log/$(newest)"
run 19 --config c.toml status
err_has "$(newest) was cut off: it has 0 bytes"
err_has "put the file back as it was, or repair the journal"
rm -rf j && cp -a old j

# No boot id, no mark that outlives its writer; it is said.
rm j/writer.lock
run 0 --config c.toml status
out_has "Acknowledged         not known"
run 0 --config c.toml status --json
json "$out" 'd["acknowledged_known"] is False'
run 0 --config c.toml record <<<'{"last_prices":{"a:B":"1"}}'
run 0 --config c.toml status --json
json "$out" 'd["acknowledged_known"] is True and d["clock_behind_ns"] == "0"'

# A clock that was once ahead.
if command -v faketime >/dev/null; then
    faketime '2031-05-01 00:00:00' "$TESSER_JOURNAL" --config c.toml record <<<'{"portfolio_equity":"20"}' >"$out"
    run 0 --config c.toml record <<<'{"portfolio_equity":"21"}'
    err_has "behind the newest commit"
    run 0 --config c.toml status
    out_has "behind the newest commit: it was once ahead"
    run 0 --config c.toml status --json
    json "$out" 'int(d["clock_behind_ns"]) > 10**9'
    for date in '1969-12-31' '2106-02-08' '2300-01-01'; do
        faketime "$date 00:00:00" "$TESSER_JOURNAL" --config c.toml record \
            <<<'{"portfolio_equity":"22"}' >"$out" 2>"$err" || fail "record in $date"
    done
    run 0 --config c.toml record <<<'{"portfolio_equity":"23"}'
else
    echo "not tried: a clock that was ahead (no faketime)"
fi

# A damaged page of the ledger stops a writer that has entries to apply to it.
entry() {
    echo '{"ledger":[{"id":"abc00000-0000-4000-8000-00000000000'"$1"'","timestamp":"2025-11-23T12:13:20Z","exchange":"a",
        "asset":"USDT","amount":"1","entry_type":"fee","reference_id":"ledgermark","meta":null}]}' | tr -d '\n'
}
rm -rf j && cp -a old j
run 0 --config c.toml record <<<"$(entry 1)"
printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\nlag_ms = 3600000\n' >lag.toml
mkfifo pipe
"$TESSER_JOURNAL" --config lag.toml record <pipe >answers 2>"$err" &
writer=$!
exec 7>pipe
entry 2 >&7 && echo >&7
until [ -s answers ]; do sleep 0.02; done
kill -KILL $writer
{ wait $writer || true; } 2>/dev/null
exec 7>&-
run 0 --config c.toml status
python3 -c 'with open("j/data.mdb", "r+b") as file:
    page = file.read().rfind(b"ledgermark") // 4096 * 4096
    file.seek(page + 10)
    file.write(b"\0")'
for command in status check record; do
    run 19 --config c.toml $command <<<'{"portfolio_equity":"25"}'
    err_has 'data.mdb is damaged at page '
done
