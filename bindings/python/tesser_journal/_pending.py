# SPDX-License-Identifier: MIT OR Apache-2.0
"""Submitted commits and who awaits them.

The library makes commits durable behind the event loop's back and says so through a descriptor that
the loop watches while something is in flight; there is no thread of Python's in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Dict, List, Optional

from . import _native

_Loop = asyncio.AbstractEventLoop


class Watch:
    """One event loop that awaits commits of one journal.

    It watches a descriptor of its own, so that closing the journal, in whichever thread, takes
    nothing away from under the loop.
    """

    def __init__(self, pending: Pending, loop: _Loop) -> None:
        self.loop = loop
        self._pending = pending
        self._fd = os.dup(pending.store.completion_fd())
        loop.add_reader(self._fd, self._take)
        loop.call_soon(self.rest)

    def _take(self) -> None:
        self._pending.take(0, self)

    def settle(self, flights: List[_native.Flight], soon: bool = False) -> None:
        """Tells those who wait in this loop, whose callback this is, unless soon.

        Another loop may have taken these: between that and now this watch may have ended. Who goes
        on with another commit then needs one that has a reader.
        """
        ended = self._pending.watches.get(self.loop) is not self
        try:
            _native.settle(flights, soon or ended)
        finally:  # behind those who were told, and may go on with another commit
            if not _native.is_watching(self):
                self.loop.call_soon(self.rest)

    def rest(self) -> None:
        """Ends the watch when nothing is in flight."""
        if not _native.is_watching(self) and self._pending.watches.get(self.loop) is self:
            self.loop.remove_reader(self._fd)
            self.forget()

    def forget(self) -> None:
        if self._pending.watches.pop(self.loop, None) is self:
            os.close(self._fd)


class Pending:
    """What is in flight of one journal."""

    def __init__(self, store: _native.Store) -> None:
        self.store = store
        self.watches: Dict[_Loop, Watch] = {}

    def watch(self) -> Watch:
        """The watch of the loop that runs."""
        loop = asyncio.get_running_loop()
        watch = self.watches.get(loop)
        if watch is None:
            for other in list(self.watches.values()):
                if other.loop.is_closed():
                    other.forget()
            self.watches[loop] = watch = Watch(self, loop)
        return watch

    def take(self, wait_ms: int, taker: Optional[Watch] = None) -> None:
        """Tells those whose commits are done, also of other loops and of journals that share the
        store. The taker is the watch whose loop calls this, None when a task or a thread does."""
        here = asyncio._get_running_loop()
        own: List[_native.Flight] = []
        for watch, flights in self.store.complete(wait_ms):
            if watch is taker:
                own += flights
            elif watch.loop is here:
                watch.settle(flights, soon=True)
            else:
                with contextlib.suppress(RuntimeError):  # a loop that was closed tells nobody
                    watch.loop.call_soon_threadsafe(watch.settle, flights)
        if taker and own:
            taker.settle(own)

    def finish(self) -> None:
        """Waits until everything in flight is durable, and tells those who await it."""
        while self.store.finish():
            self.take(1000)
        here = asyncio._get_running_loop()
        for watch in list(self.watches.values()):
            if watch.loop is here:
                watch.rest()
            elif watch.loop.is_closed():
                watch.forget()
