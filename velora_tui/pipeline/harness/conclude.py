"""What an ended run of the script showed, read from its files: its exit status means almost nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.report import Flag
from velora_tui.errors import CommandFailed
from velora_tui.hosts.files import read_file
from velora_tui.hosts.follow import JobEnd
from velora_tui.pipeline.harness.banners import LOCATING
from velora_tui.pipeline.harness.deaths import KILLED, TERMINATED, death_of, failed, llm_failure, retries_failure
from velora_tui.pipeline.harness.log_facts import LogFacts, read_facts
from velora_tui.pipeline.harness.place import (
    METADATA_LIMIT,
    RECORD_LIMIT,
    OutputPlace,
    locate,
    read_record,
)
from velora_tui.pipeline.harness.record import NotOneRecord, OutputRecord
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed
from velora_tui.pipeline.remote_job import TIME_LIMIT_STATUS
from velora_tui.view.text import size

SHORT_PATCH = 100  # characters; the script takes a shorter patch for none
_RETRIES_FILE = "maximum_retries_exceeded.jsonl"
_NOTE_LIMIT = 1024 * 1024

# The model's own doing, which trying again would only repeat: no failure of the run.
_ORDINARY_ERRORS = ("reached maximum iteration", "AgentStuckInLoop", "stuck in a loop", "maximum budget")


@dataclass(frozen=True)
class Conclusion:
    """An ended run that shows something: `graded` is the grader's record, None where there was no patch."""

    facts: LogFacts
    place: OutputPlace
    output: OutputRecord
    graded: OutputRecord | None
    flags: tuple[Flag, ...] = ()


async def conclude(ctx: PhaseContext, end: JobEnd) -> Conclusion:
    """Return what the run showed. Raises PhaseFailed where it shows nothing, or another run's result; HostErrors."""
    facts = await read_facts(ctx)
    if facts.graded is None and not facts.outputs:
        raise PhaseFailed(await death_of(ctx, end, facts))
    place = await locate(ctx, facts)
    if place is None:
        raise PhaseFailed(await death_of(ctx, end, facts))
    if not _is_graded(end, facts, place):
        return await _without_grade(ctx, end, facts, place)
    output = await _output(ctx, place)
    flags = await _require_ours(ctx, facts, place, output)
    return Conclusion(facts, place, output, await _graded(ctx, facts, place), flags)


def _is_graded(end: JobEnd, facts: LogFacts, place: OutputPlace) -> bool:
    if facts.no_patch or (facts.no_container and not facts.tests and end.exit_status != 0):
        return False
    has_file = place.graded_file(facts.saved) is not None
    if facts.saved is not None or facts.complete:
        return has_file or place.graded not in {None, place.output}
    # An unknown version: the file is the grader's last act, but after a death it may be an older one.
    return has_file and not facts.no_agent and end.exit_status == 0


async def _without_grade(ctx: PhaseContext, end: JobEnd, facts: LogFacts, place: OutputPlace) -> Conclusion:
    """Tell the kinds of NO PATCH apart. Raises PhaseFailed for all that is not the model's own doing."""
    if not facts.no_patch and end.exit_status != 0:
        raise PhaseFailed(await _death_with_output(ctx, end, facts, place))
    if _RETRIES_FILE in place.files:
        note = await read_file(ctx.host, f"{place.folder}/{_RETRIES_FILE}", _NOTE_LIMIT)
        raise PhaseFailed(await retries_failure(ctx, note.decode("utf-8", "replace")))
    output = await _output(ctx, place)
    has_patch = len(output.git_patch) >= SHORT_PATCH
    if output.error and not has_patch and not any(known in output.error for known in _ORDINARY_ERRORS):
        raise PhaseFailed(await llm_failure(ctx, output.error))
    flags = await _require_ours(ctx, facts, place, output)
    if has_patch:
        raise PhaseFailed(
            await failed(
                ctx,
                "evaluation-missing",
                f"the script evaluated nothing, although the trajectory left a patch of {size(len(output.git_patch))}",
                "read the log's end, then retry",
            )
        )
    return Conclusion(facts, place, output, None, flags)


async def _death_with_output(ctx: PhaseContext, end: JobEnd, facts: LogFacts, place: OutputPlace) -> Failure:
    """Return why the script died after it had named its output: behind LOCATING it does so without a word."""
    if facts.banner == LOCATING and end.exit_status not in {None, TIME_LIMIT_STATUS, TERMINATED, KILLED}:
        await _output(ctx, place)
        message = f"the script ended with status {end.exit_status} while looking for its output"
        return await failed(ctx, "output-not-found", message, "read the log's end, then retry")
    return await death_of(ctx, end, facts)


