# SPDX-License-Identifier: MIT OR Apache-2.0
"""Transactions, books, counters, and what an exception says."""

import copy
import logging
import pickle
import shutil
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from support import Maker

import tesser_journal
from tesser_journal import Balance, LiveState, Portfolio, Position, Time


def test_all_of_it_or_nothing(journal):
    maker = Maker(1)
    order, entry, id = maker.order(), maker.entry(), uuid4()
    with pytest.raises(KeyboardInterrupt), journal.transaction() as t:
        t.put_order(order)
        raise KeyboardInterrupt
    assert journal.book().load() == LiveState()
    with journal.transaction(note="intent") as t:
        t.put_order(order)
        t.algos[id] = maker.algo()
        t.ledger.append(entry)
    assert t.sequence == 1
    assert journal.book().load().open_orders == [order]
    assert list(journal.book().algos) == [id] and journal.book().ledger.latest() == 1
    with journal.transaction() as t:
        t.delete_order(order.id)
        del t.algos[id]
    assert journal.book().load().open_orders == [] and not journal.book().algos


def test_each_change(journal):
    maker = Maker(2)
    now = Time.utcnow()
    position = Position("binance:BTC", "Buy", Decimal("1.50"), now)
    with journal.transaction() as t:
        t.put_portfolio(Portfolio("USDT", initial_equity=Decimal("10.00")))
        t.put_position(position)
        t.put_position(position, "binance")
        t.put_balance(Balance("USDT", Decimal("7.0")), "binance")
        t.put_price("binance:BTC", Decimal("9.10"))
        t.set_portfolio_equity(Decimal("3"))
        t.set_last_candle_ts(now)
        t.set_strategy_state({"a": [1, Decimal("2.0")]})
        t.set_execution_checkpoint(maker.checkpoint())
        t.set_extra({"new_member": 1})
    state = journal.book().load()
    assert state.portfolio.positions == {"binance:BTC": position}
    assert state.portfolio.sub_accounts["binance"].balances["USDT"].quantity == 7
    assert state.last_prices == {"binance:BTC": Decimal("9.10")} and state.extra == {"new_member": 1}
    assert state.last_candle_ts.ns == now.ns and state.strategy_state == {"a": [1, Decimal("2.0")]}
    with journal.transaction() as t:
        t.delete_position("BINANCE:btc")
        t.delete_balance("USDT", "binance")
        t.delete_price("binance:BTC")
        t.set_portfolio_equity(None)
        t.set_last_candle_ts(None)
        t.set_strategy_state(None)
        t.set_execution_checkpoint(None)
        t.set_extra({})
    state = journal.book().load()
    assert state.portfolio.positions == {} and state.last_prices == {}
    assert state.portfolio.sub_accounts["binance"].positions == {"binance:BTC": position}
    with journal.transaction() as t:
        t.delete_sub_account("binance")
        t.delete_portfolio()
    state = journal.book().load()
    state.sequence = 0
    assert state == LiveState()


def test_wrong_values_name_their_field(journal):
    order = Maker(3).order()
    for path, value, kind, text in (
        ("request.quantity", 1.0, TypeError, "Order.request: OrderRequest.quantity: "),
        ("request.side", "buy", ValueError, "Order.request: OrderRequest.side: 'buy' is none"),
        ("created_at", datetime(2025, 1, 1), ValueError, "Order.created_at: .* has no time zone"),
        ("request.symbol", "a:b\n:", tesser_journal.InvalidError, "Order.request: "),
        ("id", None, TypeError, "Order.id: str is needed, not NoneType"),
        ("id", "", tesser_journal.InvalidError, "id"),
        ("id", "x" * 257, tesser_journal.LimitError, "id"),
    ):
        broken = copy.deepcopy(order)
        *outer, name = path.split(".")
        setattr(broken.request if outer else broken, name, value)
        with pytest.raises(kind, match=text), journal.transaction() as t:
            t.put_order(broken)
    with journal.transaction() as t:
        with pytest.raises(TypeError):
            t.put_order("no order")
        t.put_order(order)  # as before the call that failed
    assert journal.book().load().open_orders == [order]


def test_a_key_must_be_its_values_own(journal):
    position = Position("binance:BTC", "Buy", Decimal(1), Time.utcnow())
    portfolio = Portfolio("USDT", positions={"binance:ETH": position})
    with pytest.raises(ValueError, match="holds a value with another symbol"):
        journal.book().save(LiveState(portfolio=portfolio))


def test_errors_tell_what_to_do(journal, tmp_path):
    with pytest.raises(tesser_journal.NotFoundError) as raised:
        tesser_journal.open(tmp_path / "missing", must_exist=True)
    assert "missing" in str(raised.value) and raised.value.advice
    assert isinstance(raised.value, KeyError) and isinstance(raised.value, tesser_journal.Error)
    with pytest.raises(tesser_journal.InvalidError) as raised:
        LiveState.from_json('{"open_orders": 3}')
    assert raised.value.place == "line 1, column 17"
    with tesser_journal.open(tmp_path / "one"), pytest.raises(tesser_journal.BusyError):
        tesser_journal.open(tmp_path / "one")
    t = journal.transaction()
    t.commit()
    with pytest.raises(tesser_journal.MisuseError, match="already"):
        t.commit()
    for error in (raised.value,):
        assert pickle.loads(pickle.dumps(error)).args == error.args


