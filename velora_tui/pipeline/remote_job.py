"""Run a phase's script as a durable job on the instance, with its log copied home as it is written."""

from __future__ import annotations

from collections.abc import Mapping

from velora_tui.domain.failure import Failure
from velora_tui.hosts.follow import JobEnd, follow_to_end
from velora_tui.hosts.patience import OUTAGE_SECONDS
from velora_tui.pipeline.failures import failure_from_log, lost_failure, time_limit_failure
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed
from velora_tui.pipeline.phase_log import LineObserver, LineSplitter

TIME_LIMIT_STATUS = 124


async def run_job(
    ctx: PhaseContext, script: str, environment: Mapping[str, str], on_line: LineObserver = lambda line: None
) -> float | None:
    """Start the job, or find it started, and follow it to its end. Raises PhaseFailed where it does not end well.

    Returns how many seconds it took by the instance's clock.
    """
    await ctx.jobs.start(ctx.spool(ctx.phase), script, environment, time_limit_seconds=ctx.time_limit_seconds)
    end = await follow_job(ctx, on_line)
    if end.exit_status != 0:
        raise PhaseFailed(await _failure(ctx, end), end.seconds)
    return end.seconds


async def follow_job(ctx: PhaseContext, on_line: LineObserver) -> JobEnd:
    """Copy the rest of the job's log and return how it ended. Raises HostError when patience ends."""
    splitter = LineSplitter(on_line)

    async def sink(data: bytes) -> None:
        await ctx.log.write(data)
        splitter.feed(data)

    return await follow_to_end(
        ctx.jobs,
        ctx.spool(ctx.phase),
        sink,
        offset=ctx.log.size,
        patience_seconds=max(ctx.time_limit_seconds, OUTAGE_SECONDS),  # a cut network ends nothing on the instance
        on_break=ctx.on_break,
    )


async def _failure(ctx: PhaseContext, end: JobEnd) -> Failure:
    if end.exit_status is None:
        return lost_failure(ctx.phase)
    if end.exit_status == TIME_LIMIT_STATUS:
        return time_limit_failure(ctx.phase, ctx.time_limit_seconds)
    fallback = f"the {ctx.phase} job ended with status {end.exit_status}"
    return await failure_from_log(ctx.phase, ctx.log.path, fallback)
