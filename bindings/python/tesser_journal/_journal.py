# SPDX-License-Identifier: MIT OR Apache-2.0
"""Journals, their books, and transactions."""

from __future__ import annotations

import asyncio
import atexit
import os
import warnings
import weakref
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import (
    Any,
    AsyncIterator,
    Awaitable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Type,
    Union,
)
from uuid import UUID

from . import _native
from ._errors import ClosedError, MisuseError
from ._json import Json
from ._pending import Pending
from ._values import (
    AlgoState,
    Balance,
    Change,
    Commit,
    EquityPoint,
    ExecutionCheckpoint,
    LedgerEntry,
    LedgerType,
    LiveState,
    Order,
    Portfolio,
    Position,
    Rollback,
    SubAccount,
)

# A moment of the past: a commit's sequence, a time, or either as text; None is the newest commit.
Moment = Union[None, int, datetime, str]

_ENGINES = {"lmdb": 0, "memory": 1}
_DURABILITIES = {"sync": 0, "os": 1}
_KINDS: Sequence[str] = (
    "portfolio portfolio_equity last_candle_ts strategy_state execution_checkpoint member balance "
    "position sub_account last_price order exec_id algo ledger book counter quarantined"
).split()
_open: "weakref.WeakSet[Journal]" = weakref.WeakSet()


def open(
    path: Union[str, "os.PathLike[str]"],
    *,
    book: Optional[str] = None,
    durability: str = "sync",
    read_only: bool = False,
    must_exist: bool = False,
    shared: bool = False,
    map_size: int = 0,
    map_size_max: int = 0,
    segment_size: int = 0,
    lag_bytes: int = 0,
    lag_ms: int = 0,
    history_size: int = 0,
    history_age: int = 0,
    history: bool = True,
) -> Journal:
    """Opens the journal in a directory, creating and recovering it as needed.

    Args:
        book: the book that is meant when none is named; "default".
        durability: "sync": an acknowledged commit survives a power cut; "os": a killed process.
        read_only: look on, beside the writer or without one.
        must_exist: do not create a journal.
        shared: share it with other opens in this process that ask so too.
        map_size, map_size_max, segment_size, lag_bytes, history_size: bytes; 0: the default.
        lag_ms: milliseconds; history_age: seconds; 0: the default.
        history: False: no bases of the past are built, and no log segment is let go.

    Raises:
        BusyError: another process writes it. NotFoundError: with must_exist. CorruptError,
        FormatNewerError, UnsupportedError, ReadOnlyError, FullError, SystemIOError.
    """
    return Journal(
        os.fspath(path),
        None,
        book,
        _ENGINES["lmdb"],
        _DURABILITIES[durability],
        read_only,
        must_exist,
        shared,
        (map_size, map_size_max, segment_size, lag_bytes, lag_ms, history_size, history_age)
        + (not history,),
    )


def open_config(file: Union[str, "os.PathLike[str]"]) -> Journal:
    """Opens the journal that a configuration file (TOML) names. Raises as open, and InvalidError."""
    return Journal(None, os.fspath(file), None, 0, 0, False, False, False, (0,) * 7 + (False,))


def memory(book: Optional[str] = None) -> Journal:
    """A journal in this process's memory, for tests: gone when it is closed; it keeps no history."""
    engine = _ENGINES["memory"]
    return Journal(None, None, book, engine, 0, False, False, False, (0,) * 7 + (False,))


