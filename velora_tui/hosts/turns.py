"""Turns: few at once of what costs the event loop much, and nobody who is slow holds up the others for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class Turn:
    """The right to be one of the few; it is given back after some time, though its holder goes on."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._limit: asyncio.TimerHandle | None = None
        self._is_over = False

    def keep(self, seconds: float) -> None:
        """Hold the turn for up to so many seconds from now on; one that is over stays over."""
        if self._limit is not None:
            self._limit.cancel()
        if not self._is_over:
            self._limit = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Let the next one have the turn."""
        if self._limit is not None:
            self._limit.cancel()
        if not self._is_over:
            self._is_over = True
            self._free.release()


class Turns:
    """Gives at most `at_once` turns on each event loop, each for `seconds` unless its holder keeps it longer."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._at_once = at_once
        self._seconds = seconds
        self._free: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a turn, first come first served; leaving ends it."""
        free = self._free.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once))
        await free.acquire()
        turn = Turn(free)
        turn.keep(self._seconds)
        try:
            yield turn
        finally:
            turn.end()
