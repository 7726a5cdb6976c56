# SPDX-License-Identifier: MIT OR Apache-2.0
# What is not a journal of ours, is no longer whole, or stands where none can stand ends in one
# sentence and its exit code, with nothing changed on the disk (P5, P6).
source "$(dirname "$0")/lib.sh"

# Two journals: `closed` has everything in LMDB, `killed` has it in the log only.
run 0 -j closed init
for i in 1 2 3 4 5; do
    run 0 -j closed record <<<'{"portfolio_equity":"'$i'.50","last_prices":{"a:X":"'$i'"}}'
done
printf '[journal]\npath = "killed"\nlag_ms = 3600000\n' >lag.toml
run 0 --config lag.toml init
mkfifo pipe
"$TESSER_JOURNAL" --config lag.toml record <pipe >answers 2>"$err" &
writer=$!
exec 7>pipe
for i in 1 2 3 4 5; do # each has its own flush: those behind it prove that it was durable
    echo '{"portfolio_equity":"'$i'.50","last_prices":{"a:X":"'$i'"}}' >&7
    for _ in $(seq 200); do
        [ "$(wc -l <answers)" -lt $i ] || break
        sleep 0.02
    done
done
kill -KILL $writer
{ wait $writer || true; } 2>/dev/null
exec 7>&-
run 0 -j killed status --json
json "$out" 'd["sequence"] == "5" and d["applied_sequence"] == "0"'

# damaged CODE TEXT COMMANDS...: these commands on the journal `bad` end so and change nothing.
damaged() {
    local code=$1 text=$2 command
    shift 2
    digest bad >before
    for command in "$@"; do
        run "$code" -j bad $command <<<'{"portfolio_equity":"9"}'
        [ "$(wc -l <"$err")" -eq 2 ] || fail "not a sentence and its advice"
        err_has "$text"
        out_is ""
        digest bad | cmp -s - before || fail "$command changed the damaged journal"
        run "$code" -j bad $command --json <<<'{"portfolio_equity":"9"}'
        json "$err" 'd["exit_code"] == "'"$code"'" and "bad" in d["error"] and d["advice"]'
    done
}
copy() {
    rm -rf bad
    cp -a "$1" bad
}
all=("status" "state show" "state export" "record" "init" "init --book b" "book list" "algo list")

# data.mdb
copy closed && : >bad/data.mdb
damaged 19 "$PWD/bad/data.mdb is empty (0 bytes)" "${all[@]}"
copy closed && truncate -s 5000 bad/data.mdb
damaged 19 "$PWD/bad/data.mdb is truncated: 5000 bytes found, 8192 needed" "${all[@]}"
copy closed && truncate -s 20480 bad/data.mdb
damaged 19 "$PWD/bad/data.mdb is truncated: 20480 bytes found" "${all[@]}"
copy closed && (yes "this is text" || true) | head -c 60000 >bad/data.mdb
damaged 19 "$PWD/bad/data.mdb is not an LMDB file" "${all[@]}"
copy closed && rm bad/data.mdb
damaged 19 "$PWD/bad/data.mdb is missing, but the log beside it holds commits" "${all[@]}"

# The log of a journal that was not closed.
flip() { # flip FILE OFFSET
    python3 - "$1" "$2" <<'PY'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 1]))
PY
}
segment=log/0000000001.log
record_at() { # where record N begins
    python3 -c 'import re, sys
data = open(sys.argv[1], "rb").read()
print([m.start() for m in re.finditer(b"TJRC", data)][int(sys.argv[2]) - 1])' killed/$segment "$1"
}
for record in 1 3; do
    for byte in 20 100; do
        at=$(record_at $record)
        copy killed && flip bad/$segment $((at + byte))
        damaged 19 "commit $record is damaged or missing at offset $at of $PWD/bad/$segment" \
            "state export" "record" "status"
    done
done
copy killed && rm bad/$segment
damaged 19 "$PWD/bad/$segment" "state export" "record" "status"
copy killed && flip bad/$segment 8
damaged 19 "$PWD/bad/$segment" "state export" "record" "status"

# What is left of a journal says so, and no new one is made over it.
copy closed && run 0 backup -j bad away
rm -r bad/data.mdb bad/log
damaged 14 "a journal was at $PWD/bad: its data.mdb and its log are gone, and the note of its backups is left" "${all[@]}"
find bad -type f ! -name backups -delete
run 14 -j bad init
err_has 'restore a backup with `tesser-journal restore BACKUP --into NEW`'
run 13 -j bad verify
err_has "\`tesser-journal restore $PWD/away --into NEW\` makes one of its newest backup"
rm -rf away

# Other people's files.
rm -rf bad && mkdir bad && echo hi >bad/notes.txt
damaged 14 "$PWD/bad holds \"notes.txt\", which is no part of a journal" "${all[@]}"
original=${TJ_TESTDATA:-}/0.9.3/small/journal.lmdb/data.mdb
if [ -e "$original" ]; then
    rm -rf bad && mkdir bad && cp "$original" bad/
    damaged 25 "import it with \`tesser-journal import $PWD/bad --into JOURNAL\`" "${all[@]}"
else
    echo "Not tried: Tesser's own data.mdb, TJ_TESTDATA has none."
fi

# Places that cannot hold a journal, or cannot be written.
run 25 -j /proc/journal init
err_has "/proc/journal is on a file system (procfs) that cannot hold a journal"
if unshare -m true 2>/dev/null; then
    mkdir mount
    unshare -m bash -c 'mount --bind closed mount && mount -o remount,ro,bind mount &&
        "$0" -j mount state export >exported && "$0" -j mount status >status || exit 99
        "$0" -j mount record </dev/null' "$TESSER_JOURNAL" >"$out" 2>"$err" && code=0 || code=$?
    [ $code -eq 17 ] || fail "exit code $code on a read-only file system"
    err_has "read-only file system"
    grep -qF '"portfolio_equity":"5.50"' exported || fail "not readable on a read-only file system"
else
    echo "Not tried: a read-only file system, this user may not mount."
fi
