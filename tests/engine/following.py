"""Waiting for what an engine tells, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from velora_tui.domain.events import AnyEvent, AttemptFinished, Notice, PhaseStarted
from velora_tui.domain.run import Attempt, Run
from velora_tui.engine.engine import Engine
from velora_tui.engine.ledger import Subscription

LIMIT_SECONDS = 90


async def until(subscription: Subscription, wanted: Callable[[AnyEvent | Notice], bool]) -> AnyEvent | Notice:
    """Return the first event or notice that is `wanted`."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for event in subscription:
            if wanted(event):
                return event
    raise AssertionError("unreachable: a subscription does not end")


async def phase_of(subscription: Subscription, run: Run, phase: str) -> None:
    """Wait until `phase` of `run` has started."""
    await until(
        subscription, lambda event: isinstance(event, PhaseStarted) and (event.run, event.phase) == (run.run, phase)
    )


async def ended(engine: Engine, subscription: Subscription, runs: Sequence[Run]) -> list[Attempt]:
    """Wait until the latest attempt of each run is over, and return them."""
    waiting = {run.run for run in runs if engine.run(run.run).is_active}
    while waiting:
        event = await until(subscription, lambda event: isinstance(event, AttemptFinished))
        assert isinstance(event, AttemptFinished)
        waiting.discard(event.run)
    attempts = [engine.run(run.run).attempt for run in runs]
    return [attempt for attempt in attempts if attempt is not None]


async def taken_up(engine: Engine) -> list[str]:
    """Attach as soon as there is something to take up, and return the runs."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not (taken := await engine.attach()):  # noqa: ASYNC110 - a lock that is freed tells nobody
            await asyncio.sleep(0.02)
    return [run.run for run in taken]


async def collected(events: AsyncIterator[AnyEvent | Notice], into: list[AnyEvent | Notice]) -> None:
    """Append everything that comes, until cancelled."""
    async for event in events:
        into.append(event)
