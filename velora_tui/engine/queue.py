"""Attempts that wait for an instance: first in, first out, among those that fit the instance."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A waiting attempt. `instance` None fits any; `resume` takes up an attempt that runs already.

    With `wait` a busy instance is waited for; without it, one that somebody else was quicker to take fails the attempt.
    """

    run: str
    attempt: int
    instance: str | None
    force: bool = False
    resume: bool = False
    wait: bool = False

    def fits(self, instance: str) -> bool:
        return self.instance in {None, instance}


class AttemptQueue:
    """The waiting attempts of this process."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._changed = asyncio.Condition()

    @property
    def runs(self) -> tuple[str, ...]:
        """The run ids that wait for their first instance, in order."""
        return tuple(entry.run for entry in self._entries if not entry.resume)

    async def put(self, entry: Entry) -> None:
        """Append `entry`; one that resumes goes before those that start."""
        async with self._changed:
            self._entries.insert(0 if entry.resume else len(self._entries), entry)
            self._changed.notify_all()

    async def put_back(self, entry: Entry) -> None:
        """Return an entry that could not start yet to the head of the queue."""
        async with self._changed:
            self._entries.insert(0, entry)
            self._changed.notify_all()

    async def first_for(self, instance: str) -> Entry:
        """Wait for an entry that fits `instance` and return it, leaving it in the queue."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._first(instance) is not None)
            entry = self._first(instance)
            assert entry is not None
            return entry

    def take(self, entry: Entry) -> bool:
        """Remove `entry`; False where another instance was quicker, or it was stopped."""
        if entry not in self._entries:
            return False
        self._entries.remove(entry)
        return True

    def remove(self, run: str) -> Entry | None:
        """Remove and return the entry of `run`, or return None where it does not wait."""
        for entry in self._entries:
            if entry.run == run:
                self._entries.remove(entry)
                return entry
        return None

    def _first(self, instance: str) -> Entry | None:
        return next((entry for entry in self._entries if entry.fits(instance)), None)
