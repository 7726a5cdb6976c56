# SPDX-License-Identifier: MIT OR Apache-2.0
"""Submitted commits and who awaits them.

The library makes commits durable behind the event loop's back and says so through a descriptor that
the loop watches while something is in flight; there is no thread of Python's in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Dict, Optional

from . import _native

_Loop = asyncio.AbstractEventLoop


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
        loop.call_soon(self.rest)

    def settle(self, future: "asyncio.Future[int]", sequence: int, error: Optional[Exception]) -> None:
        self.flying -= 1
        if future.done():  # cancelled: the commit happened all the same
            pass
        elif error is None:
            future.set_result(sequence)
        else:
            future.set_exception(error)
        if self.flying == 0:  # behind those who were told, and may go on with another commit
            self.loop.call_soon(self.rest)

    def rest(self) -> None:
        """Ends the watch when nothing is in flight."""
        if self.flying == 0 and self._pending.watches.get(self.loop) is self:
            self.loop.remove_reader(self._fd)
            self.forget()

    def forget(self) -> None:
        if self._pending.watches.pop(self.loop, None) is self:
            os.close(self._fd)


class Pending:
    """What is in flight of one journal."""

    def __init__(self, store: _native.Store) -> None:
        self.store = store
        self.watches: Dict[_Loop, _Watch] = {}

    def submit(self, transaction: _native.Transaction) -> "asyncio.Future[int]":
        """Gives a future that has the commit's sequence when it is durable."""
        loop = asyncio.get_running_loop()
        watch = self.watches.get(loop) or self._watch(loop)
        future: "asyncio.Future[int]" = loop.create_future()
        transaction._submit((watch, future))
        watch.flying += 1
        return future

    def _watch(self, loop: _Loop) -> _Watch:
        for watch in list(self.watches.values()):
            if watch.loop.is_closed():
                watch.forget()
        self.watches[loop] = watch = _Watch(self, loop)
        return watch

    def take(self, wait_ms: int = 0) -> None:
        """Tells those whose commits are done, also of journals that share the store."""
        here = asyncio._get_running_loop()
        for (watch, future), sequence, error in self.store.complete(wait_ms):
            if watch.loop is here:
                watch.settle(future, sequence, error)
            else:
                with contextlib.suppress(RuntimeError):  # a loop that was closed tells nobody
                    watch.loop.call_soon_threadsafe(watch.settle, future, sequence, error)

    def finish(self) -> None:
        """Waits until everything in flight is durable, and tells those who await it."""
        while self.store.in_flight():
            self.take(1000)
        here = asyncio._get_running_loop()
        for watch in list(self.watches.values()):
            if watch.loop is here:
                watch.rest()
            elif watch.loop.is_closed():
                watch.forget()