class Journal:
    """An opened journal. Made by open, open_config and memory; a context manager that closes it.

    All methods may be called from any thread. After a fork a child opens its own: everything here
    raises ClosedError in it.
    """

    def __init__(self, *configuration: Any) -> None:
        self._closed = True
        self._store = _native.Store(*configuration)
        self._closed = False
        self._pending = Pending(self._store)
        self._process = os.getpid()
        _open.add(self)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._closed:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2)

    @property
    def closed(self) -> bool:
        """Whether close was called."""
        return self._closed

    def close(self) -> None:
        """Closes the journal; twice is once.

        Waits for calls under way in other threads; commits in flight are made durable and their
        awaiters told. Transactions that were not committed are dropped.
        """
        if not self._closed:
            self._closed = True
            if self._process == os.getpid():
                self._pending.finish()
        self._store.close()

    def book(self, name: Optional[str] = None) -> Book:
        """A book by its name; None: the one the journal was opened with."""
        return Book(self, name)

    def books(self) -> List[str]:
        """The names of the stored books."""
        return self._store.books()

    def create_book(self, name: str) -> Book:
        """Creates a book. Only the very first of a journal needs no such call.

        Raises:
            ExistsError: it is there. InvalidError: no name for a book.
        """
        self._store.book_create(name)
        return Book(self, name)

    def transaction(
        self,
        book: Optional[str] = None,
        *,
        note: Optional[str] = None,
        commit_id: Optional[UUID] = None,
        expected_sequence: int = 0,
        deadline_ms: int = 0,
        sync: bool = False,
        critical: bool = False,
    ) -> Transaction:
        """Begins a transaction: as `with`, it commits at the end and is dropped by an exception; as
        `async with`, it commits without blocking the event loop.

        Args:
            note: why, kept with the commit (1024 bytes).
            commit_id: makes retries safe: a second commit under it is not applied again.
            expected_sequence: not 0: ConflictError when the state changed after that commit.
            deadline_ms: not 0: UnavailableError or UnknownError when the disk takes longer.
            sync: flush in any case. critical: may use the space kept in reserve.
        """
        options = (commit_id, expected_sequence, deadline_ms, sync, critical, note)
        return Transaction(self, book, options)

    def commit(self, transaction: Transaction) -> Awaitable[int]:
        """`await journal.commit(t)`: commits without blocking the event loop, and without a thread.

        The commit is decided when this is called, and durable when the future that it gives has the
        sequence. When who awaits it is cancelled the commit still happens.
        """
        if self._closed:
            raise ClosedError("this journal is closed")
        if transaction._options[2]:
            raise MisuseError("deadline_ms is for commits that block; use asyncio.wait_for here")
        transaction.sequence, future = self._pending.submit(transaction._native, transaction._options)
        return future

    def commit_find(self, commit_id: UUID) -> int:
        """The sequence of the commit with that id. Raises NotFoundError."""
        return self._store.commit_find(commit_id)

    def info(self) -> Dict[str, Any]:
        """What can be told of the journal now: path, sequence, sizes in bytes, its writer."""
        return self._store.info()

    def history(
        self,
        first: Moment = None,
        last: Moment = None,
        *,
        book: Optional[str] = None,
        kinds: Sequence[str] = (),
        key: Optional[str] = None,
        limit: int = 0,
        descending: bool = False,
        old_values: bool = False,
    ) -> Iterator[Commit]:
        """Commits, oldest first, with their changes; with book, kinds or key only those that made
        such changes.

        Raises:
            NotFoundError: it is not kept. UnsupportedError: a journal in memory keeps none.
        """
        query = (first, last, book, _kind_bits(kinds), key, limit, descending, old_values)
        history = self._store.history(*query)
        try:
            while True:
                commit = history.next()
                if commit is None:
                    return
                yield Commit(*commit)
        finally:
            history.close()

    async def follow(
        self,
        first: Moment = None,
        *,
        book: Optional[str] = None,
        kinds: Sequence[str] = (),
        key: Optional[str] = None,
        old_values: bool = False,
        interval: float = 0.05,
    ) -> AsyncIterator[Commit]:
        """Commits as they are acknowledged, by this process or another, from `first` on; None: those
        that come from now on. Looks every `interval` seconds.
        """
        if first is None:
            first = self.info()["sequence"] + 1
        history = None
        try:
            while True:
                if history is None and self.info()["sequence"] >= _sequence_of(first):
                    query = (first, None, book, _kind_bits(kinds), key, 0, False, old_values)
                    history = self._store.history(*query)
                commit = history.next() if history is not None else None
                if commit is None:
                    await asyncio.sleep(interval)
                else:
                    yield Commit(*commit)
        finally:
            if history is not None:
                history.close()

    def __repr__(self) -> str:
        return f"<tesser_journal.Journal{' closed' if self._closed else ''}>"


