# SPDX-License-Identifier: MIT OR Apache-2.0
"""tesser-journal: durable memory for a trading runtime.

    import tesser_journal

    with tesser_journal.open("./journal") as journal:
        state = journal.book().load()
        with journal.transaction() as t:
            t.put_order(order)
            t.algos[id] = AlgoState("TWAP", {"filled": Decimal("0.50")})

What a `with` block committed is on the disk when it ends; after an exception nothing of it is. One
process writes a journal; others open it with read_only=True. Every failure is an `Error`.
"""

from __future__ import annotations

import asyncio as _asyncio
import logging as _logging
from contextvars import copy_context as _copy_context
from datetime import timezone as _timezone
from decimal import Decimal as _Decimal
from uuid import UUID as _UUID

from . import _errors, _json, _native, _values
from ._errors import (
    BusyError,
    ClosedError,
    ConflictError,
    CorruptError,
    Error,
    ExistsError,
    FormatNewerError,
    FullError,
    InexactError,
    InvalidError,
    LimitError,
    MisuseError,
    NoMemoryError,
    NotFoundError,
    ReadOnlyError,
    SystemIOError,
    UnavailableError,
    UnknownError,
    UnsupportedError,
)
from ._json import Json, JsonText
from ._values import (
    AlgoState,
    Balance,
    Change,
    Commit,
    EquityPoint,
    ExecutionCheckpoint,
    LedgerEntry,
    LiveState,
    Order,
    OrderRequest,
    Portfolio,
    Position,
    Rollback,
    SubAccount,
    Time,
)

_log = _logging.getLogger("tesser_journal")
_LEVELS = {1: _logging.INFO, 2: _logging.WARNING, 3: _logging.ERROR}

_native.setup(
    _values,
    _errors.BY_STATUS,
    _Decimal,
    _UUID,
    _timezone.utc,
    _json.loads,
    _json.dumps,
    lambda level, message: _log.log(_LEVELS[level], "%s", message),
    _asyncio.CancelledError,
    _asyncio.InvalidStateError,
    _copy_context,
)

from ._book import Book  # noqa: E402
from ._journal import Journal, memory, open, open_config  # noqa: E402
from ._transaction import Transaction  # noqa: E402

__version__: str = _native.version()

__all__ = [
    "AlgoState",
    "Balance",
    "Book",
    "BusyError",
    "Change",
    "ClosedError",
    "Commit",
    "ConflictError",
    "CorruptError",
    "EquityPoint",
    "Error",
    "ExecutionCheckpoint",
    "ExistsError",
    "FormatNewerError",
    "FullError",
    "InexactError",
    "InvalidError",
    "Journal",
    "Json",
    "JsonText",
    "LedgerEntry",
    "LimitError",
    "LiveState",
    "MisuseError",
    "NoMemoryError",
    "NotFoundError",
    "Order",
    "OrderRequest",
    "Portfolio",
    "Position",
    "ReadOnlyError",
    "Rollback",
    "SubAccount",
    "SystemIOError",
    "Time",
    "Transaction",
    "UnavailableError",
    "UnknownError",
    "UnsupportedError",
    "memory",
    "open",
    "open_config",
]
