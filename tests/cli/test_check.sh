# SPDX-License-Identifier: MIT OR Apache-2.0
# check: an exit code for each thing that can be wrong, and none for what is well.
source "$(dirname "$0")/lib.sh"

printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\n' >c.toml
run 0 --config c.toml init
saves 0 60 6000 >lines
run 0 --config c.toml record <lines

run 0 --config c.toml check
out_is "well: $PWD/j at commit 60"
run 0 --config c.toml check --min-history 36500d --min-free 1KiB --max-lag 1B # young, and nobody has to catch up
run 0 --config c.toml check --json
json "$out" 'd["well"] is True and d["findings"] == [] and d["sequence"] == "60"'

# One thing is wrong.
run 41 --config c.toml check --writer
out_has "WRITER_DEAD: no process writes to $PWD/j: start the runtime"
run 40 --config c.toml check --min-free 8000000TiB
out_has 'SPACE_LOW: '
run 40 --config c.toml check --writer --min-free 8000000TiB # the more urgent one is the exit code
[ "$(wc -l <"$out")" -eq 2 ] || fail "not two findings"
run 40 --config c.toml check --writer --min-free 8000000TiB --json
json "$out" '[f["name"] for f in d["findings"]] == ["SPACE_LOW", "WRITER_DEAD"] and d["well"] is False'

# A writer that lives; one that is stopped while it is behind.
printf '[journal]\npath = "j"\nsegment_size = "64 KiB"\nlag_ms = 3600000\n' >lag.toml
mkfifo ask
"$TESSER_JOURNAL" --config lag.toml record <ask >answers &
writer=$!
exec 7>ask
cat lines >&7
for _ in $(seq 200); do
    [ "$(wc -l <answers)" -lt 60 ] || break
    sleep 0.05
done
run 0 --config c.toml check --writer
run 42 --config c.toml check --writer --max-lag 1KiB
out_has "LAG: LMDB is "
kill -KILL $writer
{ wait $writer || true; } 2>/dev/null
exec 7>&-
run 0 --config c.toml check --max-lag 1KiB # the next writer has it to do, and nobody is held up
run 41 --config c.toml check --writer --max-lag 1KiB

# A full disk.
if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=8m none mnt 2>/dev/null; then
    printf '[journal]\npath = "mnt/j"\nsegment_size = "64 KiB"\n' >full.toml
    run 0 --config full.toml init
    head -c 16m /dev/zero >mnt/filler 2>/dev/null || true
    run 40 --config full.toml check
    out_has "free space on the disk of $PWD/mnt/j"
    # A writer with larger segments would have a larger reserve, for which there is no room: the smaller one stays.
    reserve=$(stat -c %s mnt/j/reserve)
    run 16 -j mnt/j record <<<'{"portfolio_equity":"1"}'
    err_has "what is left of its reserve ($((reserve >> 10)) KiB) is for critical commits and deletes"
    [ "$reserve" -gt 0 ] && [ "$(stat -c %s mnt/j/reserve)" -eq "$reserve" ] || fail "the reserve is gone"
    rm mnt/filler
    run 0 --config full.toml check
    umount mnt
else
    echo "not tried: a full disk (no mount)"
fi

# A disk that ran full below ext4, which refuses all writes from then on.
disk_fails() {
    mkdir below above
    mount -t tmpfs -o size=24m none below && truncate -s 64m below/disk && mkfs.ext4 -q below/disk &&
        mount -o loop,errors=remount-ro below/disk above || return 1
    "$TESSER_JOURNAL" -j above/j init
    "$TESSER_JOURNAL" -j above/j record <<<'{"portfolio_equity":"7"}'
    sync -f above
    head -c 24m /dev/zero >below/filler 2>/dev/null || true
    head -c 24m /dev/urandom >above/filler 2>/dev/null || true
    sync -f above 2>/dev/null || true
    mkdir above/more above/more/again 2>/dev/null || true
    sync -f above 2>/dev/null || true
    grep -q " $PWD/above .*emergency_ro" /proc/self/mountinfo
}
trap 'code=$?; umount above below 2>/dev/null || true; finish $code' EXIT
if [ "$(id -u)" = 0 ] && disk_fails >disk.log 2>&1; then
    run 17 -j above/j check
    err_has "the disk of $PWD/above/j takes no writes any more, though it is mounted for them"
    run 6 -j above/j doctor --no-flush
    out_has "$PWD/above takes no writes any more after an error"
    run 17 -j above/j record <<<'{"portfolio_equity":"8"}'
    run 0 -j above/j state export
    out_has '"portfolio_equity":"7"'
    run 0 -j above/j status