def _kind_bits(kinds: Sequence[str]) -> int:
    if isinstance(kinds, str):
        kinds = (kinds,)
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no kind; there are {', '.join(_KINDS)}")
    return sum(1 << (_KINDS.index(kind) + 1) for kind in set(kinds))


def _sequence_of(moment: Moment) -> int:
    return moment if isinstance(moment, int) else 0


@atexit.register
def _close_all() -> None:
    for journal in list(_open):
        try:
            journal.close()
        except Exception as error:  # noqa: BLE001 - the interpreter ends; there is nobody to raise to
            warnings.warn(f"closing {journal!r} at exit: {error}", ResourceWarning, stacklevel=1)


class Book:
    """One book of a journal: its state, algorithms, ledger, counters and past."""

    def __init__(self, journal: Journal, name: Optional[str]) -> None:
        self._journal = journal
        self._store = journal._store
        self.name = name

    def load(self) -> LiveState:
        """The state after the newest commit; the empty one when nothing was ever stored.

        Raises:
            NotFoundError: other books are stored but not this one. CorruptError.
        """
        return self._store.state_load(self.name, None)

    def save(self, state: LiveState) -> None:
        """Replaces the state; only what changed is written. Durable on return."""
        self._store.state_save(self.name, state)

    def transaction(self, **options: Any) -> Transaction:
        """Journal.transaction for this book."""
        return self._journal.transaction(self.name, **options)

    @property
    def algos(self) -> Algos:
        """The running algorithms, by id: a mapping of stored ones."""
        return Algos(self)

    @property
    def ledger(self) -> Ledger:
        """Every movement of money."""
        return Ledger(self)

    def reserve(self, counter: str, count: int = 1) -> range:
        """Numbers that no other reservation ever gives again, e.g. for client order ids.

        Always flushed. Reserve blocks, say of 1,000: a number then costs nothing.
        """
        first = self._store.counter_reserve(self.name, counter, count)
        return range(first, first + count)

    def counter_next(self, counter: str) -> int:
        """The first number that is not reserved yet."""
        return self._store.counter_next(self.name, counter)

    def at(self, moment: Moment) -> LiveState:
        """The state as it was right after a commit, by its sequence or by time.

        Raises:
            NotFoundError: that moment is not kept, naming the range that is.
        """
        return self._store.state_load(self.name, moment)

    def diff(
        self, a: Moment, b: Moment = None, *, kinds: Sequence[str] = (), key: Optional[str] = None
    ) -> List[Change]:
        """What is different between two moments, entity by entity."""
        query = (None, None, self.name or "default", _kind_bits(kinds), key, 0, False, False)
        return self._store.diff(a, b, query)

    def equity(self, first: Moment = None, last: Moment = None) -> List[EquityPoint]:
        """The equity over time: a point for each commit that changed it."""
        return self._store.equity(self.name, first, last)

    def history(self, first: Moment = None, last: Moment = None, **filters: Any) -> Iterator[Commit]:
        """Journal.history of this book."""
        return self._journal.history(first, last, book=self.name or "default", **filters)

    def rollback(
        self,
        to: Moment,
        *,
        dry_run: bool = False,
        keep_checkpoint: bool = False,
        note: Optional[str] = None,
    ) -> Rollback:
        """Takes state and algorithms back to what they were, by a new commit; the ledger stays."""
        return Rollback(*self._store.state_rollback(self.name, to, dry_run, keep_checkpoint, note))

    def frame(self, what: str, *, at: Moment = None, floats: bool = False) -> _native.Frame:
        """A table for data frames, by Arrow's PyCapsule interface: give it to polars.DataFrame,
        pyarrow.table or pandas.DataFrame.from_arrow.

        Decimals are decimal128 where all of a column fit, else text; never floats unless asked.

        Args:
            what: "positions", "orders", "balances", "ledger" or "equity".
            at: a moment of the past, for the first three.
            floats: decimals as float64, rounded to the nearest.
        """
        if what not in ("positions", "orders", "balances", "ledger", "equity"):
            raise ValueError(f"{what!r} is none of positions, orders, balances, ledger, equity")
        return self._store.frame(self.name, what, at, floats)

    def __repr__(self) -> str:
        return f"<tesser_journal.Book {self.name or 'default'!r}>"


