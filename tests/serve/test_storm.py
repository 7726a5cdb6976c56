# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients that mean no good: requests of every shape, a thousand connections that never ask. The page stays,
nothing is changed, and a writer is not held up. TJ_LONG=1: 100,000 requests, and a saver's times beside them."""
import os
import random
import re
import resource
import socket
import statistics
import threading
import time

from served import Served, Writer, main, make_journal, until

LONG = bool(os.environ.get("TJ_LONG"))
REQUESTS = 100000 if LONG else 1000
HALF_OPEN = 1000
THREADS = 4
TURNS, SAVES = 15, 600
PATHS = ("/", "/page.js", "/healthz", "/metrics", "/api/state", "/api/orders", "/api/positions", "/api/history",
         "/api/diff", "/api/equity", "/api/ledger", "/api/algos", "/api/events", "/api/status", "/nothing")
NAMES = ("at", "where", "sort", "limit", "from", "to", "book", "columns", "desc", "key", "kind", "output", "j", "")
VALUES = ("1", "2", "0", "-1", "999999999999999999999", "symbol=BTCUSDT", "%00", "%ff%fe", "../../etc", "<script>",
          "2025-01-01T00:00:00Z", "price>100", "A" * 300, "%", "%zz", "", "default", "order")


def request_line(random_):
    query = "&".join(f"{random_.choice(NAMES)}={random_.choice(VALUES)}" for _ in range(random_.randrange(4)))
    method = random_.choice(("GET",) * 8 + ("HEAD", "POST", "BREW", ""))
    return f"{method} {random_.choice(PATHS)}{'?' if query else ''}{query} HTTP/1.1\r\n"


def bytes_of(random_):
    """A request: well formed, cut, garbled, or nothing of the kind."""
    shape = random_.randrange(12)
    text = request_line(random_) + "Host: localhost\r\n"
    if shape == 0:
        return random_.randbytes(random_.randrange(1, 400))
    if shape == 1:
        return text.encode()[:random_.randrange(1, len(text))]
    if shape == 2:
        text += "".join(f"X-{n}: {'y' * random_.randrange(200)}\r\n" for n in range(random_.randrange(150)))
    if shape == 3:
        text += f"Content-Length: {random_.choice(('-1', '5', '99999999999999999999', 'x'))}\r\n"
    if shape == 4:
        text += "Transfer-Encoding: chunked\r\n"
    data = bytearray((text + "\r\n").encode())
    if shape == 5:
        for _ in range(random_.randrange(1, 6)):
            data[random_.randrange(len(data))] = random_.randrange(256)
    return bytes(data)


def storm(port, seed, count, ended):
    """Sends requests, and reads what comes of some of them."""
    random_ = random.Random(seed)
    for _ in range(count):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(bytes_of(random_))
                if random_.randrange(4):
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(0.05)  # one that is cut has no answer
                    client.recv(random_.choice((1, 100, 65536)))
        except OSError:
            pass
    ended.append(count)


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    return min(hard, 4096) > HALF_OPEN + 200


def half_open(port):
    """Connections that begin a request and never end it."""
    clients = []
    for n in range(HALF_OPEN):
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
        client.sendall((b"", b"GET /api/sta", b"GET / HTTP/1.1\r\nHost: loc")[n % 3])
        clients.append(client)
    return clients


def threads_of(served):
    text = open(f"/proc/{served.child.pid}/status", encoding="ascii").read()
    return int(re.search(r"Threads:\s+(\d+)", text)[1]), int(re.search(r"VmHWM:\s+(\d+)", text)[1])


def test_storm():
    seed = int(os.environ.get("TJ_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}, {REQUESTS} requests, {HALF_OPEN} half-open connections (TJ_SEED, TJ_LONG)")
    make_journal("j", orders=200, commits=20)
    with Served("j") as served:
        clients = half_open(served.port) if raise_limit() else []
        asked = time.monotonic()
        assert served.json("/healthz")["well"]
        beside = time.monotonic() - asked
        ended = []
        threads = [threading.Thread(target=storm, args=(served.port, seed + n, REQUESTS // THREADS, ended))
                   for n in range(THREADS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            until(lambda: served.get("/page.css")[0] == 200)
            time.sleep(0.05)
        for client in clients:
            client.close()
        assert sum(ended) == REQUESTS // THREADS * THREADS
        assert served.child.poll() is None, "the server is gone"
        assert until(lambda: served.get("/healthz")[0] == 200)
        table = served.json("/api/orders")
        assert table["total"] == 202 and len(table["rows"]) == 202
        count, peak = threads_of(served)
        print(f"beside {len(clients)} half-open connections /healthz took {beside * 1000:.0f} ms; "
              f"{count} threads, at most {peak // 1024} MiB")
        assert count < 10 and peak < 512 * 1024, (count, peak)


def save_times(writer, count, first):
    """Of saves one after the other, in ms."""
    times = []
    for n in range(count):
        started = time.monotonic()
        writer.write({"portfolio_equity": f"{first + n}"})
        times.append((time.monotonic() - started) * 1000)
    return times


def p99(times):
    return statistics.quantiles(times, n=100)[98]


def test_saver_beside():
    """Rounds alone and beside the storm, in turn; what is compared are the middle ones."""
    make_journal("j", orders=200, commits=20)
    writer = Writer("j")
    alone, beside = [], []
    with Served("j") as served:
        save_times(writer, 200, 1)
        for turn in range(TURNS):
            alone.append(p99(save_times(writer, SAVES, 1000 * turn)))
            child = os.fork()  # a process of its own: threads of this one would hold up the saver
            if child == 0:
                storm(served.port, turn, 10 ** 9, [])
                os._exit(0)
            time.sleep(0.2)  # until it blows
            beside.append(p99(save_times(writer, SAVES, 1000 * turn)))
            os.kill(child, 9)
            os.waitpid(child, 0)
    writer.end()
    factor = statistics.median(beside) / statistics.median(alone)
    print(f"a saver's p99: alone {statistics.median(alone):.2f} ms, beside the storm "
          f"{statistics.median(beside):.2f} ms: {factor:.2f} times")


if __name__ == "__main__":
    main(test_storm, *([test_saver_beside] if LONG else []))
