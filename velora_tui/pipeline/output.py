"""The agent's output.jsonl, read from the instance."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.hosts.files import read_file
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed

OUTPUT_LIMIT = 256 * 1024 * 1024


class TrajectoryOutput(BaseModel):
    """What an output.jsonl says; `record` is the whole object."""

    model_config = ConfigDict(frozen=True)

    git_patch: str
    history_count: int
    error: str | None
    cost: float | None
    record: dict[str, Any]


def parse_output(data: bytes, instance_id: str) -> TrajectoryOutput:
    """Return what the one JSON object in `data` says. Raises ValueError: not one object, or another task's."""
    record = json.loads(data)
    if not isinstance(record, dict):
        raise ValueError("it holds no JSON object")
    if record.get("instance_id") != instance_id:
        raise ValueError(f"it is of {str(record.get('instance_id'))[:80]!r}, not of this task")
    test_result, history, metrics = record.get("test_result"), record.get("history"), record.get("metrics")
    cost = metrics.get("accumulated_cost") if isinstance(metrics, dict) else None
    return TrajectoryOutput(
        git_patch=str(test_result.get("git_patch") or "") if isinstance(test_result, dict) else "",
        history_count=len(history) if isinstance(history, list) else 0,
        error=str(record["error"]) if record.get("error") else None,
        cost=float(cost) if isinstance(cost, int | float) else None,
        record=record,
    )


async def read_output(ctx: PhaseContext) -> TrajectoryOutput:
    """Return the attempt's trajectory output. Raises PhaseFailed where it is missing, broken or another task's."""
    data = await read_file(ctx.host, f"{ctx.out}/output.jsonl", OUTPUT_LIMIT)
    try:
        return await asyncio.to_thread(parse_output, data, ctx.task.instance_id)
    except (ValueError, RecursionError) as error:
        raise PhaseFailed(
            Failure(
                failure_class=FailureClass.AGENT,
                signature="output-broken",
                message=f"output.jsonl cannot be used: {error}",
                remedy="look at the agent's log, then retry from trajectory",
                phase=ctx.phase,
            )
        ) from None
