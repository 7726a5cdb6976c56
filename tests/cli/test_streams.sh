# SPDX-License-Identifier: MIT OR Apache-2.0
# Standard streams as shells, supervisors and event loops leave them behind.
source "$(dirname "$0")/lib.sh"

run 0 -j j init

# A descriptor that does not block, because another program has set it so, is waited for.
cat >patient.py <<'PY'
"""Both ends of record do not block, lines come in pieces and late, answers are read late."""
import fcntl, json, os, subprocess, sys, time
def calm(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
    return fd
ask_out, ask_in = os.pipe()
tell_out, tell_in = os.pipe()
for fd in (tell_in, tell_out):
    fcntl.fcntl(fd, 1031, 4096)  # F_SETPIPE_SZ: soon full
child = subprocess.Popen([sys.argv[1], "-j", "j", "record", "--keep-going"], stdin=calm(ask_out),
                         stdout=calm(tell_in), stderr=subprocess.PIPE)
os.close(ask_out)
os.close(tell_in)
fcntl.fcntl(tell_out, fcntl.F_SETFL, 0)
for piece in (b'{"portfolio', b'_equity":"1"}\n', b'{"last_prices":{"a:X":"1"}}', b"\n"):
    os.write(ask_in, piece)
    time.sleep(0.02)
os.write(ask_in, b"nonsense\n" * 500)  # more answers than the pipe holds
time.sleep(0.05)
os.close(ask_in)
answers = []
with os.fdopen(tell_out) as file:
    for line in file:
        answers.append(json.loads(line))
assert child.wait() == 26, child.stderr.read()
assert len(answers) == 502, len(answers)
assert [a.get("seq") for a in answers[:3]] == [1, 2, None], answers[:3]
PY
python3 patient.py "$TESSER_JOURNAL" || fail "a descriptor that does not block"

# The same for what is read and written at once.
python3 - "$TESSER_JOURNAL" <<'PY' || fail "a long answer through a pipe that does not block"
import fcntl, json, os, subprocess, sys, time
line = json.dumps({"last_prices": {f"a:X{i}": "1.5" for i in range(20000)}})
subprocess.run([sys.argv[1], "-j", "j", "record"], input=line, text=True, check=True,
               stdout=subprocess.DEVNULL)
out, end = os.pipe()
fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen([sys.argv[1], "-j", "j", "state", "export"], stdout=end)
os.close(end)
time.sleep(0.05)
with os.fdopen(out) as file:
    assert len(json.load(file)["last_prices"]) == 20001
assert child.wait() == 0
PY

# A limit on the size of files is an error with a sentence, not a signal.
run 0 -j j state export
(
    ulimit -f 8
    "$TESSER_JOURNAL" -j j state export -o small.json 2>"$err" && exit 1
    [ $? -eq 18 ] && [ ! -e small.json ]
) || fail "RLIMIT_FSIZE ends an export with $?"
err_has "File too large: writing small.json"
code=0
(
    ulimit -f 8
    exec "$TESSER_JOURNAL" -j limited init 2>"$err"
) || code=$?
[ $code -lt 128 ] && [ $code -gt 0 ] || fail "RLIMIT_FSIZE ends init with $code"
[ -s "$err" ] || fail "RLIMIT_FSIZE ends init without a sentence"
run 0 -j limited init

# A limit on the size of files is told with what raises it, whatever was to be written.
run 0 -j large init
python3 -c 'print("{\"strategy_state\":\"" + "x" * 300000 + "\"}")' | "$TESSER_JOURNAL" -j large record >"$out"
for command in 'state export --output state.json' 'state export' 'export exported' 'backup backup' 'compact' \
    'restore large --into restored' 'copy large copied'; do
    code=0
    (ulimit -f 100 && exec "$TESSER_JOURNAL" -j large $command >standard 2>"$err") || code=$?
    [ $code -eq 18 ] || fail "$command ended with $code"
    err_has 'this process may make no file of more than 100 KiB: raise its limit (ulimit -f, LimitFSIZE=)'
done
[ ! -e state.json ] && [ ! -e exported ] && [ ! -e restored ] || fail "half a file is left"
