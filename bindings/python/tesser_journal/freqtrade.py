# SPDX-License-Identifier: MIT OR Apache-2.0
"""Brings the trades and orders of freqtrade's SQLite database into a book.

    python -m tesser_journal.freqtrade tradesv3.sqlite ./journal

The database is opened for reading only; stop the bot first. Everything goes in as one commit:

- an open trade becomes a position "exchange:PAIR", in the portfolio and in its exchange's sub-account;
- an open order becomes an open order; its id is the exchange's;
- a closed trade becomes a ledger entry "trade_realized_pnl" over close_profit_abs, from which freqtrade
  has taken fees and funding already; what an open trade has realized by partial exits, one too. An
  entry's id comes from the trade, so that nothing is booked twice: bringing it in again is refused;
- the whole rows, with all orders of a trade, are kept beside each (`extra`, `meta`), and freqtrade's
  other tables in the strategy's state.

freqtrade keeps floating-point numbers: a number here is the shortest text that is the same float.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Optional, Union
from uuid import NAMESPACE_URL, uuid5

from . import open as open_journal
from ._book import Book
from ._errors import Error, ExistsError, InvalidError
from ._values import LedgerEntry, Order, OrderRequest, OrderStatus, OrderType, Portfolio, Position, Time

Row = Dict[str, Any]
_TABLES = ("trade_custom_data", "pairlocks", "KeyValueStore", "wallet_history")


@dataclass
class Brought:
    """What came in."""

    positions: int
    open_orders: int
    ledger_entries: int
    sequence: int


def bring(database: Union[str, Path], book: Book, exchange: Optional[str] = None) -> Brought:
    """Brings a database of freqtrade into a book that has no state yet.

    Args:
        exchange: in place of the trades' own exchange, e.g. "binance_perp".

    Raises:
        InvalidError: it is none of freqtrade's, or cannot be told exactly: two open trades of one
            pair. ExistsError: the book holds a state, or entries of these trades. Nothing changed.
    """
    if _holds(book):
        raise ExistsError("the book holds a state already; bring freqtrade's into a new one")
    tables = _read(Path(database))
    orders: Dict[int, List[Row]] = {}
    for row in tables["orders"]:
        orders.setdefault(row["ft_trade_id"], []).append(row)
    trades = tables["trades"]
    for trade in trades:
        trade["exchange"] = exchange or trade["exchange"]
    stakes = sorted({trade["stake_currency"] for trade in trades if trade["stake_currency"]})
    if len(stakes) > 1:
        raise InvalidError(f"trades in several stake currencies: {', '.join(stakes)}")

    brought = Brought(0, 0, 0, 0)
    seen: Dict[str, int] = {}
    with book.transaction(note=f"brought from freqtrade: {Path(database).name}") as t:
        t.put_portfolio(Portfolio(stakes[0] if stakes else "USDT"))
        for trade in trades:
            if trade["is_open"]:
                position = _position(trade, orders.get(trade["id"], []))
                if position.symbol in seen:
                    both = f"{seen[position.symbol]} and {trade['id']}"
                    raise InvalidError(f"two open trades of {position.symbol}: {both}")
                seen[position.symbol] = trade["id"]
                t.put_position(position)
                t.put_position(position, trade["exchange"])
                brought.positions += 1
            for row in orders.get(trade["id"], []):
                if row["ft_is_open"]:
                    t.put_order(_order(trade, row))
                    brought.open_orders += 1
            entry = _entry(trade, orders.get(trade["id"], []))
            if entry is not None:
                t.ledger.append(entry)
                brought.ledger_entries += 1
        rest = {name: tables[name] for name in _TABLES if tables.get(name)}
        if rest:
            t.set_strategy_state({"freqtrade": rest})
    brought.sequence = t.sequence or 0
    return brought


def _holds(book: Book) -> bool:
    state = book.load()
    return state.portfolio is not None or bool(state.open_orders) or state.strategy_state is not None


def _read(database: Path) -> Dict[str, List[Row]]:
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise InvalidError(f"{database} cannot be opened: {error}", str(database)) from error
    connection.row_factory = sqlite3.Row
    try:
        listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {row[0] for row in listed}
        if not {"trades", "orders"} <= names:
            raise InvalidError(f"{database} has no tables trades and orders", str(database))
        wanted = ["trades", "orders", *(name for name in _TABLES if name in names)]
        select = 'SELECT * FROM "{}" ORDER BY id'
        return {name: [_row(row) for row in connection.execute(select.format(name))] for name in wanted}
    except sqlite3.Error as error:
        raise InvalidError(f"{database} cannot be read: {error}", str(database)) from error
    finally:
        connection.close()


def _row(row: sqlite3.Row) -> Row:
    return {
        key: Decimal(repr(value)) if isinstance(value, float) else value for key, value in dict(row).items()
    }


def _amount(value: Any) -> Decimal:
    return Decimal(value)


def _maybe(value: Any) -> Optional[Decimal]:
    return None if value is None else Decimal(value)


def _time(text: Optional[str]) -> Optional[Time]:
    """freqtrade's times are UTC, without saying so."""
    return None if text is None else Time.parse(text[:29] + "Z")


