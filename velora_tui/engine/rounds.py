"""Checks of many instances at once: when asked, and again and again while a dashboard is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.task import Task
from velora_tui.engine.checkup import Scope, Slow
from velora_tui.engine.machines import Machines
from velora_tui.errors import StoreError, UnknownName
from velora_tui.readiness.checks import fleet_checks

NextTask = Callable[[], Awaitable[Task | None]]


class Rounds:
    """Goes round the fleet; `next_task` tells for which task the image is looked for."""

    def __init__(self, fleet: Fleet, machines: Machines, next_task: NextTask) -> None:
        self._fleet = fleet
        self._machines = machines
        self._next_task = next_task

    def names(self, instances: Iterable[str]) -> list[str]:
        """Return the instances that are meant, each once: those named, or all. Raises UnknownName."""
        every = [instance.name for instance in self._fleet.instances]
        return list(dict.fromkeys(self._machines.instance(name).name for name in instances)) or every

    async def check(
        self, names: Sequence[str], slow: Slow, only: frozenset[str] = frozenset(), task: Task | None = None
    ) -> tuple[Readiness, ...]:
        """Check the instances at the same time. Raises UnknownName and StoreError."""
        known = [check.id for check in fleet_checks(self._fleet)]
        if unknown := only - set(known):
            raise UnknownName.of("check", min(unknown), known)
        return await self._go(names, Scope(slow, only, task=task or await self._next_task()))

    async def keep_checking(self, minutes: float | None) -> None:
        """Check all instances, and by the cheap checks every `minutes` from then on, until cancelled."""
        pause_seconds = 60 * (self._fleet.defaults.check_minutes if minutes is None else minutes)
        names, slow = self.names(()), Slow.ALL
        while True:
            with suppress(StoreError):  # a disk that is full now may not be so the next time
                await self._go(names, Scope(slow, task=await self._next_task(), routine=slow is Slow.NONE))
            if not pause_seconds:
                return
            slow = Slow.NONE
            await asyncio.sleep(pause_seconds)

    async def _go(self, names: Sequence[str], scope: Scope) -> tuple[Readiness, ...]:
        return tuple(await asyncio.gather(*(self._machines.check(name, scope) for name in names)))