class Algos(Mapping[UUID, AlgoState]):
    """The stored algorithms of a book, by id. Changed in a transaction."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def load(self, at: Moment = None) -> Dict[UUID, AlgoState]:
        """All of them, in one look; at a moment of the past too."""
        return self._book._store.algos_load(self._book.name, at)

    def __getitem__(self, id: UUID) -> AlgoState:
        return self._book._store.algo_load(self._book.name, id)

    def __iter__(self) -> Iterator[UUID]:
        return iter(self.load())

    def __len__(self) -> int:
        return len(self.load())


class Ledger:
    """The ledger of a book: it only grows."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def append(self, *entries: LedgerEntry) -> None:
        """Appends entries, all or none; durable on return. Raises ExistsError for an id twice."""
        with self._book.transaction() as t:
            for entry in entries:
                t.ledger.append(entry)

    def find(
        self,
        *,
        at: Moment = None,
        exchange: Optional[str] = None,
        asset: Optional[str] = None,
        type: Optional[LedgerType] = None,
        sequence_first: int = 0,
        sequence_last: int = 0,
        time_first: Optional[datetime] = None,
        time_last: Optional[datetime] = None,
        limit: int = 0,
        descending: bool = False,
        by_time: bool = False,
    ) -> List[LedgerEntry]:
        """Entries, by sequence or by time; bounds are included, 0 and None are none."""
        query = (at, exchange, asset, type, sequence_first, sequence_last, time_first, time_last)
        order = (limit, descending, by_time)
        return self._book._store.ledger_find(self._book.name, *query, *order)

    def latest(self) -> int:
        """The sequence of the newest entry, 0 when there is none."""
        return self._book._store.ledger_latest(self._book.name)

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.find())


