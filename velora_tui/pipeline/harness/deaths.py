"""Why the script ended without a result: most of its ways to die are silent (HARNESS.md, the table of exits)."""

from __future__ import annotations

import asyncio

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.grading.diagnose import diagnose
from velora_tui.hosts.follow import JobEnd
from velora_tui.pipeline.failures import (
    agent_failure,
    failure_at_end,
    failure_from_log,
    lost_failure,
    time_limit_failure,
)
from velora_tui.pipeline.harness.banners import EXTRACTING, PHASES
from velora_tui.pipeline.harness.log_facts import LogFacts
from velora_tui.pipeline.limits import together_seconds
from velora_tui.pipeline.phase import PhaseContext
from velora_tui.pipeline.remote_job import TIME_LIMIT_STATUS
from velora_tui.store.log_file import LogFile

TERMINATED, KILLED = 143, 137
_VAGUE = "agent-gave-up"


async def death_of(ctx: PhaseContext, end: JobEnd, facts: LogFacts) -> Failure:
    """Return why the script ended in this phase, with the line that shows it."""
    if end.exit_status is None:
        return lost_failure(ctx.phase)
    if end.exit_status == TIME_LIMIT_STATUS:
        return _over_limit(ctx, facts)
    if end.exit_status == TERMINATED:
        message = "something on the instance ended the script (SIGTERM)"
        return await failed(ctx, "terminated", message, "find out who ended it, then retry")
    told = await _told(ctx, f"the script ended with status {end.exit_status}")
    if told is not None:
        return told
    if end.exit_status == KILLED:
        return await failed(ctx, "killed", "the script was killed (SIGKILL)", "check the instance's memory, then retry")
    return await _silent(ctx, end, facts)


def _over_limit(ctx: PhaseContext, facts: LogFacts) -> Failure:
    """Return the failure of a phase, or of a whole job whose phases can't be told apart, that took too long."""
    if facts.over_limit is not None:
        phase, seconds = facts.over_limit
        return time_limit_failure(phase, seconds).model_copy(update={"phase": ctx.phase})
    together = time_limit_failure(ctx.phase, together_seconds(ctx.fleet, PHASES))
    return together.model_copy(update={"message": f"the script {together.message.removeprefix(ctx.phase).lstrip()}"})


async def retries_failure(ctx: PhaseContext, note: str) -> Failure:
    """Return why the agent never started, where the script goes on although every try failed."""
    told = diagnose(ctx.phase, enumerate(note.splitlines(), start=1), "")
    from_log = await _told(ctx, "")
    if from_log is not None and (from_log.signature != _VAGUE or told.signature.endswith("-failed")):
        return from_log
    if not told.signature.endswith("-failed"):
        return told.model_copy(update={"line": await last_line(ctx)})
    message = "the agent failed at every try (maximum_retries_exceeded.jsonl)"
    failure = await failed(ctx, _VAGUE, message, "read the tracebacks in the log, mend the cause, then retry")
    return failure.model_copy(update={"evidence": note.strip()[:300] or failure.evidence})


async def llm_failure(ctx: PhaseContext, error: str) -> Failure:
    """Return the failure for an error of the LLM that ended the trajectory without a patch."""
    told = agent_failure(error)
    from_log = await failure_from_log("trajectory", ctx.log.path, "")
    line = from_log.line if from_log.signature == told.signature else await last_line(ctx)
    return told.model_copy(update={"phase": ctx.phase, "line": line})


async def failed(
    ctx: PhaseContext,
    signature: str,
    message: str,
    remedy: str,
    failure_class: FailureClass = FailureClass.INFRASTRUCTURE,
) -> Failure:
    """Return a failure of this phase whose evidence is the last line of its log."""
    shown = await failure_at_end(ctx.phase, ctx.log.path, message)
    return shown.model_copy(
        update={
            "failure_class": failure_class,
            "signature": signature,
            "message": message,
            "remedy": remedy,
        }
    )


async def last_line(ctx: PhaseContext) -> int | None:
    """Return the number of the last line of this phase's log."""
    file = LogFile(ctx.log.path)
    await asyncio.to_thread(file.refresh)
    return file.line_count or None


async def _told(ctx: PhaseContext, fallback: str) -> Failure | None:
    """Return the known failure that the log's end shows."""
    failure = await failure_from_log(ctx.phase, ctx.log.path, fallback)
    return None if failure.signature == f"{ctx.phase}-failed" else failure


async def _silent(ctx: PhaseContext, end: JobEnd, facts: LogFacts) -> Failure:
    """Tell by where it ended why a script died that said nothing."""
    if facts.banner == EXTRACTING and not facts.read_dataset:
        message = "the script could not read the dataset: it stopped while extracting the image's name"
        return await failed(ctx, "dataset-unreadable", message, "mend the dataset", FailureClass.TASK)
    message = f"the script ended with status {end.exit_status}"
    if end.exit_status == 0:
        message = "the script ended without an error, and without naming an output"
    kind = FailureClass.AGENT if ctx.phase == "trajectory" else FailureClass.INFRASTRUCTURE
    return await failed(
        ctx, f"{ctx.phase}-failed", message, f"read the end of the {ctx.phase} log, mend the cause, then retry", kind
    )
