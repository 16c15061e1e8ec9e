"""The agent's output.jsonl, read from the instance."""

from __future__ import annotations

import asyncio

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.hosts.command import run_command
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.child import TooLarge
from velora_tui.pipeline.harness.record import OutputRecord
from velora_tui.pipeline.harness.records import read_record_file
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed


def output_path(ctx: PhaseContext) -> str:
    """Return where the agent leaves its output on the instance."""
    return f"{ctx.out}/output.jsonl"


async def read_output(ctx: PhaseContext) -> OutputRecord:
    """Return the attempt's trajectory output. Raises PhaseFailed: missing, too large, broken or another task's.

    Also raises HostErrors, and NotWritten where our own disk is full.
    """
    path = quote_path(output_path(ctx))
    stat = await run_command(ctx.host, f"if [ -e {path} ]; then stat -Lc %s -- {path}; fi")
    if not stat.stdout.strip():
        raise PhaseFailed(_failure(ctx, "output-missing", "the agent left no output.jsonl"))
    try:
        record = await read_record_file(ctx, output_path(ctx), int(stat.stdout))
        await asyncio.to_thread(record.git_patch.encode)  # half of a surrogate pair can't be written to a file
        if record.instance_id != ctx.task.instance_id:
            raise ValueError(f"it is of {record.instance_id[:80]!r}, not of this task")
    except TooLarge as error:
        raise PhaseFailed(_failure(ctx, "output-too-large", f"output.jsonl is too large: {error}")) from None
    except ValueError as error:
        raise PhaseFailed(_failure(ctx, "output-broken", f"output.jsonl cannot be used: {error}")) from None
    return record


def _failure(ctx: PhaseContext, signature: str, message: str) -> Failure:
    return Failure(
        failure_class=FailureClass.AGENT,
        signature=signature,
        message=message,
        remedy="look at the agent's log, then retry from trajectory",
        phase=ctx.phase,
    )
