# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kills, forks, exits, signals and threads: nothing acknowledged is missing, and nothing hangs."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from decimal import Decimal

import pytest
from support import LONG, SEED, Maker

import tesser_journal
from tesser_journal import LiveState

WRITER = """
import sys, tesser_journal
from decimal import Decimal
journal = tesser_journal.open(sys.argv[1], durability=sys.argv[2], segment_size=64 << 10)
next_number = int(journal.book().load().portfolio_equity or 0) + 1
while True:
    with journal.transaction() as t:
        t.set_portfolio_equity(Decimal(next_number))
        t.set_strategy_state({"number": next_number, "more": "x" * (next_number % 300)})
    print(next_number, flush=True)
    next_number += 1
"""


def run(program, *arguments, **options):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def test_kill_rounds(path):
    """A writer is killed again and again: what it acknowledged is there, whole."""
    rounds = 200 if LONG else 8
    choose = random.Random(SEED)
    acknowledged = 0
    for number in range(rounds):
        writer = run(WRITER, path, "sync" if number % 2 else "os")
        for _ in range(choose.randrange(1, 30)):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().splitlines()
        if rest and rest[-1].isdigit():  # not one that was cut
            acknowledged = max(acknowledged, int(rest[-1]) if len(rest) < 2 else int(rest[-2]))
        writer.wait()
        with tesser_journal.open(path, read_only=True) as journal:
            state = journal.book().load()
            assert state.portfolio_equity >= acknowledged, number
            assert state.strategy_state["number"] == state.portfolio_equity
    print(f"{rounds} kills, {acknowledged} commits acknowledged")


def test_fork(path):
    with tesser_journal.open(path, durability="os") as journal:
        transaction = journal.transaction()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for call in (journal.book().load, journal.info, transaction.commit, journal.transaction):
                    try:
                        call()
                    except tesser_journal.ClosedError as error:
                        assert "after a fork a child opens its own" in str(error)
                    else:
                        raise AssertionError(call)
                transaction.abort()
                del transaction
                journal.close()
                gc.collect()
                with tesser_journal.memory() as own:
                    own.book().save(LiveState())
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        transaction.set_portfolio_equity(Decimal(7))
        transaction.commit()
        assert journal.book().load().portfolio_equity == 7


def test_a_forked_child_that_exits_normally(path):
    program = """
import os, sys, tesser_journal
journal = tesser_journal.open(sys.argv[1])
transaction = journal.transaction()
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
transaction.commit()
"""
    assert run(program, path).wait(60) == 0


def test_exit_with_commits_in_flight(path):
    """The interpreter ends while commits are on their way: they are durable all the same."""
    program = """
import asyncio, sys, tesser_journal
from decimal import Decimal
journal = tesser_journal.open(sys.argv[1])
async def main():
    for number in range(50):
        t = journal.transaction()
        t.set_portfolio_equity(Decimal(number + 1))
        asyncio.ensure_future(journal.commit(t))
    await asyncio.sleep(0)
    sys.exit(3)
asyncio.run(main())
"""
    assert run(program, path, stderr=subprocess.DEVNULL).wait(60) == 3
    with tesser_journal.open(path) as journal:
        assert journal.book().load().portfolio_equity == 50


def test_exit_with_everything_open(path):
    program = """
import sys, threading, tesser_journal
journal = tesser_journal.open(sys.argv[1], durability="os")
transaction = journal.transaction()
history = journal.history()
def work():
    while True:
        with journal.transaction() as t:
            t.put_price("X", 1)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
"""
    writer = run(program, path, stderr=subprocess.DEVNULL)
    assert writer.stdout.readline() == "ready\n"
    assert writer.wait(60) == 0


def test_control_c(path):
    """An interrupted commit is whole or not there, and the journal goes on."""
    program = """
import sys, tesser_journal
from decimal import Decimal
journal = tesser_journal.open(sys.argv[1])
done = 0
print("ready", flush=True)
try:
    while True:
        with journal.transaction() as t:
            t.set_portfolio_equity(Decimal(done + 1))
            t.put_price("X", Decimal(done + 1))
        done += 1
except KeyboardInterrupt:
    state = journal.book().load()
    assert state.portfolio_equity in (done, done + 1), (state, done)
    assert state.last_prices["X"] == state.portfolio_equity
    with journal.transaction() as t:
        t.set_portfolio_equity(Decimal(-1))
    print("interrupted", flush=True)
"""
    writer = run(program, path)
    assert writer.stdout.readline() == "ready\n"
    time.sleep(0.2)
    writer.send_signal(signal.SIGINT)
    assert writer.communicate(timeout=60)[0] == "interrupted\n" and writer.returncode == 0


