"""What an ended run of the script showed, read from its files: its exit status means almost nothing."""

from __future__ import annotations

from dataclasses import dataclass

from velora_tui.domain.agent_error import is_own_doing
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.report import Flag
from velora_tui.hosts.files import read_file
from velora_tui.hosts.follow import JobEnd
from velora_tui.pipeline.child import TooLarge
from velora_tui.pipeline.harness.banners import LOCATING
from velora_tui.pipeline.harness.deaths import KILLED, TERMINATED, death_of, failed, llm_failure, retries_failure
from velora_tui.pipeline.harness.log_facts import LogFacts, read_facts
from velora_tui.pipeline.harness.ownership import require_ours, require_task
from velora_tui.pipeline.harness.place import OutputPlace, locate
from velora_tui.pipeline.harness.record import NotOneRecord, OutputRecord
from velora_tui.pipeline.harness.records import read_record
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed
from velora_tui.pipeline.remote_job import TIME_LIMIT_STATUS
from velora_tui.view.text import size

SHORT_PATCH = 100  # characters; the script takes a shorter patch for none
_RETRIES_FILE = "maximum_retries_exceeded.jsonl"
_NOTE_LIMIT = 1024 * 1024
_OUTPUT = "output.jsonl"
_RETRIES_ERROR = "Maximum retries ("  # how OpenHands begins the error of an instance that it skips


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
    place = await locate(ctx, facts) if facts.outputs or facts.graded or end.exit_status == 0 else None
    if place is None:
        raise PhaseFailed(await _death_without_output(ctx, end, facts))
    if not _is_graded(end, facts, place):
        return await _without_grade(ctx, end, facts, place)
    output = await _output(ctx, place)
    flags = await require_ours(ctx, facts, place, output)
    return Conclusion(facts, place, output, await _graded(ctx, facts, place), flags)


def _is_graded(end: JobEnd, facts: LogFacts, place: OutputPlace) -> bool:
    if facts.no_patch or (facts.no_container and not facts.tests and end.exit_status != 0):
        return False
    path = place.graded_file(facts.saved)
    if facts.saved is not None or facts.complete:
        return path is not None or place.graded_elsewhere is not None
    # An unknown version: the file is the grader's last act.
    return path in place.fresh and end.exit_status == 0


async def _without_grade(ctx: PhaseContext, end: JobEnd, facts: LogFacts, place: OutputPlace) -> Conclusion:
    """Tell the kinds of NO PATCH apart. Raises PhaseFailed for all that is not the model's own doing."""
    if not facts.no_patch and end.exit_status != 0:
        raise PhaseFailed(await _death_with_output(ctx, end, facts, place))
    output = await _output(ctx, place) if _OUTPUT in place.files or _RETRIES_FILE not in place.files else None
    has_patch = output is not None and len(output.git_patch) >= SHORT_PATCH
    if _RETRIES_FILE in place.files and not has_patch:
        raise PhaseFailed(await retries_failure(ctx, await _note(ctx, place)))
    assert output is not None
    if output.error and output.error.startswith(_RETRIES_ERROR) and not has_patch:
        raise PhaseFailed(await retries_failure(ctx, output.error))
    if output.error and not has_patch and not is_own_doing(output.error):
        raise PhaseFailed(await llm_failure(ctx, output.error))
    flags = await require_ours(ctx, facts, place, output)
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


async def _note(ctx: PhaseContext, place: OutputPlace) -> str:
    """Return what is written of the tries that failed; nothing where that is too long to be a note."""
    if place.files[_RETRIES_FILE] > _NOTE_LIMIT:
        return ""
    note = await read_file(ctx.host, f"{place.folder}/{_RETRIES_FILE}", _NOTE_LIMIT)
    return note.decode("utf-8", "replace")


async def _death_without_output(ctx: PhaseContext, end: JobEnd, facts: LogFacts) -> Failure:
    """Return why the script died before it, or the agent, had named an output."""
    if facts.banner == LOCATING and _ended_itself(end):
        message = f"the script found no output of the agent, and ended with status {end.exit_status}"
        return await failed(ctx, "output-missing", message, "look at the agent's log, then retry", FailureClass.AGENT)
    return await death_of(ctx, end, facts)


def _ended_itself(end: JobEnd) -> bool:
    return end.exit_status not in {None, TIME_LIMIT_STATUS, TERMINATED, KILLED}


async def _death_with_output(ctx: PhaseContext, end: JobEnd, facts: LogFacts, place: OutputPlace) -> Failure:
    """Return why the script died after it had named its output: behind LOCATING it does so without a word."""
    if facts.banner == LOCATING and _ended_itself(end):
        await _output(ctx, place)
        message = f"the script ended with status {end.exit_status} while looking for its output"
        return await failed(ctx, "output-not-found", message, "read the log's end, then retry")
    return await death_of(ctx, end, facts)


async def _output(ctx: PhaseContext, place: OutputPlace) -> OutputRecord:
    name, remedy = _OUTPUT, "look at the agent's log, then retry"
    if name not in place.files:
        message = f"the run left no output.jsonl in {place.folder}"
        raise PhaseFailed(await failed(ctx, "output-missing", message, remedy, FailureClass.AGENT))
    try:
        return await read_record(ctx, place, name)
    except TooLarge as error:
        message = f"output.jsonl is too large: {error}"
        raise PhaseFailed(await failed(ctx, "output-too-large", message, remedy, FailureClass.AGENT)) from None
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
    try:
        graded = await read_record(ctx, place, path)
    except TooLarge as error:
        message = f"{path} is too large: {error}"
        raise PhaseFailed(await failed(ctx, "output-too-large", message, remedy)) from None
    except ValueError as error:
        message = f"{path} cannot be used: {error}"
        raise PhaseFailed(await failed(ctx, "evaluation-broken", message, remedy)) from None
    await require_task(ctx, facts, place, graded)
    return graded
