"""`velora diagnose`: why a run went wrong, or what went wrong across the fleet, cause by cause."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, given
from velora_tui.cli.session import run_session
from velora_tui.cli.unwritable import say_unwritable
from velora_tui.domain.failure import Failure, FailureGroup
from velora_tui.domain.run import Run
from velora_tui.errors import UsageError
from velora_tui.view.diagnosis_text import failure_lines, finding_lines, group_lines, repair_command

if TYPE_CHECKING:
    from velora_tui.engine.diagnosis import Diagnosis
    from velora_tui.engine.engine import Engine


def diagnose(
    ctx: typer.Context,
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Its id, its beginning or end, or a task that has one run; without it, every run's latest attempt.",
        ),
    ] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", metavar="N", min=1, help="Another attempt than the latest.")
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say why a run went wrong, with the line of its log that shows it, and how to mend that.

    Without a run: the failures of the whole fleet, those of one cause together.

    Exit status: 0 nothing is wrong, 1 something is, 2 there is no such run.
    """
    options = given(ctx, fleet, state, as_json)
    if run_id is None and attempt is not None:
        raise UsageError("--attempt needs a run", hint="as in `velora diagnose 01K0X3 --attempt 1`")
    loaded, layout = options.load()
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    async def work() -> int:
        async with Engine(loaded, layout, read_only=True) as engine:
            say_unwritable(engine, Console())
            if run_id is None:
                return await _fleet(engine, options)
            return await _run(engine, options, run_id, attempt)

    return run_session(work(), on_interrupt=lambda: None)


async def _fleet(engine: Engine, options: Options) -> Exit:
    from velora_tui.engine.diagnosis import latest_failures
    from velora_tui.grading.clusters import cluster

    runs = list(engine.snapshot().runs.values())
    groups = await asyncio.to_thread(lambda: cluster(latest_failures(runs)))
    console = Console()
    if options.as_json:
        console.document({"groups": [_group_record(group) for group in groups]})
    elif groups:
        console.lines(group_lines(groups))
    else:
        console.say("no run's latest attempt has failed" if runs else "there are no runs yet")
    return Exit.PROBLEM if groups else Exit.OK


async def _run(engine: Engine, options: Options, run_id: str, number: int | None) -> Exit:
    from velora_tui.engine.diagnosis import diagnose_attempt

    run = engine.run(run_id)
    if not 1 <= (number := number or len(run.attempts)) <= len(run.attempts):
        raise UsageError(f"run {run.run} has no attempt {number}", hint=f"it has {len(run.attempts)}")
    diagnosis = await asyncio.to_thread(diagnose_attempt, engine.layout, run, number)
    console = Console()
    if options.as_json:
        console.document(_record(diagnosis))
    else:
        _print(console, diagnosis)
    return Exit.OK if diagnosis.is_sound else Exit.PROBLEM


def _print(console: Console, diagnosis: Diagnosis) -> None:
    attempt, instance = diagnosis.attempt, diagnosis.attempt.instance
    console.say(f"{_title(diagnosis.run)} · attempt {attempt.number} on {instance or 'no instance'} · {attempt.state}")
    if diagnosis.failure is not None:
        console.lines(failure_lines(diagnosis.failure, instance, diagnosis.around))
        if diagnosis.log is not None:
            console.say(f"  log       {diagnosis.log}")
    console.lines(finding_lines(diagnosis.findings, instance))
    if diagnosis.is_sound:
        outcome = f", {attempt.outcome}" if attempt.outcome else ""
        console.say(f"nothing is wrong with it: {attempt.state}{outcome}")


def _title(run: Run) -> str:
    return f"{run.run} · {run.task} · {run.model} · run {run.run_number}"


def _record(diagnosis: Diagnosis) -> dict[str, Any]:
    run, attempt, failure = diagnosis.run, diagnosis.attempt, diagnosis.failure
    return {
        "run": run.run,
        "attempt": attempt.number,
        "instance": attempt.instance,
        "task": run.task,
        "model": run.model,
        "state": str(attempt.state),
        "outcome": str(attempt.outcome) if attempt.outcome else None,
        "failure": _failure_record(failure) if failure else None,
        "command": repair_command(failure.repair if failure else None, [attempt.instance] if attempt.instance else []),
        "log": str(diagnosis.log) if diagnosis.log else None,
        "around": [{"line": number, "text": text} for number, text in diagnosis.around],
        "findings": [finding.model_dump(mode="json", by_alias=True) for finding in diagnosis.findings],
        "results": str(diagnosis.results) if diagnosis.results else None,
    }


def _failure_record(failure: Failure) -> dict[str, Any]:
    return failure.model_dump(mode="json", by_alias=True)


def _group_record(group: FailureGroup) -> dict[str, Any]:
    return {
        "signature": group.signature,
        "class": str(group.failure_class),
        "count": len(group.members),
        "message": group.message,
        "remedy": group.remedy,
        "repair": group.repair,
        "command": repair_command(group.repair, group.instances),
        "words": group.words,
        "members": [
            {**member.model_dump(mode="json", exclude={"failure"}), "failure": _failure_record(member.failure)}
            for member in group.members
        ],
    }
