# SPDX-License-Identifier: MIT OR Apache-2.0
# Each file of a journal is missing, empty, cut by a byte, another's, or has a bit that flipped: status, check, verify
# and the next writer say the same. Nothing is green that the writer refuses, and nothing red that is sound.
# A sample of it; with TJ_LONG=1 each file in each way, and 64 flips each.
source "$(dirname "$0")/lib.sh"

python3 - >lines <<'PY'
import json
for n in range(1, 61):
    entry = {"id": "abc00000-0000-4000-8000-%012d" % n, "timestamp": "2025-11-23T12:13:20Z", "exchange": "a",
             "asset": "USDT", "amount": str(n), "entry_type": "fee", "reference_id": f"l-{n}", "meta": None}
    algo = {"plugin": "twap", "payload": {"n": n}}
    print(json.dumps({"id": "abd00000-0000-4000-8000-%012d" % n, "portfolio_equity": str(n), "ledger": [entry],
                      "strategy_state": {"x": "y" * 6000}, "algos": {"4f9d2c1e-0a6b-4c8d-9e7f-%012d" % (n % 7): algo}}))
PY
printf '[journal]\npath = "closed"\nsegment_size = "64 KiB"\nhistory_size = "192 KiB"\n' >c.toml
run 0 -c c.toml init
head -50 lines >first
run 0 -c c.toml record <first
run 0 -c c.toml prune
tail -10 lines >rest
run 0 -c c.toml record <rest
# The same after a kill: three commits are in the log only.
cp -a closed killed
printf '[journal]\npath = "killed"\nsegment_size = "64 KiB"\nlag_ms = 3600000\n' >lag.toml
mkfifo pipe
"$TESSER_JOURNAL" -c lag.toml record <pipe >answers 2>"$err" &
writer=$!
exec 7>pipe
head -3 rest | sed -e 's/"abd0/"abe0/' -e 's/"abc0/"abf0/' >&7
until [ "$(wc -l <answers)" -ge 3 ]; do sleep 0.02; done
kill -KILL $writer
{ wait $writer || true; } 2>/dev/null
exec 7>&-

cat >agreement.py <<'PY'
import os, random, shutil, subprocess, sys
program, seed, whole = os.environ["TESSER_JOURNAL"], int(sys.argv[1]), os.environ.get("TJ_LONG") == "1"
chance, wrong = random.Random(seed), 0
def cases():
    for base in ("closed", "killed"):
        for directory, _, names in os.walk(base):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name), base)
                for how in ["missing", "empty", "cut", "foreign"] + ["flip"] * 64:
                    yield base, path, how
def harm(path, how):
    """A sentence that says what was done."""
    size = os.path.getsize(path)
    if how == "missing":
        os.unlink(path)
    elif how in ("empty", "cut"):
        os.truncate(path, 0 if how == "empty" else max(size - 1, 0))
    elif how == "foreign":
        with open(path, "wb") as file:
            file.write(b"this is text\n" * 4000)
    elif size > 0:
        with open(path, "r+b") as file:
            used = [at for at, byte in enumerate(file.read(1 << 18)) if byte] or [0]
            at, bit = chance.choice(used), chance.randrange(8)
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << bit]))
        return f"bit {bit} at offset {at}"
    return how
def code(*arguments):
    return subprocess.run([program, "-j", "j", *arguments], input=b'{"portfolio_equity":"99"}\n',
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
todo = list(cases())
for base, path, how in todo if whole else chance.sample(todo, 16):
    shutil.rmtree("j", ignore_errors=True)
    shutil.copytree(base, "j")
    done = harm(os.path.join("j", path), how)
    said = {command: code(command) for command in ("status", "check", "verify", "record")}
    writer = said["record"]
    agree = (said["status"] == writer and said["check"] in ((0, 19, 44) if writer == 0 else (writer,)) and
             (said["verify"] != 0 or writer == said["check"] == 0))
    if not agree:
        wrong += 1
        print(f"{base}/{path}, {done}: {said}")
print(f"seed {seed}: {len(todo) if whole else 16} of {len(todo)} cases, {wrong} violations")
sys.exit(wrong > 0)
PY
python3 agreement.py "${TJ_SEED:-$RANDOM}" >"$out" || fail "not all say the same"
cat "$out"