class Transaction:
    """Several changes, one commit: all or none. Of one thread at a time.

    After a call that raised, the transaction is as before that call.
    """

    def __init__(self, journal: Journal, book: Optional[str], options: Sequence[Any]) -> None:
        self._journal = journal
        self._options = options
        self._native = journal._store.transaction()
        self.sequence: Optional[int] = None  # of the commit, once it is made
        if book is not None:
            self._native.use_book(book)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    async def __aenter__(self) -> Transaction:
        return self

    def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> Awaitable[Any]:
        if kind is None:
            return self._journal.commit(self)
        self.abort()
        return asyncio.sleep(0)

    def commit(self) -> int:
        """Commits; durable on return. Gives the commit's sequence.

        Raises:
            FullError, ConflictError, NotFoundError (the book), InvalidError: nothing changed.
            UnavailableError, UnknownError: see deadline_ms. ClosedError: its text says whether the
            commit was not applied or is unknown until the journal is opened again.
        """
        self.sequence = self._native.commit(*self._options, 0)
        return self.sequence

    def abort(self) -> None:
        """Drops the transaction; after a commit it does nothing."""
        self._native.abort()

    def use_book(self, name: str) -> None:
        """The book that the following calls change."""
        self._native.use_book(name)

    def put_state(self, state: LiveState) -> None:
        """Replaces the whole state."""
        self._native.put_state(state)

    def put_order(self, order: Order) -> None:
        """Puts one open order: in its place when its id is there, else at the end."""
        self._native.put_order(order)

    def delete_order(self, id: str) -> None:
        """Deletes one open order; one that is not there is no error."""
        self._native.delete_order(id)

    def put_portfolio(self, portfolio: Portfolio) -> None:
        """Puts the portfolio's own members; its positions, balances and sub-accounts stay."""
        self._native.put_portfolio(portfolio)

    def delete_portfolio(self) -> None:
        """Deletes the portfolio with all in it."""
        self._native.delete_portfolio()

    def put_sub_account(self, account: SubAccount) -> None:
        """Puts a sub-account's own members; its positions and balances stay."""
        self._native.put_sub_account(account)

    def delete_sub_account(self, exchange: str) -> None:
        """Deletes a sub-account with all in it."""
        self._native.delete_sub_account(exchange)

    def put_position(self, position: Position, sub_account: Optional[str] = None) -> None:
        """Puts one position of the portfolio, or of the sub-account at that exchange."""
        self._native.put_position(position, sub_account)

    def delete_position(self, symbol: str, sub_account: Optional[str] = None) -> None:
        """Deletes one position."""
        self._native.delete_position(symbol, sub_account)

    def put_balance(self, balance: Balance, sub_account: Optional[str] = None) -> None:
        """Puts one balance of the portfolio, or of the sub-account at that exchange."""
        self._native.put_balance(balance, sub_account)

    def delete_balance(self, currency: str, sub_account: Optional[str] = None) -> None:
        """Deletes one balance."""
        self._native.delete_balance(currency, sub_account)

    def put_price(self, symbol: str, price: Decimal) -> None:
        """Puts the last price of a symbol."""
        if price is None:
            raise TypeError("decimal.Decimal or int is needed, not NoneType")
        self._native.set_price(symbol, price)

    def delete_price(self, symbol: str) -> None:
        """Deletes the last price of a symbol."""
        self._native.set_price(symbol, None)

    def set_portfolio_equity(self, equity: Optional[Decimal]) -> None:
        """Sets the portfolio's equity; None removes it."""
        self._native.set_portfolio_equity(equity)

    def set_last_candle_ts(self, time: Optional[datetime]) -> None:
        """Sets the time of the last candle; None removes it."""
        self._native.set_last_candle_ts(time)

    def set_strategy_state(self, value: Json) -> None:
        """Sets the strategy's state, any JSON value; None removes it."""
        self._native.set_strategy_state(value)

    def set_execution_checkpoint(self, checkpoint: Optional[ExecutionCheckpoint]) -> None:
        """Sets the execution checkpoint; None removes it."""
        self._native.set_execution_checkpoint(checkpoint)

    def set_extra(self, members: Dict[str, Json]) -> None:
        """Replaces the unknown top-level members; {} removes them."""
        self._native.set_extra(members)

    @property
    def algos(self) -> AlgoChanges:
        """`t.algos[id] = AlgoState(...)` puts, `del t.algos[id]` deletes."""
        return AlgoChanges(self._native)

    @property
    def ledger(self) -> LedgerChanges:
        """`t.ledger.append(entry)`"""
        return LedgerChanges(self._native)


class AlgoChanges:
    """Changes of algorithms in a transaction."""

    def __init__(self, native: _native.Transaction) -> None:
        self._native = native

    def __setitem__(self, id: UUID, state: AlgoState) -> None:
        if state is None:
            raise TypeError("AlgoState is needed, not NoneType")
        self._native.set_algo(id, state)

    def __delitem__(self, id: UUID) -> None:
        self._native.set_algo(id, None)


class LedgerChanges:
    """Entries appended by a transaction."""

    def __init__(self, native: _native.Transaction) -> None:
        self._native = native

    def append(self, entry: LedgerEntry) -> None:
        """Appends one entry. The commit raises ExistsError for an id that the book has."""
        self._native.append_ledger(entry)
