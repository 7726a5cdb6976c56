# SPDX-License-Identifier: MIT OR Apache-2.0
"""Several changes, one commit."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Awaitable, Optional, Type
from uuid import UUID

from . import _native
from ._values import AlgoState, LedgerEntry


class Transaction(_native.Transaction):
    """Several changes, one commit: all or none. Made by Journal.transaction; of one thread at a time.

    After a call that raised, the transaction is as before that call.
    """

    __slots__ = ()

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
            return self._submit()
        self.abort()
        return asyncio.sleep(0)

    @property
    def algos(self) -> AlgoChanges:
        """`t.algos[id] = AlgoState(...)` puts, `del t.algos[id]` deletes."""
        return AlgoChanges(self)

    @property
    def ledger(self) -> LedgerChanges:
        """`t.ledger.append(entry)`"""
        return LedgerChanges(self)


class AlgoChanges:
    """Changes of algorithms in a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __setitem__(self, id: UUID, state: AlgoState) -> None:
        self._transaction._put_algo(id, state)

    def __delitem__(self, id: UUID) -> None:
        self._transaction._delete_algo(id)


class LedgerChanges:
    """Entries appended by a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def append(self, entry: LedgerEntry) -> None:
        """Appends one entry. The commit raises ExistsError for an id that the book has."""
        self._transaction._append_ledger(entry)
