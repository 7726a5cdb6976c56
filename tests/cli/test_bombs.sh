# SPDX-License-Identifier: MIT OR Apache-2.0
# A line of nothing but short values takes a small multiple of its size in memory, whatever it is made of.
source "$(dirname "$0")/lib.sh"
! grep -q __asan_init "$TESSER_JOURNAL" || skip "memory is not measured under AddressSanitizer"

run 0 -j j init
cat >bombs.py <<'PY'
"""Writes the bombs as files NUMBER.EXPECTED.COMMAND; whoever runs them must be a small process."""
SIZE = 4 << 20


def filled(before, piece, after):
    text = before + ",".join([piece] * (SIZE // (len(piece) + 1))) + after
    return text.encode()


def keyed(before, value, after):
    count = SIZE // (len(value) + 10)
    return (before + ",".join(f'"{i:x}":{value}' for i in range(count)) + after).encode()


id = "11111111-2222-4333-8444-555555555555"
lines = {
    "orders of numbers": (filled('{"state":{"open_orders":[', "0", "]}}"), 21),
    "orders of nulls": (filled('{"state":{"open_orders":[', "null", "]}}"), 21),
    "empty orders": (filled('{"state":{"open_orders":[', "{}", "]}}"), 21),
    "orders with one member": (filled('{"state":{"open_orders":[', '{"a":"12345678"}', "]}}"), 26),
    "orders of text": (filled('{"state":{"open_orders":[', '"0123456"', "]}}"), 26),
    "orders in a map": (keyed('{"orders":{', "{}", "}}"), 26),
    "prices": (keyed('{"last_prices":{', "[]", "}}"), 26),
    "positions": (keyed('{"positions":{', "{}", "}}"), 26),
    "positions of a state": (keyed('{"state":{"portfolio":{"positions":{', "{}", "}}}}"), 26),
    "one key again and again": (filled('{"last_prices":{', '"":0', "}}"), 21),
    "ledger": (filled('{"ledger":[', "[]", "]}"), 21),
    "execution ids": (filled('{"execution_checkpoint":{"exec_ids":[', '""', "]}}"), 21),
    "unknown members": (filled('{"extra":{', '"a":0', "}}"), 21),
    "the line's own members": (filled("{", '"a":0', "}"), 21),
    "depth": (b"[" * SIZE, 21),
    "escapes": (b'{"extra":{"a":"' + b"\\u0041" * (SIZE // 6) + b'"}}', 0),
    "a strategy's state": (filled('{"strategy_state":[', "0", "]}"), 0),
    "a payload": (filled('{"algos":{"%s":{"plugin":"T","payload":[' % id, "0", "]}}}"), 0),
    "an unknown member": (filled('{"extra":{"a":[', "0", "]}}"), 0),
}
for number, (name, (line, expected)) in enumerate(lines.items()):
    with open(f"{number}.{expected}.record", "wb") as file:
        file.write(line)
    if line.startswith(b'{"state":'):
        with open(f"{number}.{expected}.import", "wb") as file:
            file.write(line[len(b'{"state":'):-1])
PY
cat >measure.py <<'PY'
"""measure.py PROGRAM: runs each bomb, checks exit code and peak memory."""
import glob, os, subprocess, sys
TIMES = 20
BASE = 16 << 20  # the program itself, and the pages of LMDB that it reads
failed = False
for path in sorted(glob.glob("*.record") + glob.glob("*.import")):
    _, expected, command = path.split(".")
    arguments = ["record"] if command == "record" else ["state", "import", "-"]
    with open(path) as source:
        child = subprocess.Popen([sys.argv[1], "-j", "j"] + arguments, stdin=source,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
    code, peak, size = os.waitstatus_to_exitcode(status), usage.ru_maxrss << 10, os.path.getsize(path)
    print(f"{path}: exit {code}, {peak / size:.1f} times")
    if code != int(expected) or peak > BASE + TIMES * size:
        failed = True
        print(f"WRONG: {peak >> 20} MiB, {said[:200]}")
sys.exit(failed)
PY
python3 bombs.py
python3 measure.py "$TESSER_JOURNAL" >"$out" || fail "bombs"
