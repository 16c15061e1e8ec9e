"""`velora diagnose`: why a run or a result went wrong, or what went wrong across the fleet, cause by cause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, given
from velora_tui.cli.selection import known_fleet, opened_catalog
from velora_tui.cli.session import run_session
from velora_tui.cli.unwritable import say_unwritable
from velora_tui.domain.failure import Failure, FailureGroup, Finding
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import Group, ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.run import Run
from velora_tui.errors import StoreError, UnknownName, UsageError
from velora_tui.store.catalog import CATALOG_FILE, Catalog
from velora_tui.store.layout import Layout
from velora_tui.view.diagnosis_text import failure_lines, finding_lines, group_lines, repair_command, void_lines

if TYPE_CHECKING:
    from velora_tui.engine.diagnosis import Diagnosis
    from velora_tui.engine.engine import Engine


def diagnose(
    ctx: typer.Context,
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Its id, its beginning or end, a task that has one run, or the key of a result as "
            "`velora results --keys` shows it; without it, every run's latest attempt.",
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

    Without a run: the failures of the whole fleet, those of one cause together, and the imported results that say
    nothing of their model.

    Exit status: 0 nothing is wrong, 1 something is, 2 there is no such run.
    """
    options = given(ctx, fleet, state, as_json)
    if run_id is None and attempt is not None:
        raise UsageError("--attempt needs a run", hint="as in `velora diagnose 01K0X3 --attempt 1`")
    known = known_fleet(options)
    layout = options.layout(known)
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    async def work() -> int:
        async with Engine(known or Fleet(), layout, read_only=True) as engine:
            say_unwritable(engine, Console())
            if run_id is None:
                return await _fleet(engine, options)
            try:
                run = engine.run(run_id)
            except UnknownName as unknown:
                found = await asyncio.to_thread(_named_result, options, known, run_id)
                if found is None:
                    hint = f"{unknown.hint}; `velora results --keys` shows the keys of results"
                    raise UnknownName(unknown.message, hint=hint) from None
                return await _result(options, *found, attempt)
            return await _run(engine, options, run, attempt)

    return run_session(work(), on_interrupt=lambda: None)


async def _fleet(engine: Engine, options: Options) -> Exit:
    from velora_tui.engine.diagnosis import latest_failures
    from velora_tui.grading.clusters import cluster

    runs = list(engine.snapshot().runs.values())
    groups = await asyncio.to_thread(lambda: cluster(latest_failures(runs)))
    console = Console()
    void = await asyncio.to_thread(_void, engine.layout, console)
    if options.as_json:
        records = {"groups": [_group_record(group) for group in groups], "imported": [_void_record(g) for g in void]}
        console.document(records)
    else:
        console.lines(group_lines(groups))
        if not groups and (runs or not void):
            console.say("no run's latest attempt has failed" if runs else "there are no runs yet")
        console.lines(void_lines(void) if void else ())
    return Exit.PROBLEM if groups or void else Exit.OK


def _void(layout: Layout, console: Console) -> list[Group]:
    """Return the imported results that say nothing of their model, brought together."""
    from velora_tui.grading.void import void_groups

    path = layout.state / CATALOG_FILE
    if not path.is_file():
        return []
    try:
        with Catalog(path) as catalog:
            return void_groups(catalog.rows())
    except StoreError as error:
        console.complain(error.explain())
        return []


def _named_result(options: Options, fleet: Fleet | None, key: str) -> tuple[ResultRow, AttemptResult] | None:
    """Return the result whose key is `key` or begins so; None where there is none. Raises UnknownName, StoreError."""
    if not (options.layout(fleet).state / CATALOG_FILE).is_file():
        return None
    with opened_catalog(options, fleet) as catalog:
        if not any(row.key.startswith(key) for row in catalog.rows(copies=True)):
            return None
        row = catalog.row(key)
        return row, catalog.result(row)


async def _result(options: Options, row: ResultRow, result: AttemptResult, number: int | None) -> Exit:
    from velora_tui.engine.diagnosis import result_findings
    from velora_tui.pipeline.imported.findings import imported_findings

    if number is not None:
        raise UsageError(f"{row.key} is a result, which has no attempts", hint="leave --attempt out")
    if row.origin == "import":
        findings = await asyncio.to_thread(imported_findings, row, result)
    else:
        findings = await asyncio.to_thread(result_findings, Path(row.folder), result)
    console = Console()
    if options.as_json:
        console.document(_result_record(row, findings))
    else:
        number_words = "" if row.run_number is None else f" · run {row.run_number}"
        console.say(f"{row.key} · {row.task or '–'} · {row.model or '–'}{number_words} · {row.folder}")
        if not row.is_valid:
            console.lines((f"it proves nothing of its model: {row.why}",))
        console.lines(finding_lines(findings, None))
        if row.is_valid and not findings:
            console.say(f"nothing is wrong with it: {row.outcome}")
    return Exit.OK if row.is_valid and not findings else Exit.PROBLEM


async def _run(engine: Engine, options: Options, run: Run, number: int | None) -> Exit:
    from velora_tui.engine.diagnosis import diagnose_attempt

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


def _result_record(row: ResultRow, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "run": row.key,
        "attempt": row.attempt,
        "instance": row.instance or None,
        "task": row.task,
        "model": row.model,
        "state": "finished",
        "outcome": str(row.outcome),
        "valid": row.is_valid,
        "why": row.why,
        "failure": None,
        "findings": [finding.model_dump(mode="json", by_alias=True) for finding in findings],
        "results": row.folder,
    }


def _void_record(group: Group) -> dict[str, Any]:
    return {"why": group.key, "count": len(group.rows), "results": [row.key for row in group.rows]}


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
