"""One repair on several instances, from the first look to the last: what its window shows, whether open or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Sequence
from contextlib import suppress

from velora_tui.domain.events import AnyEvent, CommandRan, Notice
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.errors import VeloraError
from velora_tui.ui.port import EngineLike
from velora_tui.view.diagnosis_text import repair_words
from velora_tui.view.repair_progress import Doing


class RepairWork:
    """`plans` are there after `plan`; `doing` and `results` by instance fill in while it is carried out."""

    def __init__(self, engine: EngineLike, repair: str, instances: Sequence[str]) -> None:
        self.repair = repair
        self.instances = tuple(instances)
        self.plans: tuple[RepairPlan, ...] = ()
        self.doing: dict[str, Doing] = {}
        self.results: dict[str, RepairResult] = {}
        self.is_agreed = False
        self.is_over = False
        self._engine = engine
        self._begun = time.monotonic()

    @property
    def title(self) -> str:
        """What it does in a few words."""
        return self.plans[0].title if self.plans else repair_words(self.repair)

    @property
    def possible(self) -> tuple[RepairPlan, ...]:
        """The plans of instances on which something will be done."""
        return tuple(plan for plan in self.plans if plan.steps)

    @property
    def seconds(self) -> float:
        """How long the look, or the work, has taken."""
        return time.monotonic() - self._begun

    async def plan(self) -> None:
        """Look at each instance; nothing is changed. Raises UnknownName, UsageError and StoreError."""
        self.plans = await self._engine.plan_repair(self.instances, self.repair)

    async def carry_out(self) -> None:
        """Do what was planned, on all instances at once; what goes wrong on one is told in its result."""
        self._begun = time.monotonic()
        with self._engine.observe() as events:
            following = asyncio.create_task(self._follow(events))
            try:
                async with asyncio.TaskGroup() as group:
                    for plan in self.possible:
                        group.create_task(self._mend(plan))
            finally:
                self.is_over = True
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following

    async def _mend(self, plan: RepairPlan) -> None:
        try:
            result = await self._engine.repair(plan)
        except VeloraError as error:
            result = RepairResult(instance=plan.instance, repair=plan.repair, error=error.explain())
        self.results[plan.instance] = result

    async def _follow(self, events: AsyncIterable[AnyEvent | Notice]) -> None:
        """Take note of each step that is journalled as begun."""
        steps = {
            (plan.instance, f"{plan.repair}: {step.what}"): Doing(number, step.what)
            for plan in self.possible
            for number, step in enumerate(plan.steps, start=1)
        }
        async for event in events:
            if isinstance(event, CommandRan) and (event.instance, event.purpose) in steps:
                self.doing[event.instance] = steps[event.instance, event.purpose]
