"""Follow the harness's one job from phase to phase: each keeps its own part of the job's log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from velora_tui.hosts.follow import JobEnd, follow_to_end
from velora_tui.hosts.patience import OUTAGE_SECONDS
from velora_tui.pipeline.harness.banners import JOB, BannerCutter
from velora_tui.pipeline.harness.log_facts import earlier_logs, log_facts
from velora_tui.pipeline.phase import PhaseContext

Watcher = Callable[[bytes], None]


class _LaterPhase(Exception):
    """The banner of a later phase has come."""


async def follow_segment(ctx: PhaseContext, watch: Watcher = lambda data: None) -> JobEnd | None:
    """Copy this phase's part of the job's log; return the job's end, or None where a later phase has begun.

    Where to go on is the size of what is here already, so nothing else need be kept. Raises HostErrors and StoreError.
    """
    cutter = BannerCutter(ctx.phase, located=(await asyncio.to_thread(log_facts, [ctx.log.path])).located)

    async def keep(data: bytes) -> None:
        if data:
            await ctx.log.write(data)
            watch(data)

    async def sink(data: bytes) -> None:
        ours, over = cutter.feed(data)
        await keep(ours)
        if over:
            raise _LaterPhase

    try:
        end = await follow_to_end(
            ctx.jobs,
            ctx.spool(JOB),
            sink,
            offset=await asyncio.to_thread(_size, earlier_logs(ctx)) + ctx.log.size,
            patience_seconds=max(ctx.time_limit_seconds, OUTAGE_SECONDS),  # a cut network ends nothing on the instance
            on_break=ctx.on_break,
        )
    except _LaterPhase:
        return None
    await keep(cutter.rest())
    return end


def _size(logs: Iterable[Path]) -> int:
    return sum(log.stat().st_size for log in logs if log.exists())