def _required(trade: Row, name: str) -> Time:
    time = _time(trade[name])
    if time is None:
        raise InvalidError(f"trade {trade['id']} has no {name}")
    return time


def _symbol(trade: Row) -> str:
    return f"{trade['exchange']}:{trade['pair']}"


def _position(trade: Row, orders: List[Row]) -> Position:
    times = [_time(row["order_filled_date"] or row["order_date"]) for row in orders]
    return Position(
        _symbol(trade),
        "Sell" if trade["is_short"] else "Buy",
        _amount(trade["amount"]),
        max([_required(trade, "open_date"), *(time for time in times if time is not None)]),
        entry_price=_amount(trade["open_rate"]),
        extra={"freqtrade": {"trade": trade, "orders": orders}},
    )


def _order_type(row: Row) -> OrderType:
    kind = (row["order_type"] or "limit").lower()
    if "stop" in kind or row["ft_order_side"] == "stoploss":
        return "StopMarket"
    return "Market" if kind == "market" else "Limit"


def _status(row: Row) -> OrderStatus:
    if row["filled"]:
        return "PartiallyFilled"
    return "PendingNew" if row["status"] is None else "Accepted"


def _order(trade: Row, row: Row) -> Order:
    kind = _order_type(row)
    price = _maybe(row["price"] if row["price"] is not None else row["ft_price"])
    created = _time(row["order_date"]) or _required(trade, "open_date")
    request = OrderRequest(
        _symbol(trade),
        "Buy" if row["side"] == "buy" else "Sell",
        kind,
        _amount(row["amount"] if row["amount"] is not None else row["ft_amount"]),
        price=price if kind == "Limit" else None,
        trigger_price=(_maybe(row["stop_price"]) or price) if kind == "StopMarket" else None,
    )
    return Order(
        row["order_id"],
        request,
        _status(row),
        created_at=created,
        updated_at=_time(row["order_update_date"]) or created,
        filled_quantity=_amount(row["filled"] or 0),
        avg_fill_price=_maybe(row["average"]),
        extra={"freqtrade": row},
    )


def _entry(trade: Row, orders: List[Row]) -> Optional[LedgerEntry]:
    amount = trade["realized_profit"] if trade["is_open"] else trade["close_profit_abs"]
    if not amount and trade["is_open"]:
        return None
    state = "open" if trade["is_open"] else "closed"
    exits = [row["order_filled_date"] for row in orders if row["order_filled_date"]]
    time = _time(max(exits)) if trade["is_open"] and exits else _time(trade["close_date"])
    return LedgerEntry(
        uuid5(NAMESPACE_URL, f"freqtrade:{trade['exchange']}:{trade['id']}:{trade['open_date']}:{state}"),
        time or _required(trade, "open_date"),
        trade["exchange"],
        trade["stake_currency"] or "USDT",
        _amount(amount or 0),
        "trade_realized_pnl",
        reference=f"freqtrade trade {trade['id']}",
        meta={"freqtrade": {"trade": trade, "orders": orders}},
    )


def main(arguments: Optional[List[str]] = None) -> int:
    """The command: gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tesser_journal.freqtrade", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("database", help="freqtrade's, e.g. tradesv3.sqlite")
    parser.add_argument("journal", help="the journal's directory; created when it is not there")
    parser.add_argument("--book", help="a book; created when other books are there, but not this one")
    parser.add_argument("--exchange", help="in place of freqtrade's name, e.g. binance_perp")
    given = parser.parse_args(arguments)
    try:
        _read(Path(given.database))  # before anything is created for it
        with open_journal(given.journal) as journal:
            books = journal.books()
            if given.book and books and given.book not in books:
                journal.create_book(given.book)
            brought = bring(given.database, journal.book(given.book), given.exchange)
    except Error as error:
        print(f"{error}. {error.advice}".rstrip(), file=sys.stderr)
        return 1
    print(
        f"{brought.positions} positions, {brought.open_orders} open orders and {brought.ledger_entries} "
        f"ledger entries, in commit {brought.sequence}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
