"""Whether what the script graded is what this run wrote: a verdict on another run's output is void."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from velora_tui.domain.report import Flag
from velora_tui.errors import HostError, StoreError
from velora_tui.hosts.fetch import fetch_tree
from velora_tui.pipeline.harness.deaths import failed
from velora_tui.pipeline.harness.log_facts import LogFacts
from velora_tui.pipeline.harness.place import OutputPlace
from velora_tui.pipeline.harness.record import OutputRecord, model_of
from velora_tui.pipeline.harness.records import read_metadata
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed
from velora_tui.view.text import size

_KEEP_SECONDS = 300.0


async def require_ours(
    ctx: PhaseContext, facts: LogFacts, place: OutputPlace, output: OutputRecord
) -> tuple[Flag, ...]:
    """Check that the script went on with what this run wrote, and tell an old trajectory.

    Raises PhaseFailed with the signature `verdict-void`, and HostErrors.
    """
    metadata = await read_metadata(ctx, place)
    if place.graded_elsewhere:
        reason = f"the script went on with {place.graded_elsewhere}, and this run wrote {place.output}"
        raise await _void(ctx, reason, facts, place, output)
    if output.instance_id not in {"", ctx.task.instance_id}:
        reason = f"the output is of task {output.instance_id[:80]!r}, not of this one"
        raise await _void(ctx, reason, facts, place)
    told = metadata.get("start_time")
    started = output.start_time or (told if isinstance(told, str) else None)
    is_old = place.begun_before(started)
    # The agent may print what looks like upstream's line: a trajectory that was begun in this run tells otherwise.
    is_regraded = is_old or (facts.no_agent and not place.begun_since(output.start_time))
    model = output.model or model_of(metadata)
    is_other_model = bool(model and place.config_model and model != ctx.run.model) and not _is_same_model(
        str(model), str(place.config_model)
    )
    about_model = f"the output was made with {str(model)[:80]!r}, and {ctx.run.model} is {place.config_model!r}"
    if is_other_model and (is_regraded or not facts.outputs):
        raise await _void(ctx, about_model, facts, place)
    if is_old and not facts.outputs:  # only the time tells then that another run wrote it
        raise await _void(ctx, f"the output was begun at {started}, before this run", facts, place)
    flags = []
    if is_regraded:
        detail = f"no agent ran: a trajectory begun at {started or 'an unknown time'} was graded again"
        flags.append(Flag(id="old-trajectory", detail=detail))
    if is_other_model:
        flags.append(Flag(id="model-differs", detail=about_model))
    return tuple(flags)


async def require_task(ctx: PhaseContext, facts: LogFacts, place: OutputPlace, graded: OutputRecord) -> None:
    """Check that the grader's record is of this run's task. Raises PhaseFailed."""
    named = str(graded.details.get("instance_id") or graded.instance_id)
    if named not in {"", ctx.task.instance_id}:
        raise await _void(ctx, f"its result is of task {named[:80]!r}, not of this one", facts, place)


def _is_same_model(one: str, other: str) -> bool:
    """Tell whether two names mean one model: with and without the provider before it."""
    return one == other or one.rpartition("/")[2] == other.rpartition("/")[2]


async def _void(
    ctx: PhaseContext, reason: str, facts: LogFacts, place: OutputPlace, own: OutputRecord | None = None
) -> PhaseFailed:
    """Return the failure; `own` is this run's trajectory, of which the failure tells where it is."""
    message = f"the harness's verdict is void: {reason}"
    remedy = "move the other run's output folder away on the instance, then retry"
    if own is not None:
        patch = (
            f"a patch of {size(len(own.git_patch.encode('utf-8', 'surrogatepass')))}" if own.git_patch else "no patch"
        )
        kept = await _keep_tree(ctx, place)
        message += f"; its own trajectory, with {patch}, was not evaluated"
        remedy = (
            f"on {ctx.instance.name} move {str(place.graded_elsewhere).rpartition('/')[0]} away, then retry; this run's"
            f" trajectory stays in {place.output}{f', a copy is in {kept}' if kept else ''}"
        )
    failure = await failed(ctx, "verdict-void", message, remedy)
    if facts.graded_at is None:
        return PhaseFailed(failure)
    at = facts.graded_at
    # A line's number is one of this phase's log; the evidence may stand in an earlier one.
    line = await asyncio.to_thread(at.line_number) if at.log == ctx.log.path else None
    return PhaseFailed(failure.model_copy(update={"line": line, "evidence": at.text}))


async def _keep_tree(ctx: PhaseContext, place: OutputPlace) -> Path | None:
    """Bring this run's own output home, beside the results and without a verdict; None where that does not work."""
    kept = ctx.work / "not_evaluated"
    with suppress(HostError, StoreError):
        await asyncio.to_thread(shutil.rmtree, kept, ignore_errors=True)
        files = await fetch_tree(ctx.host, place.folder, kept, timeout_seconds=_KEEP_SECONDS)
        return kept if files else None
    return None
