"""`velora missing`: which runs still have to be made, as a list or as assignments for `velora batch`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.selection import known_fleet, named_models, opened_catalog, own_runs
from velora_tui.domain.missing import Missing, missing
from velora_tui.domain.report import Outcome
from velora_tui.errors import UsageError
from velora_tui.store.datasets import load_dataset
from velora_tui.store.files import write_pieces
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import table
from velora_tui.view.text import count, counted

ASSIGNMENT_FIELDS = ("dataset", "task", "model", "run_number", "reason")
"""A line of an assignment file: the dataset's absolute path, the task in it, the model, the run number, and why."""


class Format(StrEnum):
    LIST = "list"
    CSV = "csv"
    JSONL = "jsonl"


def missing_(
    ctx: typer.Context,
    datasets: Annotated[list[Path], typer.Option("--dataset", metavar="FILE", help="A dataset file; may be repeated.")],
    models: Annotated[list[str], typer.Option("--model", metavar="M", help="A model or its label; may be repeated.")],
    runs: Annotated[int, typer.Option("--runs", metavar="K", min=1, help="Run numbers 1 to K are wanted.")] = 1,
    accept: Annotated[
        list[Outcome] | None, typer.Option("--accept", help="Count this outcome as valid too, e.g. eval_error.")
    ] = None,
    wanted: Annotated[Format, typer.Option("--format", help="A list, or an assignment file.")] = Format.LIST,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the runs that have no valid result: tasks × models × run numbers.

    Unresolved is a valid result, and so are no patch, and a patch that broke all tests. No valid one is a run whose
    agent died, or whose evaluation showed no test for another reason: the machine, the image or the dataset.

    Exit status: 0 nothing is missing, 1 something is.
    """
    options = given(ctx, fleet, state, as_json)
    known = known_fleet(options)
    places = _places(datasets)
    with opened_catalog(options, known) as catalog:
        rows = catalog.rows()
    models = named_models(models, rows, known)
    attempted = own_runs(options.layout(known))
    found = missing(rows, list(places), models, range(1, runs + 1), accept=frozenset(accept or ()), runs=attempted)
    console = Console()
    if options.as_json:
        console.document(
            {"missing": [_record(run, places) for run in found], "wanted": len(places) * len(models) * runs}
        )
    elif output is not None:
        form = Format.CSV if wanted is Format.LIST else wanted
        write_pieces(output, _assignments(found, places, form))
        console.say(f"{counted(len(found), 'assignment')} written to {output}")
    elif wanted is Format.LIST:
        console.lines(_lines(found, len(places) * len(models) * runs))
    else:
        console.text(_assignments(found, places, wanted))
    return Exit.PROBLEM if found else Exit.OK


def _places(datasets: Iterable[Path]) -> dict[str, Path]:
    """Return the dataset file of each task. Raises DatasetError, and UsageError for a task in two files."""
    places: dict[str, Path] = {}
    for path in datasets:
        for task in load_dataset(path):
            if places.setdefault(task.instance_id, path.resolve()) != path.resolve():
                raise UsageError(f"task {task.instance_id} is in {places[task.instance_id]} and in {path}")
    return places


def _record(run: Missing, places: dict[str, Path]) -> dict[str, object]:
    values = (str(places[run.task]), run.task, run.model, run.run_number, run.reason)
    return dict(zip(ASSIGNMENT_FIELDS, values, strict=True))


def _assignments(found: Iterable[Missing], places: dict[str, Path], form: Format) -> Iterator[str]:
    """Yield an assignment file: CSV with a head line, or a JSON object on a line."""
    if form is Format.JSONL:
        yield from (json.dumps(_record(run, places), ensure_ascii=False) + "\n" for run in found)
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, ASSIGNMENT_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_record(run, places) for run in found)
    yield text.getvalue()


def _lines(found: list[Missing], wanted: int) -> Iterator[Cell]:
    if found:
        rows = [(run.task, Span(run.model, "model"), str(run.run_number), Span(run.reason, "dim")) for run in found]
        yield from table(("TASK", "MODEL", "RUN", "WHY"), rows, right=("RUN",))
    yield f"{count(len(found))} of {counted(wanted, 'run')} {'is' if len(found) == 1 else 'are'} missing"
