# SPDX-License-Identifier: MIT OR Apache-2.0
# doctor and compact: what is said, the exit codes, and that each command that is named helps.
source "$(dirname "$0")/lib.sh"

run 13 -j nowhere doctor
err_has 'there is no journal at'
run 0 init -j j
"$TESSER_JOURNAL" -j j record <<<'{"last_prices":{"a:B":"1"}}' >/dev/null
code=0
"$TESSER_JOURNAL" -j j doctor --json >"$out" 2>"$err" || code=$?
# Where the tests run, a warning may be due: of a small disk, of one that is memory.
[ "$code" -eq 0 ] || [ "$code" -eq 5 ] || fail "exit code $code"
json "$out" 'd["health"] in ("ok", "unknown", "warning")'
json "$out" '{c["name"] for c in d["checks"]} >= {"journal", "writer", "readers", "clock", "history", "data.mdb", "backup", "file system", "mount", "flush", "space", "inodes", "permissions", "leftovers", "limits", "versions"}'
json "$out" 'all(c["command"] is not None for c in d["checks"] if c["health"] in ("warning", "wrong"))'

# A warning ends with 5, and its command mends it.
chmod o+w j/data.mdb
run 5 -j j doctor --no-flush
out_has 'warning  permissions: everybody may write to'
mend=$(sed -n 's/^ *-> \(chmod .*\)/\1/p' "$out")
bash -c "$mend"
"$TESSER_JOURNAL" -j j doctor --no-flush >"$out" 2>"$err" || true
out_has 'ok       permissions: all files belong to user'

# Something wrong ends with 6, on a journal that cannot be opened.
mv j/data.mdb kept
run 6 -j j doctor
out_has 'wrong    journal: '
mend=$(sed -n 's/^ *-> tesser-journal \(verify .*\)/\1/p' "$out" | head -1)
# shellcheck disable=SC2086
run 19 $mend
mv kept j/data.mdb

# A log whose newest commit is of tomorrow.
if command -v faketime >/dev/null; then
    echo '{"last_candle_ts":"2025-01-01T00:00:00Z"}' >state.json
    faketime -f +1d "$TESSER_JOURNAL" -j j state import state.json >"$out" 2>"$err" ||
        fail "a commit of tomorrow"
    run 5 -j j doctor --no-flush
    out_has 'warning  clock: it is 86'
    out_has '-> timedatectl status'
else
    echo "Skipped in part: faketime is not installed."
fi

# Compacting: what it says before is what it is afterwards.
python3 - >many.json <<'PY'
import json
print(json.dumps({"00000000-0000-4000-8000-%012d" % i: {"algo_type": "T", "state": "x" * 4000}
                  for i in range(300)}))
PY
run 0 import many.json --into c
echo '{"00000000-0000-4000-8000-000000000000":{"algo_type":"T","state":1}}' >one.json
run 0 import one.json --into c --replace
run 0 -j c compact --dry-run --json
json "$out" 'd["dry_run"] and not d["written"] and int(d["bytes_after"]) < int(d["bytes_before"])'
cp "$out" dry
run 0 -j c compact --json
python3 - dry "$out" "$(stat -c %s c/data.mdb)" <<'PY' || fail "the dry run told something else"
import json, sys
dry, real = (json.load(open(path)) for path in sys.argv[1:3])
sys.exit(not real["written"] or real["bytes_after"] != dry["bytes_after"] or
         real["bytes_after"] != int(sys.argv[3]))
PY
run 0 -j c compact
out_has 'there is nothing to gain'
run 0 -j c verify --deep
run 0 -j c algo list --json
json "$out" 'len(d["algos"]) == 1'
mkfifo hold
"$TESSER_JOURNAL" -j c record <hold >/dev/null 2>&1 &
writer=$!
exec 3>hold
for _ in $(seq 100); do
    "$TESSER_JOURNAL" -j c status --json >"$out" 2>/dev/null && grep -q "\"pid\":\"*$writer" "$out" && break
    sleep 0.05
done
run 15 -j c compact
err_has "$writer"
run 0 -j c compact --dry-run
"$TESSER_JOURNAL" -j c doctor --no-flush >"$out" 2>"$err" || true
out_has "writer: process $writer writes to it"
exec 3>&-
wait "$writer"

# What it says of a mount can be done, also where its name has a blank.
follow_advice() {
    set -euo pipefail
    mkdir "my disk"
    mount -t tmpfs -o sync none "my disk"
    "$TESSER_JOURNAL" -j "my disk/j" init
    "$TESSER_JOURNAL" -j "my disk/j" doctor --no-flush >told || true
    grep -q "mount: $PWD/my disk is mounted with sync" told
    eval "$(sed -n 's/^ *-> \(mount .*\)/\1/p' told)"
    "$TESSER_JOURNAL" -j "my disk/j" doctor --no-flush >told || true
    grep "mount: " told | grep -q "^ok"
}
export -f follow_advice
if unshare --mount true 2>/dev/null; then
    unshare --mount bash -c follow_advice >/dev/null 2>&1 || fail "of the mount it says: $(cat told)"
else
    echo "Skipped: a mount with a blank in its name, for which root is needed"
fi