def test_control_c_while_an_event_loop_waits(path):
    program = """
import asyncio, sys, tesser_journal
journal = tesser_journal.open(sys.argv[1])
async def main():
    print("ready", flush=True)
    async for commit in journal.follow():
        print(commit, flush=True)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    journal.close()
    print("interrupted", flush=True)
"""
    writer = run(program, path)
    assert writer.stdout.readline() == "ready\n"
    time.sleep(0.1)
    writer.send_signal(signal.SIGINT)
    assert writer.communicate(timeout=60)[0] == "interrupted\n"


def test_closing_under_threads(path):
    """Whoever still works is told; nothing hangs or dies."""
    for _ in range(5):
        journal = tesser_journal.open(path, durability="os")
        ends = []

        def work(journal=journal, ends=ends):
            try:
                while True:
                    with journal.transaction() as t:
                        t.put_price("X", 1)
                    journal.book().load()
                    list(journal.history(limit=2))
            except (tesser_journal.ClosedError, tesser_journal.MisuseError) as error:
                ends.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        journal.close()
        for thread in threads:
            thread.join(30)
        assert len(ends) == 4 and not any(thread.is_alive() for thread in threads)


def test_closing_in_any_order(path):
    journal = tesser_journal.open(path, durability="os")
    book, transaction = journal.book(), journal.transaction()
    with journal.transaction() as t:
        t.put_price("X", 1)
    history = journal.history()
    assert next(history).sequence == 1
    frame = book.frame("orders")
    journal.close()
    journal.close()
    for call in (book.load, transaction.commit, lambda: next(history), journal.info):
        with pytest.raises(tesser_journal.ClosedError):
            call()
    transaction.abort()
    assert journal.closed and len(frame) == 0
    with pytest.warns(ResourceWarning, match="was not closed"):
        lost = tesser_journal.open(path)
        kept = lost._store.history(None, None, None, (), None, 0, False, False)
        del lost
        gc.collect()
    kept.close()
    del kept
    gc.collect()
    tesser_journal.open(path).close()


def test_the_gil_is_released(path):
    """While one thread waits for the disk, another runs."""
    with tesser_journal.open(path) as journal:
        counted = 0
        stop = threading.Event()

        def commit():
            for number in range(50):
                with journal.transaction() as t:
                    t.put_price("X", number)
            stop.set()

        thread = threading.Thread(target=commit)
        switch = sys.getswitchinterval()
        sys.setswitchinterval(10)  # only who waits lets go
        try:
            thread.start()
            while not stop.is_set():
                counted += 1
                time.sleep(0)
            thread.join()
        finally:
            sys.setswitchinterval(switch)
        assert counted > 50


def test_two_that_share(path):
    with tesser_journal.open(path, shared=True) as one, tesser_journal.open(path, shared=True) as two:
        with one.transaction() as t:
            t.put_price("X", 1)
        assert two.book().load().last_prices == {"X": 1}


def test_a_reader_beside_the_writer(path):
    with tesser_journal.open(path, durability="os") as writer:
        writer.book().save(Maker(1).state())
        program = """
import sys, tesser_journal
with tesser_journal.open(sys.argv[1], read_only=True) as journal:
    print(journal.book().load().sequence)
    try:
        journal.transaction()
    except tesser_journal.ReadOnlyError:
        print("read-only")
    try:
        tesser_journal.open(sys.argv[1])
    except tesser_journal.Error as error:
        print(type(error).__name__)
"""
        assert run(program, path).communicate(timeout=60)[0].split() == ["1", "read-only", "BusyError"]


def test_commit_ids_settle_what_a_kill_left_open(path):
    id = uuid.uuid4()
    with tesser_journal.open(path) as journal, pytest.raises(tesser_journal.NotFoundError):
        with journal.transaction(commit_id=id) as t:
            t.put_price("X", 1)
        assert journal.commit_find(id) == 1
        journal.commit_find(uuid.uuid4())
