# SPDX-License-Identifier: MIT OR Apache-2.0
# record --socket: each client has its own answers, in order, and nobody holds up another. TJ_LONG=1 kills the
# recorder 200 times.
source "$(dirname "$0")/lib.sh"

recorder=
start() { # start OPTIONS...: ready when it says so, and not when the one before it did
    : >said
    "$TESSER_JOURNAL" -j j record --socket s "$@" >said 2>"$err" &
    recorder=$!
    for _ in $(seq 500); do
        grep -q 'recording from s' said && return
        kill -0 $recorder 2>/dev/null || break
        sleep 0.02
    done
    fail "it does not listen"
}
stop() {
    kill -TERM $recorder
    wait $recorder || fail "exit code $?"
    [ ! -e s ] || fail "the socket is still there"
}
clients() {
    python3 - "$@" <<'PY' || fail "clients: $1"
import json, os, select, socket, sys, threading, time

def dial():
    s = socket.socket(socket.AF_UNIX)
    s.connect("s")  # with a timeout it would not wait while many knock at once
    s.settimeout(30)
    return s, s.makefile("r")

def price(name, value):
    return ('{"last_prices":{"%s":"%s"}}\n' % (name, value)).encode()

def one_by_one():
    """Each waits for its answer before it sends the next line."""
    def work(number):
        s, answers = dial()
        for i in range(1, 21):
            s.sendall(price(f"C{number}", i))
            seqs[number].append(json.loads(answers.readline())["seq"])
    seqs = [[] for _ in range(16)]
    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert all(one == sorted(one) for one in seqs)
    assert sorted(sum(seqs, [])) == list(range(1, 321))

def failures_in_their_places():
    s, answers = dial()
    lines = [price("P", i) for i in range(1, 301)]
    lines[6] = b"nonsense\n"
    lines[149] = b"\n"
    lines[289] = b'{"book":"nowhere","portfolio_equity":"1"}\n'
    s.sendall(b"".join(lines)[:-1])  # the last one needs no newline
    s.shutdown(socket.SHUT_WR)
    got = [json.loads(line) for line in answers]
    assert len(got) == 299
    assert [(i, a["line"]) for i, a in enumerate(got, 1) if "error" in a] == [(7, 7), (289, 290)]
    seqs = [a["seq"] for a in got if "seq" in a]
    assert seqs == list(range(seqs[0], seqs[0] + 297))

def lines_left_in_the_socket():
    """A line that was taken may stay there a while: nobody who has little room is stopped by that, and no one
    who leaves is told that the connection was reset."""
    s, answers = dial()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    for i in range(300):
        assert select.select([], [s], [], 30)[1], "it may never send again"
        s.sendall(b'{"strategy_state":{"x":"%s"}}\n' % (b"x" * (i % 50 * 20)))
        assert "seq" in answers.readline()
    for byte in price("S", 1):
        s.sendall(bytes([byte]))
    assert "seq" in answers.readline()
    s.sendall(price("S", 2))
    assert "seq" in answers.readline()
    s.shutdown(socket.SHUT_WR)
    assert answers.readline() == ""

def who_does_not_read():
    """Holds nobody up, and is read no further; later it gets every answer."""
    slow, slow_answers = dial()
    count, sent = 8000, 0
    lines = (b"x" * 200 + b"\n") * count  # the answers are long, too
    slow.setblocking(False)
    other, answers = dial()
    for i in range(100):
        try:
            sent += slow.send(lines[sent:])
        except BlockingIOError:
            pass
        other.sendall(price("O", i))
        assert "seq" in answers.readline()
    assert sent < len(lines), "everything was taken from who reads nothing"
    slow.settimeout(30)
    threading.Thread(target=lambda: slow.sendall(lines[sent:]), daemon=True).start()
    assert [json.loads(slow_answers.readline())["line"] for _ in range(count)] == list(range(1, count + 1))

def too_long():
    s, answers = dial()
    threading.Thread(target=send_all, args=(s, b"x" * (2 << 20)), daemon=True).start()
    assert json.loads(answers.readline())["error"] == "the line is longer than 1 MiB"
    try:
        assert answers.readline() == ""
    except ConnectionResetError:
        pass

def send_all(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass

def many():
    """More than are let in at once: they wait until others leave."""
    crowd = [dial() for _ in range(300)]
    for number, (s, _) in enumerate(crowd):
        s.sendall(price("M", number))
    served = 0
    for s, answers in crowd[:256]:
        served += "seq" in answers.readline()
        answers.close()
        s.close()
    for s, answers in crowd[256:]:
        served += "seq" in answers.readline()
    assert served == 300

def too_few_files():
    """Who cannot be let in waits until others leave."""
    crowd = [dial()[0] for _ in range(40)]
    for number, s in enumerate(crowd):
        s.sendall(price("F", number))
    while crowd:
        ready = select.select(crowd, [], [], 30)[0]
        assert ready, f"{len(crowd)} are not let in"
        for s in ready:
            assert b"seq" in s.recv(100)
            s.close()
        crowd = [s for s in crowd if s not in ready]

def some_leave():
    for _ in range(50):
        s, _ = dial()
        s.sendall(price("L", 1) * 20)
        s.close()
    s, answers = dial()
    s.sendall(price("L", 2))
    assert "seq" in answers.readline()

def another_user(allowed, group):
    os.setgroups([int(group)] if group else [])
    os.setgid(65534)
    os.setuid(65534)
    s, answers = dial()
    send_all(s, price("U", 1))
    answer = json.loads(answers.readline())
    assert ("seq" in answer) == (allowed == "allowed"), answer
    assert "seq" in answer or "user 65534 may not record here" in answer["error"], answer

def at_the_end(recorder):
    """SIGTERM: what was taken is answered, the rest is not, and the connection ends."""
    s, answers = dial()
    s.sendall(price("E", 0))
    assert "seq" in answers.readline()
    threading.Thread(target=send_all, args=(s, b"".join(price("E", i) for i in range(1, 20001))), daemon=True).start()
    got = [json.loads(answers.readline())["seq"] for _ in range(10)]
    os.kill(int(recorder), 15)
    try:
        got += [json.loads(line)["seq"] for line in answers]
    except ConnectionResetError:
        pass
    assert got == list(range(got[0], got[0] + len(got)))

def many_at_the_end(recorder):
    """SIGTERM while a hundred have not read: each that reads now gets every answer, whoever comes before it."""
    crowd = [dial()[0] for _ in range(100)]
    unsent = [b"".join(price(f"G{n}", i + 1) if i % 8 == 0 else b"x" * 200 + b"\n" for i in range(8000))
              for n in range(len(crowd))]
    idle = 0
    while idle < 10:
        idle += 1
        for n, s in enumerate(crowd):
            try:
                s.setblocking(False)
                sent = s.send(unsent[n])
                unsent[n], idle = unsent[n][sent:], 0
            except BlockingIOError:
                pass
        time.sleep(0.01)
    os.kill(int(recorder), 15)
    began, answered = time.monotonic(), 0
    for s in crowd:
        time.sleep(0.002)
        s.settimeout(30)
        data = [b""]
        try:
            while chunk := s.recv(1 << 20):
                data.append(chunk)
        except ConnectionResetError:
            pass
        answered += b"".join(data).count(b'{"seq":')
    print(answered if time.monotonic() - began < 1.5 else "slow")

def store_closes():
    """Its directory is taken away: whoever asks then is told, and the connections of all end."""
    crowd = [dial() for _ in range(4)]
    crowd[0][0].sendall(price("T", 0))
    assert "seq" in crowd[0][1].readline()
    os.rename("j", "away")
    os.mkdir("j")
    answer, tries = {}, 0
    while "error" not in answer:
        tries += 1
        assert tries < 3000, "it is never noticed"
        crowd[0][0].sendall(price("T", tries))
        answer = json.loads(crowd[0][1].readline())
        time.sleep(0.02)
    assert "removed or replaced" in answer["error"], answer
    assert [answers.readline() for _, answers in crowd] == [""] * 4

def until_killed():
    s, answers = dial()
    threading.Thread(target=send_all, args=(s, b"".join(price("K", i) for i in range(1, 20001))), daemon=True).start()
    last = 0
    try:
        for line in answers:
            if line.endswith("\n"):
                last = json.loads(line)["seq"]
                open("begun", "w").close()
    except ConnectionResetError:
        pass
    print(last)

globals()[sys.argv[1]](*sys.argv[2:])
PY
}

run 0 -j j init
start
clients one_by_one
for what in failures_in_their_places lines_left_in_the_socket who_does_not_read too_long; do
    clients $what
done
[ ! -s "$err" ] || fail 'nothing is to be told yet'
for what in many many some_leave; do
    clients $what
done
[ "$(grep -c '256 clients are connected to s, which is all there may be' "$err")" = 1 ] || fail "who waits is told of once"
clients at_the_end $recorder
wait $recorder || fail "exit code $?"
[ ! -e s ] || fail "the socket is still there"
run 0 -j crowd init
start -j crowd
clients many_at_the_end $recorder >answered
wait $recorder || fail "exit code $?"
if [ "$(cat answered)" = slow ]; then
    echo "not run: a hundred at the end (the machine is too slow)"
else
    run 0 -j crowd status --json
    json "$out" "int(d['sequence']) == $(cat answered)"
fi

files=$(ulimit -Sn)
ulimit -Sn 40
start
ulimit -Sn "$files"
clients too_few_files
[ "$(grep -c 'clients of s cannot be let in now, and wait: Too many open files' "$err")" = 1 ] || fail "who waits is told of once"
stop

# What stands where the socket should be.
echo precious >s
run 14 -j j record --socket s
[ "$(cat s)" = precious ] || fail "a file was replaced"
err_has 's is there and is no socket'
run 2 -j j record --socket 's '
err_has '--socket: the path "s " begins or ends with a blank'
rm s
start
run 0 -j other init
run 15 -j other record --socket s
err_has 'another program listens at s'
kill -KILL $recorder
{ wait $recorder || true; } 2>/dev/null
[ -S s ] || fail "a killed recorder leaves its socket"
start
clients some_leave
stop
run 2 -j j record --socket "$(printf '%0200d' 0)"
run 2 -j j record --socket s --socket-group 'no such group'
run 2 -j j record --socket-group root

# Who may connect.
start
[ "$(stat -c %a s)" = 600 ] || fail "mode $(stat -c %a s)"
if [ "$(id -u)" = 0 ]; then
    chmod 755 .
    chmod 666 s # who can reach the socket is still asked who they are
    clients another_user refused ''
    stop
    group=$(getent group games | cut -d: -f3)
    start --socket-group games
    [ "$(stat -c '%a %g' s)" = "660 $group" ] || fail "group"
    clients another_user allowed "$group"
    chmod 666 s
    clients another_user refused ''
else
    echo "not run: other users (needs root)"
fi
stop

# A store that takes nothing more ends it.
start
clients store_closes
code=0
wait $recorder || code=$?
[ $code -eq 23 ] || fail "exit code $code"
err_has 'removed or replaced while it was open'
rmdir j
mv away j

# Killed at any moment: what was answered is there.
rounds=$([ -n "${TJ_LONG:-}" ] && echo 200 || echo 3)
for round in $(seq "$rounds"); do
    rm -rf j begun
    run 0 -j j init
    start
    clients until_killed >answered &
    client=$!
    until [ -e begun ]; do kill -0 $client || fail "round $round: no answer"; sleep 0.01; done
    sleep "0.0$((RANDOM % 90 + 10))"
    kill -KILL $recorder
    { wait $recorder || true; } 2>/dev/null
    wait $client || fail "round $round"
    run 0 -j j status --json
    json "$out" "int(d['sequence']) >= $(cat answered)"
done
echo "$rounds kills, the last after $(cat answered) answers"
