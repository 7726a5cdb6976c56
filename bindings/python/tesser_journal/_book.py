# SPDX-License-Identifier: MIT OR Apache-2.0
"""One book of a journal: its state, algorithms, ledger, counters and past."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence
from uuid import UUID

from . import _native
from ._values import (
    AlgoState,
    Change,
    Commit,
    EquityPoint,
    LedgerEntry,
    LedgerType,
    LiveState,
    Moment,
    Rollback,
)

if TYPE_CHECKING:
    from ._journal import Journal
    from ._transaction import Transaction


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
        query = (None, None, self.name or "default", kinds, key, 0, False, False)
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

    def frame(
        self,
        what: str,
        *,
        at: Moment = None,
        first: Moment = None,
        last: Moment = None,
        kinds: Sequence[str] = (),
        key: Optional[str] = None,
        floats: bool = False,
    ) -> _native.Frame:
        """A table for data frames, by Arrow's PyCapsule interface: give it to polars.DataFrame,
        pyarrow.table or pandas.DataFrame.from_arrow.

        Decimals are decimal128 where all of a column fit, else text; never floats unless asked. The
        history has a row for each change, with what was and what is as JSON texts.

        Args:
            what: "positions", "orders", "balances", "ledger", "equity" or "history".
            at: a moment of the past, for the first four.
            first, last: moments, for the last two.
            kinds, key: of the history only these, as for Journal.history.
            floats: decimals as float64, rounded to the nearest.

        Raises:
            NotFoundError: that moment is not kept. NoMemoryError.
        """
        query = (first, last, self.name or "default", kinds, key, 0, False, True)
        return self._store.frame(self.name, what, at, floats, query)

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