async def _output(ctx: PhaseContext, place: OutputPlace) -> OutputRecord:
    name, remedy = "output.jsonl", "look at the agent's log, then retry"
    if name not in place.files:
        message = f"the run left no output.jsonl in {place.folder}"
        raise PhaseFailed(await failed(ctx, "output-missing", message, remedy, FailureClass.AGENT))
    if place.files[name] > RECORD_LIMIT:
        message = f"output.jsonl is too large: {size(place.files[name])}, at most {size(RECORD_LIMIT)} are read"
        raise PhaseFailed(await failed(ctx, "output-too-large", message, remedy, FailureClass.AGENT))
    try:
        return await read_record(ctx, place, name)
    except NotOneRecord as error:
        message = f"output.jsonl cannot be used: {error}, as where two runs write to one file"
        raise PhaseFailed(await failed(ctx, "output-two-records", message, "retry on its own")) from None
    except ValueError as error:
        message = f"output.jsonl cannot be used: {error}"
        raise PhaseFailed(await failed(ctx, "output-broken", message, remedy, FailureClass.AGENT)) from None


async def _graded(ctx: PhaseContext, facts: LogFacts, place: OutputPlace) -> OutputRecord:
    path = place.graded_file(facts.saved)
    assert path is not None
    remedy = "read the evaluation's log, then retry"
    if place.files[path] > RECORD_LIMIT:
        message = f"{path} is too large: {size(place.files[path])}, at most {size(RECORD_LIMIT)} are read"
        raise PhaseFailed(await failed(ctx, "output-too-large", message, remedy))
    try:
        graded = await read_record(ctx, place, path)
    except ValueError as error:
        message = f"{path} cannot be used: {error}"
        raise PhaseFailed(await failed(ctx, "evaluation-broken", message, remedy)) from None
    named = str(graded.details.get("instance_id") or graded.instance_id)
    if named != ctx.task.instance_id:
        raise await _void(ctx, f"its result is of task {named[:80]!r}, not of this one")
    return graded


async def _require_ours(
    ctx: PhaseContext, facts: LogFacts, place: OutputPlace, output: OutputRecord
) -> tuple[Flag, ...]:
    """Check that the script went on with what this run wrote, and tell an old trajectory. Raises PhaseFailed."""
    metadata = await _metadata(ctx, place)
    if place.graded is not None and place.graded != place.output:
        raise await _void(ctx, f"the script went on with {place.graded}, and this run wrote {place.output}", facts)
    if output.instance_id != ctx.task.instance_id:
        raise await _void(ctx, f"the output is of task {output.instance_id[:80]!r}, not of this one", facts)
    started = output.start_time or metadata.get("start_time")
    is_old = bool(isinstance(started, str) and place.started_local and started < place.started_local)
    model = _model(metadata)
    is_other_model = bool(model and place.config_model and model != place.config_model)
    about_model = f"the output was made with {model[:80]!r}, and {ctx.run.model} is {place.config_model!r}"
    if not facts.outputs and (is_old or is_other_model):  # only these tell then that another run wrote it
        reason = about_model if is_other_model else f"the output was begun at {started}, before this run"
        raise await _void(ctx, reason, facts)
    flags = []
    if facts.no_agent or is_old:
        detail = f"no agent ran: a trajectory begun at {started or 'an unknown time'} was graded again"
        flags.append(Flag(id="old-trajectory", detail=detail))
    if is_other_model:
        flags.append(Flag(id="model-differs", detail=about_model))
    return tuple(flags)


def _model(metadata: dict[str, object]) -> str:
    config = metadata.get("llm_config")
    return str(config.get("model") or "") if isinstance(config, dict) else ""


async def _metadata(ctx: PhaseContext, place: OutputPlace) -> dict[str, object]:
    if "metadata.json" not in place.files:
        return {}
    try:
        data = await read_file(ctx.host, f"{place.folder}/metadata.json", METADATA_LIMIT)
        document = await asyncio.to_thread(json.loads, data)
    except (CommandFailed, ValueError, RecursionError):
        return {}  # validate says that it is no use; what it would have told is not known
    return document if isinstance(document, dict) else {}


async def _void(ctx: PhaseContext, reason: str, facts: LogFacts | None = None) -> PhaseFailed:
    failure = await failed(
        ctx,
        "verdict-void",
        f"the harness's verdict is void: {reason}",
        "move the other run's output folder away on the instance, then retry",
    )
    if facts is None or facts.graded_at is None:
        return PhaseFailed(failure)
    place = facts.graded_at
    # A line's number is one of this phase's log; the evidence may stand in an earlier one.
    line = await asyncio.to_thread(place.line_number) if place.log == ctx.log.path else None
    return PhaseFailed(failure.model_copy(update={"line": line, "evidence": place.text}))
