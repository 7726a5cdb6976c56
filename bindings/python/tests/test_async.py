# SPDX-License-Identifier: MIT OR Apache-2.0
"""Commits that an event loop awaits, without a thread."""

import asyncio
import contextvars
import os
import threading
from decimal import Decimal
from uuid import UUID

import pytest
from support import Maker

import tesser_journal


def test_many_in_flight(path):
    async def commit(journal, number):
        async with journal.transaction() as t:
            t.put_price(f"COIN{number}", Decimal(number))
        return t.sequence

    async def main():
        with tesser_journal.open(path) as journal:
            python_threads = threading.active_count()
            sequences = await asyncio.gather(*(commit(journal, number) for number in range(200)))
            assert sorted(sequences) == list(range(1, 201))
            assert threading.active_count() == python_threads
            state = journal.book().load()
            assert len(state.last_prices) == 200 and state.sequence == 200

    asyncio.run(main())


def test_what_fails_is_raised_where_it_is_awaited(journal):
    async def main():
        entry = Maker(1).entry()
        journal.book().ledger.append(entry)
        t = journal.transaction()
        t.ledger.append(entry)
        with pytest.raises(tesser_journal.ExistsError):
            await journal.commit(t)
        with pytest.raises(tesser_journal.MisuseError):
            await journal.commit(t)
        with pytest.raises(tesser_journal.MisuseError):
            await journal.commit(journal.transaction(deadline_ms=5))
        with pytest.raises(ZeroDivisionError):
            async with journal.transaction() as t:
                t.put_price("X", 1)
                1 / 0
        assert journal.book().load().last_prices == {}

    asyncio.run(main())


def test_a_cancelled_task_commits_all_the_same(path):
    async def main():
        with tesser_journal.open(path) as journal:
            t = journal.transaction(commit_id=UUID(int=5))
            t.put_price("X", 1)
            task = asyncio.ensure_future(journal.commit(t))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with journal.transaction() as t:
                t.put_price("Y", 1)
            assert journal.commit_find(UUID(int=5)) == 1

    asyncio.run(main())


def test_closing_tells_those_who_wait(path):
    async def main():
        journal = tesser_journal.open(path)
        transactions = [journal.transaction() for _ in range(20)]
        for number, t in enumerate(transactions):
            t.put_price("X", number)
        tasks = [asyncio.ensure_future(journal.commit(t)) for t in transactions]
        await asyncio.sleep(0)
        journal.close()
        assert sorted(await asyncio.gather(*tasks)) == list(range(1, 21))
        with pytest.raises(tesser_journal.ClosedError):
            await journal.commit(transactions[0])

    asyncio.run(main())


def test_a_commit_after_one_that_another_thread_has_taken(path):
    """Its outcome was taken before the loop found nothing in flight, and ended its watch."""
    with tesser_journal.open(path) as journal:

        async def twice():
            for number in range(2):
                async with journal.transaction() as t:
                    t.put_price(f"A{number}", 1)

        async def main():
            task = asyncio.ensure_future(twice())
            await asyncio.sleep(0)  # it has submitted the first
            taker = threading.Thread(target=journal._pending.take, args=(10000,))
            taker.start()
            taker.join()
            await asyncio.wait_for(task, 20)

        asyncio.run(main())


