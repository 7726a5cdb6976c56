# SPDX-License-Identifier: MIT OR Apache-2.0
"""Journals."""

from __future__ import annotations

import asyncio
import atexit
import os
import warnings
import weakref
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Dict, Iterator, List, Optional, Sequence, Type, Union
from uuid import UUID

from . import _native
from ._book import Book
from ._pending import Pending
from ._transaction import Transaction
from ._values import Commit, Moment

_ENGINES = {"lmdb": 0, "memory": 1}
_DURABILITIES = {"sync": 0, "os": 1}
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
        self._watch = self._pending.watch  # for submit
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
        return self._store.begin(
            Transaction, self, book, commit_id, expected_sequence, deadline_ms, sync, critical, note
        )

    def commit(self, transaction: Transaction) -> Awaitable[int]:
        """`await journal.commit(t)`: commits without blocking the event loop, and without a thread.

        The commit is decided when this is called, and durable when the future that it gives has the
        sequence. When who awaits it is cancelled the commit still happens.
        """
        return transaction._submit()

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
        query = (first, last, book, kinds, key, limit, descending, old_values)
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
                    query = (first, None, book, kinds, key, 0, False, old_values)
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


def _sequence_of(moment: Moment) -> int:
    return moment if isinstance(moment, int) else 0


@atexit.register
def _close_all() -> None:
    for journal in list(_open):
        try:
            journal.close()
        except Exception as error:  # noqa: BLE001 - the interpreter ends; there is nobody to raise to
            warnings.warn(f"closing {journal!r} at exit: {error}", ResourceWarning, stacklevel=1)
