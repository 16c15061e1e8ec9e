"""`velora compare`: models across tasks, tests across the runs of a task, two runs, two batches."""

from __future__ import annotations

from collections.abc import Sequence
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
from velora_tui.domain.compare import compare_batches, matrix, summarise
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.errors import UnknownName, UsageError
from velora_tui.store.catalog import Catalog
from velora_tui.view.compare import (
    batch_lines,
    batch_record,
    matrix_lines,
    matrix_record,
    model_lines,
    model_record,
    pair_lines,
)
from velora_tui.view.text import count, counted
from velora_tui.view.ungraded import unchecked, unchecked_words

KS = (1, 2, 4, 8)
MOST_COLUMNS = 40


def compare(
    ctx: typer.Context,
    sides: Annotated[
        list[str] | None,
        typer.Argument(metavar="BEFORE AFTER", help='Two results, two imported folders, or two filters ("model:gpt").'),
    ] = None,
    where: WhereOption = "",
    models: ModelsOption = None,
    tasks: TasksOption = None,
    run_numbers: NumbersOption = None,
    ks: Annotated[list[int] | None, typer.Option("--k", metavar="K", min=1, help="pass@K; may be repeated.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Also the tests that are the same in all runs.")] = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare finished runs.

    Without arguments: the models across all tasks. With one --task: its tests in every run. With two results: them
    side by side. With two folders or filters: what flipped from the first batch to the second, in pairs of the same
    task, model and run number, but for what each side fixes to one of its own.

    A run's result is that of its latest attempt with a valid one.

    Exit status: 0, or 2 for a wrong request.
    """
    options = given(ctx, fleet, state, as_json)
    known = known_fleet(options)
    face = _Face(Console(), known or Fleet(), options.as_json, show_all)
    selection = Selection(where, models, tasks, run_numbers)
    with opened_catalog(options, known) as catalog:
        everything = catalog.rows()
        rows = selection.of(everything, known)
        if everything and not rows:
            face.say(selection.matches_none_of(everything))
        if sides:
            _compare_sides(catalog, rows, sides, face)
        elif tasks and len(tasks) == 1:
            face.show_matrix(catalog, rows)
        else:
            face.show_models(rows, ks)
    return Exit.OK


class _Face:
    """Prints a comparison as lines or as JSON."""

    def __init__(self, console: Console, fleet: Fleet, as_json: bool, show_all: bool) -> None:
        self._console = console
        self._fleet = fleet
        self._as_json = as_json
        self._show_all = show_all
        self._has_said = False

    def say(self, words: str) -> None:
        """Say why there is nothing to show."""
        self._has_said = True
        self._console.say(words)

    def _say_nothing(self, words: str) -> None:
        if not self._has_said:
            self._console.say(words)

    def _say_unchecked(self, rows: Sequence[ResultRow]) -> None:
        if words := unchecked_words(rows):
            self._console.say(words)

    def show_models(self, rows: Sequence[ResultRow], chosen: Sequence[int] | None) -> None:
        """Show the models with pass@k of the `chosen` ks, which are said to have no task where they have none."""
        summaries = summarise(rows, chosen or KS)
        if self._as_json:
            models = [model_record(summary) for summary in summaries]
            self._console.document({"models": models, "unchecked": unchecked(rows)})
        elif summaries:
            self._console.lines(model_lines(summaries, self._fleet, self._console.width, chosen=bool(chosen)))
            known = {found.k for summary in summaries for found in summary.pass_at}
            for k in sorted(set(chosen or ()) - known):
                self._console.say(f"no PASS@{k}: no task has {counted(k, 'valid run')} of one model")
            self._say_unchecked(rows)
        else:
            self._say_nothing("no results — `velora import DIR` takes in finished runs")

    def show_matrix(self, catalog: Catalog, rows: Sequence[ResultRow]) -> None:
        """Show the tests of runs of one task. Raises UsageError for other tasks' runs, and for too many."""
        if len({row.task for row in rows}) > 1:
            raise UsageError("the runs are of different tasks", hint="compare folders or filters instead")
        if len(rows) > MOST_COLUMNS and not self._as_json:
            raise UsageError(
                f"{count(len(rows))} runs are too many beside each other", hint="choose with --model, --run-number"
            )
        results = [catalog.result(row) for row in rows]
        compared = matrix(results)
        if self._as_json:
            self._console.document(matrix_record(compared, only_differing=not self._show_all))
            return
        if not results:
            self._say_nothing("no results of this task")
            return
        self._console.lines(
            matrix_lines(compared, self._fleet, only_differing=not self._show_all, width=self._console.width)
        )
        if len(results) == 2:
            self._console.lines(("",))
            self._console.lines(pair_lines(results[0], results[1], self._fleet))

    def show_batches(self, before: Sequence[ResultRow], after: Sequence[ResultRow]) -> None:
        """Show what flipped."""
        comparison = compare_batches(before, after)
        if self._as_json:
            self._console.document({**batch_record(comparison), "unchecked": unchecked((*before, *after))})
        else:
            self._console.lines(batch_lines(comparison, self._fleet, self._console.width))
            self._say_unchecked((*before, *after))


def _compare_sides(catalog: Catalog, rows: list[ResultRow], sides: list[str], face: _Face) -> None:
    if len(sides) != 2:
        raise UsageError(counted(len(sides), "side"), hint="name two results, folders or filters, or none")
    pairs = [_side(catalog, rows, side) for side in sides]
    if all(is_run for is_run, _ in pairs):
        face.show_matrix(catalog, [*pairs[0][1], *pairs[1][1]])
    else:
        face.show_batches(pairs[0][1], pairs[1][1])


def _side(catalog: Catalog, rows: list[ResultRow], side: str) -> tuple[bool, list[ResultRow]]:
    """Return whether `side` names one result, and the rows it means. Raises UsageError where it means none."""
    if Path(side).is_dir():
        folder = Path(side).resolve()
        found = [row for row in rows if Path(row.folder).is_relative_to(folder)]
        hint = "import it first: velora import DIR"
    elif ":" in side:
        found = Selection(side).of(rows, None)
        hint = "it is taken for a filter"
    else:
        try:
            return True, [catalog.row(side)]
        except UnknownName as error:
            raise UsageError(
                error.message, hint="name a result, an imported folder, or a filter such as model:gpt"
            ) from None
    if not found:
        raise UsageError(f"no results of {side}", hint=hint)
    return False, found
