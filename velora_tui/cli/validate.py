"""`velora validate`: what is wrong with datasets, and with results trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.selection import DatasetsOption, kept_tasks, known_fleet, read_tasks
from velora_tui.errors import UsageError
from velora_tui.pipeline.imported.assess import Tasks
from velora_tui.pipeline.imported.validate import Validated, validate_dataset, validate_folder
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import joined
from velora_tui.view.text import count


def validate(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR", help="Dataset files, or folders with runs.", show_default=False),
    ],
    datasets: DatasetsOption = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check dataset files and results trees.

    Of datasets: the fields and their types, lists that a spreadsheet cut, parsers, patches. Of trees: the files that
    must be there, and the operators' quality list.

    Exit status: 0 all good, warnings or not; 1 something is wrong.
    """
    options = given(ctx, fleet, state, as_json)
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no {path}", hint="name dataset files, or folders with finished runs")
    known = known_fleet(options)
    tasks = {**kept_tasks(options.layout(known)), **{task.instance_id: task for task in read_tasks(datasets or [])}}
    console = Console()
    found = _validated(paths, tasks)
    good, total = _print_json(found, console) if options.as_json else _print_lines(found, console)
    if not total:
        named = ", ".join(map(str, paths))
        console.say(f"there is no task and no run in {named} — name dataset files, or folders with finished runs")
    return Exit.OK if good == total and total else Exit.PROBLEM


def _validated(paths: Iterable[Path], tasks: Tasks) -> Iterator[Validated]:
    for path in paths:
        yield from validate_folder(path, tasks) if path.is_dir() else validate_dataset(path)


def _print_json(found: Iterable[Validated], console: Console) -> tuple[int, int]:
    validated = list(found)
    console.document({"checked": [_record(each) for each in validated]})
    return sum(each.is_good for each in validated), len(validated)


def _print_lines(found: Iterable[Validated], console: Console) -> tuple[int, int]:
    good = total = 0
    for each in found:
        total += 1
        good += each.is_good
        console.lines(_lines(each))
    if total:
        console.lines((f"{count(good)} of {count(total)} good",))
    return good, total


def _lines(validated: Validated) -> Iterator[Cell]:
    mark = Span("✓", "good") if validated.is_good else Span("✗", "bad")
    yield joined((mark, validated.kind, Span(validated.name, "strong"), Span(validated.path, "dim")), between="  ")
    for problem in validated.problems:
        tone = Span("  error  ", "bad") if problem.level == "error" else Span("  warning", "look")
        yield joined((tone, problem.field, Span(problem.detail, "dim")), between="  ")


def _record(validated: Validated) -> dict[str, Any]:
    return {
        "kind": validated.kind,
        "path": validated.path,
        "name": validated.name,
        "good": validated.is_good,
        "problems": [
            {"level": problem.level, "field": problem.field, "detail": problem.detail} for problem in validated.problems
        ],
    }