else
    echo "not tried: a disk that failed (no mount, or a kernel that mounts it read-only then)"
fi
umount above 2>/dev/null || true
umount below 2>/dev/null || true

# What no writer could open ends as the writer would.
cp -a j old
rm j/log/0000000002.log
run 44 --config c.toml check
hole='1 old segment of the log is missing or cut short: the newest state is whole, and history is not; `tesser-journal verify -j '"$PWD/j"'` tells which'
out_has "HISTORY_SHORT: $hole"
run 0 --config c.toml status # as the next writer, which goes on
out_has "$hole"
for size in 20000 0; do
    rm -rf j && cp -a old j
    truncate -s $size j/log/0000000002.log
    run 44 --config c.toml check
    out_has "HISTORY_SHORT: $hole"
    run 0 --config c.toml status
    out_has "$hole"
done
rm -rf j && cp -a old j
# What stops no writer is told, too: a damaged row of an algorithm, or of the ledger.
for row in algo ledger; do
    rm -rf j && cp -a old j
    entry='{"id":"abc00000-0000-4000-8000-000000000001","timestamp":"2025-11-23T12:13:20Z","exchange":"a",
        "asset":"USDT","amount":"1","entry_type":"fee","reference_id":"ledgermark","meta":null}'
    entry=$(tr -d '\n' <<<"$entry")
    algo='{"plugin":"twap","payload":{"mark":"algomark"}}'
    run 0 --config c.toml record <<<"{\"algos\":{\"4f9d2c1e-0a6b-4c8d-9e7f-111111111111\":$algo},\"ledger\":[$entry]}"
    run 0 --config c.toml check
    run 0 --config c.toml status --json
    json "$out" 'd["damaged"] is None'
    python3 -c 'import sys
with open("j/data.mdb", "r+b") as f:
    data = f.read()
    at = data.find(sys.argv[1].encode())
    while at >= 0:
        f.seek(at)
        f.write(b"#")
        at = data.find(sys.argv[1].encode(), at + 1)' "${row}mark"
    run 19 --config c.toml check
    err_has "do not match their checksum"
    run 0 --config c.toml status
    out_has "Damaged "
    run 0 --config c.toml status --json
    json "$out" '"do not match their checksum" in d["damaged"]'
done
# A damaged commit id stops the next writer, and so ends as it does.
rm -rf j && cp -a old j
run 0 --config c.toml record <<<'{"id":"4f9d2c1e-0a6b-4c8d-9e7f-222222222222","portfolio_equity":"1"}'
python3 -c 'import uuid
key = uuid.UUID("4f9d2c1e-0a6b-4c8d-9e7f-222222222222").bytes
with open("j/data.mdb", "r+b") as f:
    data = bytearray(f.read())
    at = data.find(key)
    while at >= 0:
        data[at + len(key) + 16] ^= 1
        at = data.find(key, at + 1)
    f.seek(0)
    f.write(data)'
for command in status check record; do
    run 19 --config c.toml $command <<<'{"portfolio_equity":"2"}'
    err_has "do not match their checksum: commit id 4f9d2c1e-0a6b-4c8d-9e7f-222222222222"
done
rm -rf j && cp -a old j
rm j/data.mdb
run 19 --config c.toml check
rm -rf j
run 13 --config c.toml check

run 2 --config c.toml check --min-free lots
err_has '--min-free is "lots"; expected bytes, or a size such as 64MiB or 2GiB'
run 2 --config c.toml check --min-history 5
err_has '--min-history is "5"; expected a span such as 90s, 30min, 12h or 7d'
for bound in '--max-backup-age 9223372037s' '--max-backup-age 213503982334601d' '--min-history 36501d' \
    '--max-lag 99999999999999999999' '--min-free 8388608TiB'; do # more than it can reckon with
    run 2 --config c.toml check $bound
    err_has ", at most "
done

# A book that is named must be there, for commands about the whole journal, too.
run 0 --config c.toml init
run 0 --config c.toml record <<<'{"portfolio_equity":"1"}'
for command in status check metrics 'book list' 'state show' 'backup kept' prune 'prune -n'; do
    run 13 --config c.toml -b nosuch $command
    err_has 'book "nosuch" is not in this journal (it has: default)'
    out_is ""
    run 0 --config c.toml -b default $command
done
