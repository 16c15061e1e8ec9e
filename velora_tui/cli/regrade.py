"""`velora regrade`: a second opinion on finished runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.selection import (
    DatasetsOption,
    Selection,
    WhereOption,
    kept_tasks,
    known_fleet,
    named_row,
    opened_catalog,
    read_tasks,
)
from velora_tui.pipeline.imported.assess import Tasks
from velora_tui.pipeline.imported.regrade import Regraded, regrade_below, regrade_folder
from velora_tui.store.catalog import Catalog
from velora_tui.store.trees import OnProblem
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import joined
from velora_tui.view.compare import flip_lines, flip_record, run_record
from velora_tui.view.states import outcome_state
from velora_tui.view.text import count, counted
from velora_tui.view.ungraded import ungraded_lines, ungraded_record


def regrade(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN|DIR", help="Results, or folders; without one, every result there is."),
    ] = None,
    datasets: DatasetsOption = None,
    where: WhereOption = "",
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Grade finished runs again from their test output, and list what flips and why.

    Our verdict is set against the harness's, and against the one that is stored. Nothing is changed.

    Exit status: 0 nothing flips, 1 something does, or could not be read or graded.
    """
    options = given(ctx, fleet, state, as_json)
    known = known_fleet(options)
    console = Console()
    problems: dict[tuple[str, str], None] = {}  # a folder that several results lie in tells its own but once
    tasks = {**kept_tasks(options.layout(known)), **{task.instance_id: task for task in read_tasks(datasets or [])}}

    def on_problem(folder: Path, problem: str) -> None:
        if (told := (str(folder), problem)) not in problems:
            problems[told] = None
            console.complain(f"{folder}: {problem}")

    with opened_catalog(options, known) as catalog:
        selection, everything = Selection(where), catalog.rows()
        chosen = [] if targets else selection.of(everything, known)
        nothing = "there is no finished run to grade — `velora import` takes some in, or name a folder with some"
        if everything and not targets:
            nothing = selection.matches_none_of(everything)
        found = _regraded(catalog, targets or [row.key for row in chosen], tasks, on_problem)
        return _print_all(found, problems, console, nothing, as_json=options.as_json)


def _regraded(catalog: Catalog, targets: list[str], tasks: Tasks, on_problem: OnProblem) -> Iterator[Regraded]:
    for target in targets:
        if Path(target).is_dir():
            yield from regrade_below(Path(target).resolve(), tasks, on_problem)
        else:
            row = named_row(catalog, target)
            of_folder = list(regrade_folder(Path(row.folder), tasks, on_problem))
            yield from [run for run in of_folder if run.result.run == row.key] or of_folder[:1]


def _print_all(
    found: Iterator[Regraded], problems: Collection[tuple[str, str]], console: Console, nothing: str, *, as_json: bool
) -> Exit:
    records: list[dict[str, Any]] = []
    ungraded: Counter[str] = Counter()
    seen = flipped = 0
    for regraded in found:
        seen += 1
        ungraded.update([regraded.why_ungraded] if regraded.why_ungraded else ())
        flipped += regraded.says_otherwise
        if as_json:
            records.append(_record(regraded))
        elif regraded.says_otherwise:
            console.lines(_lines(regraded))
    graded = seen - ungraded.total()
    if as_json:
        told = [{"folder": folder, "problem": problem} for folder, problem in problems]
        counts = {"regraded": graded, "flipped": flipped, "ungraded": ungraded_record(ungraded)}
        console.document({"runs": records, **counts, "problems": told})
    else:
        for line in ungraded_lines(ungraded):
            console.complain(line)
        console.lines((f"{counted(graded, 'run')} graded again · {count(flipped)} with flips",))
    if not (seen or problems):
        console.say(nothing)
    return Exit.PROBLEM if flipped or problems or ungraded else Exit.OK


def _lines(regraded: Regraded) -> Iterator[Cell]:
    result, stored = regraded.result, regraded.stored
    number = "" if result.run_number is None else f"run {result.run_number}"
    harness = result.harness_verdict.resolved if result.harness_verdict else None
    said = "" if harness is None else f"harness: {'resolved' if harness else 'unresolved'}"
    before = f"stored: {stored.outcome.value}" if stored and regraded.outcome_changed else ""
    yield joined(
        (
            Span(result.task or "–", "strong"),
            Span(result.model or "–", "model"),
            number,
            outcome_state(result.outcome).spans,
            said,
            before,
            Span(regraded.folder, "dim"),
        )
    )
    yield from flip_lines(result.flips)
    for name in regraded.changed:
        yield joined((Span("   stored otherwise", "look"), name))


def _record(regraded: Regraded) -> dict[str, Any]:
    result, stored = regraded.result, regraded.stored
    harness = result.harness_verdict
    return {
        **run_record(result),
        "folder": regraded.folder,
        "verified": result.is_verified,
        "harness_resolved": harness.resolved if harness else None,
        "stored_outcome": stored.outcome.value if stored else None,
        "flips": [flip_record(flip) for flip in result.flips],
        "changed": list(regraded.changed),
        "flags": [flag.model_dump(mode="json") for flag in result.all_flags],
    }
