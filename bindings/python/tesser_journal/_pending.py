# SPDX-License-Identifier: MIT OR Apache-2.0
"""Submitted commits and who awaits them.

The library makes commits durable behind the event loop's back and says so through a descriptor that
the loop watches while something is in flight; there is no thread of Python's in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Dict, List, Optional, Tuple

from . import _native
from ._errors import ClosedError

_Loop = asyncio.AbstractEventLoop
# ((the watch, the future), the commit's sequence, what failed)
_Outcome = Tuple[Tuple["_Watch", "asyncio.Future[int]"], int, Optional[Exception]]


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

    def settle(self, outcomes: List[_Outcome]) -> None:
        """Tells those who wait in this loop."""
        for (_, future), sequence, error in outcomes:
            if future.done():  # cancelled: the commit happened all the same
                continue
            if error is None:
                future.set_result(sequence)
            else:
                future.set_exception(error)
        self.flying -= len(outcomes)
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
        self.closed = False
        self.watches: Dict[_Loop, _Watch] = {}

    def submit(self, transaction: _native.Transaction) -> "asyncio.Future[int]":
        """Gives a future that has the commit's sequence when it is durable."""
        if self.closed:
            raise ClosedError("this journal is closed")
        loop = asyncio.get_running_loop()
        watch = self.watches.get(loop) or self._watch(loop)
        future: "asyncio.Future[int]" = asyncio.Future(loop=loop)
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
        of_watches: Dict[_Watch, List[_Outcome]] = {}
        for outcome in self.store.complete(wait_ms):
            of_watches.setdefault(outcome[0][0], []).append(outcome)
        for watch, outcomes in of_watches.items():
            if watch.loop is here:
                watch.settle(outcomes)
            else:
                with contextlib.suppress(RuntimeError):  # a loop that was closed tells nobody
                    watch.loop.call_soon_threadsafe(watch.settle, outcomes)

    def finish(self) -> None:
        """Waits until everything in flight is durable, and tells those who await it."""
        self.closed = True
        while self.store.in_flight():
            self.take(1000)
        here = asyncio._get_running_loop()
        for watch in list(self.watches.values()):
            if watch.loop is here:
                watch.rest()
            elif watch.loop.is_closed():
                watch.forget()
