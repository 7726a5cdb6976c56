# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many calls leave the process as large as it was."""

import gc
import resource
import uuid
from decimal import Decimal

import pytest
from support import LONG, Maker

import tesser_journal
from tesser_journal import AlgoState, LiveState


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_memory_stays_flat():
    calls = 1_000_000 if LONG else 20_000
    maker = Maker(1)
    order, id, algo = maker.order(), uuid.UUID(int=1), AlgoState("TWAP", {"a": [Decimal("1.5")]})
    state = maker.state()
    with tesser_journal.memory() as journal:
        book = journal.book()

        def round_of_calls():
            with journal.transaction(note="x") as t:
                t.put_order(order)
                t.algos[id] = algo
                t.put_price("X", Decimal("1.5"))
            with pytest.raises(TypeError):
                t.put_order(1)
            with pytest.raises(tesser_journal.MisuseError):
                t.commit()
            loaded = book.load()
            loaded.to_json()
            book.save(loaded)
            LiveState.from_json('{"open_orders":[],"last_prices":{}}')
            with pytest.raises(ValueError):
                LiveState.from_json("{")
            book.algos[id]
            frame = book.frame("orders")
            frame.__arrow_c_stream__()
            frame.__arrow_c_schema__()
            dropped = journal.transaction()
            dropped.put_state(state)

        each = 15
        for _ in range(1_000):
            round_of_calls()
        gc.collect()
        before = resident_bytes()
        for _ in range(calls // each):
            round_of_calls()
        gc.collect()
        grown = resident_bytes() - before
    print(f"{calls} calls, grown by {grown // 1024} KiB")
    assert grown < 4 << 20
