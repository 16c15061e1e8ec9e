"""image, trajectory, evaluation: what the script does, phase by phase; all wait for the same job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from velora_tui.hosts.follow import JobEnd
from velora_tui.pipeline.harness import job
from velora_tui.pipeline.harness.agent_progress import TrajectoryWatcher
from velora_tui.pipeline.harness.banners import JOB
from velora_tui.pipeline.harness.log_facts import LogFacts, read_facts
from velora_tui.pipeline.harness.log_follow import follow_segment
from velora_tui.pipeline.harness.phase_times import phase_seconds, timed_conclusion
from velora_tui.pipeline.harness.progress import EvaluationWatcher, ImageWatcher, polling
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.view.text import size


class Image:
    """Starts the job, which runs on through the later phases."""

    name = "image"
    job: str | None = JOB

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        await ctx.jobs.start(
            ctx.spool(JOB),
            job.script(ctx),
            job.environment(ctx),
            time_limit_seconds=job.time_limit_seconds(ctx),
            cleanup=job.clean_up(ctx),
        )
        watcher = ImageWatcher(ctx)
        async with polling(watcher.poll):
            end = await follow_segment(ctx, watcher)
        if end is not None:
            await timed_conclusion(ctx, end)
            return PhaseResult("this version of the script does not tell its phases apart", seconds=end.seconds)
        facts = await read_facts(ctx)
        detail = "already loaded" if facts.image_cached else "loaded"
        return PhaseResult(detail, seconds=await phase_seconds(ctx))

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


class Trajectory:
    name = "trajectory"
    job: str | None = JOB

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        watcher = TrajectoryWatcher(ctx)
        if ctx.log.size:
            await asyncio.to_thread(watcher.read_back, ctx.log.path)
        async with polling(watcher.poll):
            end = await follow_segment(ctx, watcher)
        return await _result(ctx, end, _trajectory_detail)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


class Evaluation:
    name = "evaluation"
    job: str | None = JOB

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        return await _result(ctx, await follow_segment(ctx, EvaluationWatcher(ctx)), _evaluation_detail)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


async def _result(ctx: PhaseContext, end: JobEnd | None, detail: Callable[[LogFacts], str]) -> PhaseResult:
    """Return how the phase ended. Raises PhaseFailed where the job ended in it and shows nothing."""
    facts = await read_facts(ctx)
    if ctx.log.size == 0:
        return PhaseResult("no patch" if facts.no_patch else "the script printed no banner for it", skipped=True)
    if end is not None:
        await timed_conclusion(ctx, end)
    return PhaseResult(detail(facts), seconds=await phase_seconds(ctx))


def _trajectory_detail(facts: LogFacts) -> str:
    if facts.no_patch:
        return "no patch"
    return f"patch {size(facts.patch_bytes)}" if facts.patch_bytes is not None else ""


def _evaluation_detail(facts: LogFacts) -> str:
    return f"{facts.tests:,} test results" if facts.tests is not None else ""