def test_one_loop_after_another_and_two_at_once(path):
    with tesser_journal.open(path) as journal:

        async def main(name):
            for number in range(20):
                async with journal.transaction() as t:
                    t.put_price(f"{name}{number}", 1)

        asyncio.run(main("A"))
        asyncio.run(main("B"))
        threads = [threading.Thread(target=asyncio.run, args=(main(name),)) for name in "CDE"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert len(journal.book().load().last_prices) == 100


def test_shared_journals_take_each_others_completions(path):
    async def main():
        with tesser_journal.open(path, shared=True) as one:
            with tesser_journal.open(path, shared=True) as two:

                async def work(journal, name):
                    for number in range(20):
                        async with journal.transaction() as t:
                            t.put_price(f"{name}{number}", 1)

                works = [work(one, f"A{i}") for i in "xyz"] + [work(two, f"B{i}") for i in "xyz"]
                await asyncio.gather(*works)
                assert len(one.book().load().last_prices) == 120

    asyncio.run(asyncio.wait_for(main(), 60))


def price(journal, number):
    t = journal.transaction()
    t.put_price("X", number)
    return t


def test_what_is_in_flight_is_a_future(path):
    async def main():
        with tesser_journal.open(path) as journal:
            flight = journal.commit(price(journal, 1))
            assert asyncio.isfuture(flight) and asyncio.ensure_future(flight) is flight
            assert flight.get_loop() is asyncio.get_running_loop()
            assert not flight.done() and not flight.cancelled()
            with pytest.raises(asyncio.InvalidStateError):
                flight.result()
            told = []
            flight.add_done_callback(told.append)
            flight.add_done_callback(told.clear)
            assert flight.remove_done_callback(told.clear) == 1
            assert await asyncio.wait_for(asyncio.shield(flight), 60) == 1
            assert told == [flight] and flight.result() == 1 and flight.exception() is None
            assert await flight == 1
            flight.add_done_callback(told.append)
            assert told == [flight]
            await asyncio.sleep(0)
            assert told == [flight, flight]
            assert not flight.cancel()

            flights = [journal.commit(price(journal, number)) for number in range(5)]
            done, _ = await asyncio.wait(flights, timeout=60)
            assert {one.result() for one in done} == {2, 3, 4, 5, 6}
            flight = journal.commit(price(journal, 7))
            assert await asyncio.gather(*(asyncio.wait_for(flight, 60) for _ in range(3))) == [7] * 3

    asyncio.run(main())
    loop = asyncio.new_event_loop()
    with tesser_journal.open(path) as journal:

        async def submit():
            return [journal.commit(price(journal, 8))]

        assert loop.run_until_complete(loop.run_until_complete(submit())[0]) == 8
    loop.close()


def test_a_cancelled_flight(path):
    async def main():
        with tesser_journal.open(path) as journal:
            flight = journal.commit(price(journal, 1))
            gathered = asyncio.gather(flight, return_exceptions=True)
            assert flight.cancel("enough") and flight.done() and flight.cancelled()
            assert not flight.cancel()
            assert [type(one) for one in await gathered] == [asyncio.CancelledError]
            with pytest.raises(asyncio.CancelledError, match="enough"):
                flight.result()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(journal.commit(price(journal, 2)), 0)
            assert await journal.commit(price(journal, 3)) == 3

    asyncio.run(main())


def test_those_of_one_group_are_told_in_order_each_in_its_context(path):
    variable = contextvars.ContextVar("variable", default=-1)
    seen = []

    async def work(journal, number):
        variable.set(number)
        for _ in range(3):
            await journal.commit(price(journal, number))
            seen.append((number, variable.get()))

    async def main():
        with tesser_journal.open(path) as journal:
            await asyncio.gather(*(work(journal, number) for number in range(20)))

    asyncio.run(main())
    assert seen[:20] == [(number, number) for number in range(20)]
    assert sorted(seen) == [(number, number) for number in range(20) for _ in range(3)]


def test_an_exception_in_one_keeps_none_of_the_others(path):
    async def work(journal, number, error):
        sequence = await journal.commit(price(journal, number))
        if error:
            raise error
        return sequence

    with tesser_journal.open(path) as journal:
        loop = asyncio.new_event_loop()
        interrupt = loop.create_task(work(journal, 1, KeyboardInterrupt()))
        others = [loop.create_task(work(journal, number, None)) for number in range(5)]
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(interrupt)
        with pytest.raises(KeyboardInterrupt):
            interrupt.result()
        assert loop.run_until_complete(asyncio.gather(*others)) == [2, 3, 4, 5, 6]
        loop.close()


def test_one_of_a_group_may_cancel_another_and_close(path):
    async def main():
        journal = tesser_journal.open(path)

        async def first():
            await journal.commit(price(journal, 1))
            tasks[1].cancel()
            journal.close()

        async def other(number):
            return await journal.commit(price(journal, number))

        works = [first(), other(2), other(3), other(4)]
        tasks = [asyncio.ensure_future(work) for work in works]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[1], asyncio.CancelledError)
        assert results[2:] == [3, 4]
        with tesser_journal.open(path) as again:
            assert again.info()["sequence"] == 4

    asyncio.run(main())


def test_a_failure_that_nobody_awaits_is_told(path):
    told = []

    async def main():
        heard = asyncio.Event()

        def hear(loop, context):
            told.append(context["exception"])
            heard.set()

        asyncio.get_running_loop().set_exception_handler(hear)
        journal = tesser_journal.open(path)
        await asyncio.sleep(0.01)
        os.rename(path, path.with_name("elsewhere"))  # what is written from now on is refused
        journal.commit(price(journal, 1))
        await asyncio.wait_for(heard.wait(), 60)
        with pytest.raises(tesser_journal.ClosedError):
            journal.close()

    asyncio.run(main())
    assert [type(error) for error in told] == [tesser_journal.ClosedError]


def test_follow(path):
    async def main():
        with tesser_journal.open(path, durability="os") as journal:
            with journal.transaction() as t:
                t.put_price("X", 1)
            seen = []

            async def look(first):
                async for commit in journal.follow(first, kinds=["last_price"], interval=0.001):
                    seen.append((first, commit.sequence, commit.changes[0].new_value))
                    if commit.sequence == 4:
                        return

            tasks = [asyncio.ensure_future(look(first)) for first in (None, 1)]
            await asyncio.sleep(0.01)
            for number in (2, 3, 4):
                async with journal.transaction() as t:
                    t.put_price("X", number)
                await asyncio.sleep(0)
            await asyncio.wait_for(asyncio.gather(*tasks), 30)
            assert [sequence for first, sequence, _ in seen if first is None] == [2, 3, 4]
            assert [sequence for first, sequence, _ in seen if first == 1] == [1, 2, 3, 4]

    asyncio.run(main())


def test_a_fork_with_commits_in_flight(path):
    async def main():
        journal = tesser_journal.open(path)
        transactions = [journal.transaction() for _ in range(20)]
        for number, t in enumerate(transactions):
            t.put_price("X", number)
        awaited = asyncio.gather(*(journal.commit(t) for t in transactions))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                journal.close()
                with tesser_journal.memory() as own, own.transaction() as t:
                    t.put_price("X", 1)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert await awaited == list(range(1, 21))
        journal.close()

    asyncio.run(main())
