# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of `serve` share: a journal with something of everything, and a server that shows it."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = os.environ["TESSER_JOURNAL"]
ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>document.title='owned'</script>"
BIDI = "evil\u202egpj.exe\u200b"


def run(*arguments, expect=0, text=None):
    """Runs the program, which must end with this exit code; gives its standard output."""
    done = subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == expect, (arguments, done.returncode, done.stdout[-500:], done.stderr[-500:])
    return done.stdout if expect == 0 else done.stderr


def where(journal):
    """The options that name a journal: a directory, or a file that configures one on a server."""
    return ["--config" if journal.endswith(".toml") else "-j", journal]


def order(number, **members):
    symbol = f"binance_perp:COIN{number % 40:04}USDT"
    request = {"symbol": symbol, "side": ["Buy", "Sell"][number % 2], "order_type": "Limit",
               "quantity": f"{number % 7 + 1}.500", "price": f"{100 + number}.10", "trigger_price": None,
               "time_in_force": None, "client_order_id": None, "take_profit": None, "stop_loss": None,
               "display_quantity": None}
    return {"id": f"order-{number:05}", "request": {**request, **members}, "status": "Accepted",
            "filled_quantity": "0", "avg_fill_price": None, "created_at": "2025-11-23T12:13:20Z",
            "updated_at": "2025-11-23T12:14:20Z"}


def position(symbol, side, quantity, pnl):
    return {"symbol": symbol, "side": side, "quantity": quantity, "entry_price": "99.50",
            "unrealized_pnl": pnl, "updated_at": "2025-11-23T12:13:20Z"}


def portfolio(peak="10432.1700"):
    return {"reporting_currency": "USDT", "initial_equity": "10000.00", "drawdown_limit": "0.05",
            "peak_equity": peak, "liquidate_only": False}


def lines(orders, commits):
    """The first line has everything, the others move the equity and one order each."""
    names = {f"order-{n:05}": order(n) for n in range(orders)}
    names[HOSTILE] = {**order(1), "id": HOSTILE}
    names[BIDI] = {**order(2), "id": BIDI}
    yield {"portfolio": portfolio(), "portfolio_equity": "10000.00", "orders": names,
           "positions": {s: position(s, side, "1.250", pnl) for s, side, pnl in (
               ("binance_perp:BTCUSDT", "Buy", "-12.5"), ("bybit_linear:BTCUSDT", "Sell", "30.00"))},
           "balances": {"binance_perp:USDT": {"currency": "binance_perp:USDT", "quantity": "10000.000000",
                                              "conversion_rate": "1"}},
           "last_prices": {"binance_perp:BTCUSDT": "64000.10"},
           "algos": {"12345678-9abc-4def-8000-000000000000": {
               "algo_type": "TWAP" + BIDI, "state": {"filled": "0.250", "progress": 0.10, "note": HOSTILE}}},
           "ledger": [{"id": f"abc00000-0000-4000-8000-{n:012}", "sequence": 0,
                       "timestamp": f"2025-11-23T12:{n // 60 % 60:02}:{n % 60:02}Z", "exchange": "binance_perp",
                       "asset": "USDT", "amount": f"{n - 20}.007919", "entry_type": ["fee", "funding"][n % 2],
                       "reference_id": HOSTILE if n == 3 else f"t-{n}", "meta": None} for n in range(60)]}
    for n in range(1, commits):
        equity = 10000 + 40 * n - (900 if commits // 2 < n < commits // 2 + commits // 5 else 0)
        yield {"portfolio_equity": f"{equity}.25", "orders": {f"order-{n % orders:05}": order(n % orders,
                                                                                             price=f"{n}.75")}}


def text_of(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def make_journal(path, orders=50, commits=30):
    run(*where(path), "init")
    run(*where(path), "record", text=text_of(lines(orders, commits)))


def back_up_ahead(journal):
    """A backup under a clock that is ahead; whether there is such a clock."""
    if not shutil.which("faketime"):
        print("not tried: a backup under a clock that was ahead (no faketime)")
        return False
    subprocess.run(["faketime", "2031-05-01 00:00:00", PROGRAM, "-j", journal, "backup", "ahead"], check=True,
                   capture_output=True)
    return True


def make_slow_journal(path, orders, commits, *before):
    """The same, one commit after the other: their times differ. `before` stands before the writer's command."""
    run("-j", path, "init")
    writer = Writer(path, *before)
    for record in lines(orders, commits):
        writer.write(record)
    writer.end()


class Served:
    """A server that ends with the block, in order."""

    def __init__(self, journal, *options, listen="127.0.0.1:0"):
        self.child = subprocess.Popen([PROGRAM, "serve", *where(journal), "--listen", listen, "--json", *options],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        assert line, self.child.communicate()[1]
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def get(self, path, headers=None, method="GET", body=None):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, content

    def json(self, path, expect=200):
        status, _, body = self.get(path)
        assert status == expect, (path, status, body[:500])
        return json.loads(body)

    def stop(self, number=signal.SIGTERM):
        self.child.send_signal(number)
        said = self.child.communicate(timeout=60)[1]
        return self.child.returncode, said

    def __exit__(self, kind, *_):
        if self.child.poll() is None:
            code, said = self.stop()
            assert kind or (code, said) == (0, ""), (code, said)


class Writer:
    """A living writer, which takes lines."""

    def __init__(self, journal, *before):
        self.child = subprocess.Popen([*before, PROGRAM, *where(journal), "record"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def write(self, record):
        self.child.stdin.write(json.dumps(record) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def end(self):
        self.child.stdin.close()
        assert self.child.wait(timeout=60) == 0


def until(what, seconds=60):
    """Waits for something to be true, and gives it."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"waited for in vain: {what}"
        time.sleep(0.02)


def main(*tests):
    """Runs each test in a directory of its own, which is kept when it fails."""
    work = tempfile.mkdtemp(prefix="tj-serve-")
    os.chdir(work)
    for test in tests:
        started = time.monotonic()
        os.mkdir(test.__name__)
        os.chdir(test.__name__)
        try:
            test()
        except BaseException:
            print(f"FAILED: {test.__name__}; kept: {work}", file=sys.stderr)
            raise
        os.chdir(work)
        print(f"{test.__name__}: passed after {time.monotonic() - started:.1f} s")
    os.chdir("/")
    shutil.rmtree(work)