def test_every_status_has_its_class():
    from tesser_journal import _errors

    names = (_errors.__file__ and _errors.BY_STATUS)[1:]
    assert len(set(names)) == 18 and all(issubclass(one, tesser_journal.Error) for one in names)
    assert all(one.__name__ in tesser_journal.__all__ for one in names)


def test_conflicts_and_retries(journal):
    maker, id = Maker(4), uuid4()
    first = journal.transaction(commit_id=id)
    first.put_order(maker.order())
    sequence = first.commit()
    again = journal.transaction(commit_id=id)
    again.put_order(maker.order())
    assert again.commit() == sequence == journal.commit_find(id)
    assert len(journal.book().load().open_orders) == 1
    with journal.transaction() as t:
        t.put_order(maker.order())
    with pytest.raises(tesser_journal.ConflictError):
        with journal.transaction(expected_sequence=sequence) as t:
            t.put_order(maker.order())


def test_the_same_entry_is_booked_once(journal):
    entry = Maker(5).entry()
    journal.book().ledger.append(entry)
    with pytest.raises(tesser_journal.ExistsError):
        journal.book().ledger.append(entry)
    assert journal.book().ledger.latest() == 1
    assert journal.book().ledger.find(type=entry.type, asset=entry.asset, limit=1)
    assert journal.book().ledger.find(type="transfer_in") == []
    assert journal.book().ledger.find(time_last=entry.time, time_first=entry.time)


def test_books_and_counters(journal):
    journal.book().save(LiveState(portfolio_equity=Decimal(1)))
    second = journal.create_book("second")
    with second.transaction() as t:
        t.set_portfolio_equity(Decimal(2))
    with journal.transaction() as t:
        t.set_portfolio_equity(Decimal(3))
        t.use_book("second")
        t.set_portfolio_equity(Decimal(4))
    assert journal.books() == ["default", "second"]
    assert journal.book().load().portfolio_equity == 3 and second.load().portfolio_equity == 4
    with pytest.raises(tesser_journal.NotFoundError):
        journal.book("misspelt").load()
    with pytest.raises(tesser_journal.InvalidError):
        journal.book("\n").load()
    with pytest.raises(tesser_journal.ExistsError):
        journal.create_book("second")
    assert second.reserve("orders", 1000) == range(1, 1001)
    assert second.counter_next("orders") == 1001


def test_time_is_a_datetime_with_nanoseconds():
    time = Time.parse("2025-11-23T12:13:25.000039595+00:00")
    assert time.ns % 1000 == 595 and isinstance(time, datetime) and time.tzinfo is timezone.utc
    assert time + timedelta(microseconds=1) > time and (time + timedelta(days=1)).ns % 1000 == 595
    assert time - timedelta(days=1) == Time.from_ns(time.ns - 86_400 * 10**9)
    assert time - time == timedelta(0) and str(time) == "2025-11-23T12:13:25.000039595Z"
    assert copy.deepcopy(time).ns == time.ns == pickle.loads(pickle.dumps(time)).ns
    plain = datetime(2025, 1, 1, tzinfo=timezone.utc)
    assert Time.of(plain) == plain and hash(Time.of(plain)) == hash(plain)
    assert time != datetime(2025, 1, 1) and Time.of(plain) < time
    assert Time(2025, 1, 1, tzinfo=timezone.utc).ns == Time.of(plain).ns


def test_saving_what_was_loaded_changes_nothing(on_disk):
    book = on_disk.book()
    book.save(Maker(6).state())
    before = on_disk.info()["sequence"]
    book.save(book.load())
    assert on_disk.info()["sequence"] == before


@pytest.fixture
def copied(path):
    """A journal that was copied: its counters skip numbers when it is opened, and a warning says so."""
    with tesser_journal.open(path, durability="os") as journal:
        journal.book().save(LiveState(portfolio_equity=Decimal(1)))
        journal.book().reserve("orders")
    shutil.copytree(path, path.with_name("copy"))
    return path.with_name("copy")


def test_what_the_library_says_goes_to_logging(copied, caplog):
    with caplog.at_level(logging.INFO, "tesser_journal"), tesser_journal.open(copied) as journal:
        assert journal.book().load().portfolio_equity == 1
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_an_exception_in_logging_ends_no_call(copied, monkeypatch):
    def broken(record):
        raise ZeroDivisionError

    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    logger = logging.getLogger("tesser_journal")
    logger.addFilter(broken)
    try:
        with tesser_journal.open(copied) as journal:
            assert journal.book().load().portfolio_equity == 1
    finally:
        logger.removeFilter(broken)
    assert raised and raised[0].exc_type is ZeroDivisionError
