"""`velora export`: results as files that other tools read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.selection import (
    ModelsOption,
    NumbersOption,
    Selection,
    TasksOption,
    WhereOption,
    known_fleet,
    opened_catalog,
)
from velora_tui.domain.counting import latest
from velora_tui.domain.events import now
from velora_tui.domain.listing import ResultRow
from velora_tui.errors import UsageError
from velora_tui.grading.report import GradedRun, aggregate_report
from velora_tui.pipeline.imported.patches import patch_of
from velora_tui.store.catalog import Catalog
from velora_tui.store.files import write_pieces
from velora_tui.view.export import as_csv, as_html, as_json, as_jsonl, as_markdown, predictions
from velora_tui.view.text import counted


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    HTML = "html"
    PREDICTIONS = "predictions"
    SWEBENCH_REPORT = "swebench-report"


def export(
    ctx: typer.Context,
    wanted: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; without it, standard output.")
    ] = None,
    where: WhereOption = "",
    models: ModelsOption = None,
    tasks: TasksOption = None,
    run_numbers: NumbersOption = None,
    valid: Annotated[bool, typer.Option("--valid", help="Only valid results, of each run the newest.")] = False,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The HTML page's title.")] = "Results",
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json_option: JsonOption = False,
) -> int:
    """Write results for other tools.

    predictions and swebench-report are SWE-bench's formats, with one result for each task: choose one model, and one
    run number where there are several.

    Exit status: 0, or 1 where the file could not be written.
    """
    options = given(ctx, fleet, state, as_json_option)
    known = known_fleet(options)
    console = Console()
    with opened_catalog(options, known) as catalog:
        selection, everything = Selection(where, models, tasks, run_numbers), catalog.rows()
        rows = selection.of(everything, known)
        if everything and not rows:
            console.say(selection.matches_none_of(everything))
        chosen = latest(row for row in rows if row.is_valid) if valid else rows
        form = Format.JSON if options.as_json and wanted is Format.CSV else wanted
        pieces = _pieces(form, chosen, catalog, title)
        if output is None:
            console.text(pieces)
        else:
            write_pieces(output, pieces)
            console.say(f"{counted(len(chosen), 'result')} written to {output}")
    return Exit.OK


def _pieces(wanted: Format, rows: Sequence[ResultRow], catalog: Catalog, title: str) -> Iterator[str]:
    match wanted:
        case Format.CSV:
            return as_csv(rows)
        case Format.JSON:
            return as_json(rows)
        case Format.JSONL:
            return as_jsonl(rows)
        case Format.MARKDOWN:
            return as_markdown(rows)
        case Format.HTML:
            return as_html(rows, title, now())
        case Format.PREDICTIONS:
            return predictions((row, patch_of(Path(row.folder), row.task)) for row in _one_a_task(rows))
        case Format.SWEBENCH_REPORT:
            return iter((json.dumps(aggregate_report(_graded(_one_a_task(rows), catalog)), indent=4) + "\n",))


def _graded(rows: Iterable[ResultRow], catalog: Catalog) -> Iterator[GradedRun]:
    for row in rows:
        yield GradedRun(row.task, patch_of(Path(row.folder), row.task), catalog.result(row).verdict)


def _one_a_task(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Return the newest result of each run. Raises UsageError where a task has several runs."""
    found = latest(rows)
    twice = [task for task, number in Counter(row.task for row in found).items() if number > 1]
    if twice:
        raise UsageError(
            f"{counted(len(twice), 'task has', 'tasks have')} several results, such as {twice[0] or 'an unknown one'}",
            hint="choose one of each with --model and --run-number",
        )
    return found
