# SPDX-License-Identifier: MIT OR Apache-2.0
"""freqtrade's database, made by freqtrade itself (data/make_freqtrade.py), as a book."""

import importlib.util
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import tesser_journal
from tesser_journal.freqtrade import bring

DATA = Path(__file__).resolve().parent / "data"


@pytest.fixture(params=["as it was made once", "as freqtrade makes it now"])
def database(request, tmp_path):
    if request.param == "as freqtrade makes it now":
        if importlib.util.find_spec("freqtrade") is None:
            pytest.skip("freqtrade is not installed: only its database of version 2026.9 is tested")
        made = subprocess.run(
            [sys.executable, DATA / "make_freqtrade.py"], capture_output=True, text=True, check=True
        ).stdout
    else:
        made = (DATA / "freqtrade.sql").read_text()
    file = tmp_path / "tradesv3.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(made)
    connection.close()
    return file


def rows(database, select):
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(select).fetchall()
    finally:
        connection.close()


def test_everything_is_there(database, journal):
    before = database.read_bytes()
    brought = bring(database, journal.book())
    assert database.read_bytes() == before
    state = journal.book().load()

    opened = rows(database, "SELECT * FROM trades WHERE is_open ORDER BY id")
    assert brought.positions == len(opened) == 4
    account = state.portfolio.sub_accounts["binance"]
    assert account.positions == state.portfolio.positions
    for trade in opened:
        position = state.portfolio.positions[f"binance:{trade['pair']}"]
        assert float(position.quantity) == trade["amount"] and str(position.quantity) == repr(trade["amount"])
        assert float(position.entry_price) == trade["open_rate"]
        assert position.side == ("Sell" if trade["is_short"] else "Buy")
        assert position.extra["freqtrade"]["trade"]["strategy"] == "Sample"

    waiting = rows(database, "SELECT * FROM orders WHERE ft_is_open ORDER BY id")
    assert [order.id for order in state.open_orders] == [row["order_id"] for row in waiting]
    limit, stop = state.open_orders
    assert limit.status == "PartiallyFilled" and str(limit.filled_quantity) == "0.1"
    assert limit.request.price == Decimal("2600.5") and limit.request.side == "Sell"
    assert stop.request.order_type == "StopMarket" and stop.request.trigger_price == 60800
    assert stop.status == "Accepted" and str(stop.created_at).startswith("2026-03-02T09:37:15.25")

    entries = list(journal.book().ledger)
    closed = rows(database, "SELECT * FROM trades WHERE NOT is_open ORDER BY id")
    partly = rows(database, "SELECT * FROM trades WHERE is_open AND realized_profit != 0")
    assert len(entries) == brought.ledger_entries == len(closed) + len(partly) == 13
    assert [float(entry.amount) for entry in entries[:12]] == [row["close_profit_abs"] for row in closed]
    assert float(entries[12].amount) == partly[0]["realized_profit"]
    assert entries[0].meta["freqtrade"]["trade"]["exit_reason"] == "stop_loss"
    assert len(entries[0].meta["freqtrade"]["orders"]) == 2
    rest = state.strategy_state["freqtrade"]
    assert rest["trade_custom_data"][0]["cd_key"] == "entry" and rest["pairlocks"][0]["pair"] == "ADA/USDT"


def test_twice_is_refused(database, journal):
    bring(database, journal.book())
    with pytest.raises(tesser_journal.ExistsError):
        bring(database, journal.book())
    assert journal.book().ledger.latest() == 13


def test_two_open_trades_of_one_pair_are_refused(database, journal):
    connection = sqlite3.connect(database)
    connection.execute("UPDATE trades SET pair = 'ETH/USDT' WHERE pair = 'BTC/USDT'")
    connection.commit()
    connection.close()
    with pytest.raises(tesser_journal.InvalidError, match="two open trades of binance:ETH/USDT: 13 and 14"):
        bring(database, journal.book())
    assert journal.book().load() == tesser_journal.LiveState() and journal.book().ledger.latest() == 0


def test_the_command(database, path):
    command = [sys.executable, "-m", "tesser_journal.freqtrade"]
    options = {"capture_output": True, "text": True}
    first = subprocess.run([*command, database, path, "--exchange", "binance_perp"], **options)
    assert first.stdout == "4 positions, 2 open orders and 13 ledger entries, in commit 1\n", first.stderr
    again = subprocess.run([*command, database, path], **options)
    assert again.returncode == 1 and "holds a state already" in again.stderr
    other = subprocess.run([*command, __file__, path, "--book", "other"], **options)
    assert other.returncode == 1 and "cannot be read" in other.stderr
    with tesser_journal.open(path) as journal:
        assert "binance_perp:ETH/USDT" in journal.book().load().portfolio.positions
