# SPDX-License-Identifier: MIT OR Apache-2.0
"""Submitted commits and who awaits them.

The library makes commits durable behind the event loop's back and says so through a descriptor that
the loop watches while something is in flight; there is no thread of Python's in between.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import Any, Dict, Optional, Sequence, Tuple

from . import _native

_Loop = asyncio.AbstractEventLoop
_tokens = itertools.count(1)
# Of all journals of the process: those that share a store take each other's completions.
_awaited: Dict[int, Tuple["_Watch", "asyncio.Future[int]"]] = {}


class _Watch:
    """One event loop that awaits commits of one journal.

    It watches a descriptor of its own, so that closing the journal, in whichever thread, takes
    nothing away from under the loop.
    """

    def __init__(self, pending: Pending, loop: _Loop) -> None:
        self.loop = loop
        self.flying = 0
        self._pending = pending
        self._fd = os.dup(pending.store.completion_fd())
        loop.add_reader(self._fd, pending.take)

    def settle(self, future: "asyncio.Future[int]", sequence: int, error: Optional[Exception]) -> None:
        self.flying -= 1
        if self.flying == 0:
            self.loop.remove_reader(self._fd)
            self.forget()
        if future.done():  # cancelled: the commit happened all the same
            return
        if error is None:
            future.set_result(sequence)
        else:
            future.set_exception(error)

    def forget(self) -> None:
        if self._pending.watches.pop(self.loop, None) is self:
            os.close(self._fd)


class Pending:
    """What is in flight of one journal."""

    def __init__(self, store: _native.Store) -> None:
        self.store = store
        self.watches: Dict[_Loop, _Watch] = {}

    def submit(
        self, transaction: _native.Transaction, options: Sequence[Any]
    ) -> Tuple[int, "asyncio.Future[int]"]:
        """Submits; gives the commit's sequence at once, and a future that has it when it is durable."""
        loop = asyncio.get_running_loop()
        watch = self.watches.get(loop)
        if watch is None:
            watch = self.watches[loop] = _Watch(self, loop)
        future: "asyncio.Future[int]" = loop.create_future()
        token = next(_tokens)
        _awaited[token] = (watch, future)
        watch.flying += 1
        try:
            sequence = transaction.submit(*options, token)
        except BaseException as error:
            del _awaited[token]
            watch.settle(future, 0, None)
            raise error
        return sequence, future

    def take(self, wait_ms: int = 0) -> None:
        """Tells those whose commits are done."""
        for token, sequence, error in self.store.complete(wait_ms):
            watch, future = _awaited.pop(token)
            if watch.loop is asyncio._get_running_loop():
                watch.settle(future, sequence, error)
            elif not watch.loop.is_closed():
                watch.loop.call_soon_threadsafe(watch.settle, future, sequence, error)

    def finish(self) -> None:
        """Waits until everything in flight is durable, and tells those who await it."""
        mine = set(self.watches.values())
        while any(watch in mine for watch, _ in list(_awaited.values())):
            self.take(1000)
        for watch in mine:
            if watch.loop.is_closed():
                watch.forget()
