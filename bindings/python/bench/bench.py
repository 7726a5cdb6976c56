#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package beside the C library, Python's sqlite3 and py-lmdb, in one run on one disk.

Usage: bench.py [LIBRARY], the path of libtesser-journal.so. What is compared takes turns, commit by
commit, so that all meet the same moods of the disk. Medians, in microseconds.
"""

import asyncio
import ctypes
import dataclasses
import sqlite3
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import lmdb

import tesser_journal
from tesser_journal import LiveState, Order, OrderRequest, Time

ROUNDS = 300
IN_FLIGHT = 64
IN_FLIGHT_ROUNDS = 15
LIBRARY = Path(__file__).resolve().parents[3] / "build" / "release" / "libtesser-journal.so"


class Library:
    """The C library by ctypes: a price a commit, as the others."""

    def __init__(self, file, path):
        self.c = ctypes.CDLL(str(file))
        self.config = (ctypes.c_char * 4096)()
        self.store = ctypes.c_void_p()
        toml = path.with_suffix(".toml")
        toml.write_text(f'[journal]\npath = "{path}"\n')
        ctypes.c_size_t.from_buffer(self.config).value = 192
        self.error = ctypes.create_string_buffer(2048)
        self.size = self.find_size(toml)
        self.check(self.c.tj_store_open(self.config, ctypes.byref(self.store), self.error))

    def find_size(self, toml):
        """tj_config's size, which its first member holds: the library refuses a longer one."""
        for size in range(4096, 0, -8):
            ctypes.memset(self.config, 0, 4096)
            ctypes.c_size_t.from_buffer(self.config).value = size
            if self.c.tj_config_load(str(toml).encode(), self.config, self.error) == 0:
                return size
        raise SystemExit("tj_config_load refuses every size")

    def check(self, status):
        if status != 0:
            raise SystemExit(self.error.raw[268:].split(b"\0")[0].decode())

    def commit(self, number):
        txn = ctypes.c_void_p()
        line = b'{"last_prices":{"X":"%d.50"}}' % number

        class Text(ctypes.Structure):
            _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]

        self.check(self.c.tj_txn_begin(self.store, ctypes.byref(txn), self.error))
        self.c.tj_txn_apply_json.argtypes = [ctypes.c_void_p, Text, ctypes.c_void_p, ctypes.c_char_p]
        self.check(self.c.tj_txn_apply_json(txn, Text(line, len(line)), None, self.error))
        self.check(self.c.tj_txn_commit(txn, None, None, self.error))

    def close(self):
        self.c.tj_store_close(self.store, self.error)


class Sqlite:
    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.execute("CREATE TABLE price (symbol TEXT PRIMARY KEY, price TEXT)")

    def commit(self, number):
        self.connection.execute("INSERT OR REPLACE INTO price VALUES ('X', ?)", (f"{number}.50",))

    def close(self):
        self.connection.close()


class Lmdb:
    def __init__(self, path):
        self.environment = lmdb.open(str(path), map_size=1 << 30)

    def commit(self, number):
        with self.environment.begin(write=True) as t:
            t.put(b"X", b"%d.50" % number)

    def close(self):
        self.environment.close()


class Package:
    def __init__(self, path):
        self.journal = tesser_journal.open(path)

    def commit(self, number):
        with self.journal.transaction() as t:
            t.put_price("X", Decimal(f"{number}.50"))

    def close(self):
        self.journal.close()


def commit_once(rival, number):
    start = time.perf_counter()
    rival.commit(number)
    return (time.perf_counter() - start) * 1e6


def lone_commits(rivals):
    taken = {name: [] for name in rivals}
    for number in range(ROUNDS + 20):
        for name, rival in rivals.items():
            us = commit_once(rival, number)
            if number >= 20:
                taken[name].append(us)
    return {name: statistics.median(times) for name, times in taken.items()}


async def in_flight(journal, numbers):
    numbers = iter(numbers)

    async def work():
        for number in numbers:
            async with journal.transaction() as t:
                t.put_price("X", Decimal(number))

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


def awaited_commits(rivals):
    """In each round the rivals commit one by one, and the package with 64 in flight: what a commit takes
    there of the clock, of the processor and of the loop's thread, and how many times quicker it is, by the
    medians over the rounds."""
    commits = 2_000
    clocks = time.perf_counter, time.process_time, time.thread_time
    taken, ratios = [], {name: [] for name in ("sqlite3", "py-lmdb")}
    for number in range(IN_FLIGHT_ROUNDS):
        start = [clock() for clock in clocks]
        asyncio.run(in_flight(rivals["package"].journal, range(number * commits, (number + 1) * commits)))
        taken.append([(clock() - before) / commits * 1e6 for clock, before in zip(clocks, start)])
        for name, all_of_it in ratios.items():
            lone = statistics.median(commit_once(rivals[name], i) for i in range(50))
            all_of_it.append(lone / taken[-1][0])
    return [statistics.median(of_clock) for of_clock in zip(*taken)], ratios


def orders(count):
    now = Time.utcnow()
    request = OrderRequest("binance_perp:BTCUSDT", "Buy", "Limit", Decimal("0.250"), price=Decimal("1.50"))
    for number in range(count):
        asked = dataclasses.replace(request, price=Decimal(number) / 8, client_order_id=f"c{number}")
        yield Order(f"order {number}", asked, "Accepted", now, now, Decimal("0.125"), Decimal("64000.10"))


def loads(path):
    with tesser_journal.open(path) as journal:
        book = journal.book()
        book.save(LiveState(open_orders=list(orders(10_000))))
        for name, load in (("objects", book.load), ("a frame", lambda: book.frame("orders"))):
            wall, cpu = [], []
            for _ in range(9):
                start, used = time.perf_counter(), time.process_time()
                load()
                wall.append(time.perf_counter() - start)
                cpu.append(time.process_time() - used)
            print(f"10,000 orders into {name}: {min(wall) * 1e3:.1f} ms, {min(cpu) * 1e3:.1f} ms of a core")


def main():
    library = Path(sys.argv[1]) if len(sys.argv) > 1 else LIBRARY
    with tempfile.TemporaryDirectory(dir=".") as directory:
        place = Path(directory).resolve()
        rivals = {"package": Package(place / "package")}
        if library.exists():
            rivals["C library"] = Library(library, place / "library")
        rivals["sqlite3"] = Sqlite(place / "sqlite.db")
        rivals["py-lmdb"] = Lmdb(place / "lmdb")
        medians = lone_commits(rivals)
        (each, cpu, loop), ratios = awaited_commits(rivals)
        for rival in rivals.values():
            rival.close()
        for name, median in medians.items():
            print(f"a lone durable commit, {name}: {median:.0f} us, {median / medians['package']:.2f}")
        print(f"asyncio, {IN_FLIGHT} in flight: {each:.1f} us a commit, {cpu:.1f} us of a core,", end=" ")
        print(f"{loop:.1f} of them on the loop's thread,", end=" ")
        spread = "{:.0f} times {} ({:.0f} to {:.0f})".format
        print(*(spread(statistics.median(r), name, min(r), max(r)) for name, r in ratios.items()), sep=", ")
        loads(place / "loads")


if __name__ == "__main__":
    main()
