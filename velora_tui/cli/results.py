"""`velora results`: what finished attempts showed, from the trees on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, given
from velora_tui.config import find_fleet_file
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.result import AttemptResult
from velora_tui.errors import StoreError, UsageError
from velora_tui.store.results import find_results, load_result
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_events import NOTHING, fractions
from velora_tui.view.cli_text import table
from velora_tui.view.cli_verdict import listed_lines
from velora_tui.view.states import outcome_state
from velora_tui.view.stream import result_record
from velora_tui.view.text import count, cut, size

_TASK_CELLS = 40


def results(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Folders with results; without one, the operator's own."),
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """List finished attempts.

    For a single one, its listed tests are shown too.

    Exit status: 0, or 1 where a result could not be read.
    """
    options = given(ctx, fleet, state, as_json)
    known = _fleet(options)
    console = Console()
    found, unreadable = _read(_roots(folders, options, known))
    for error in unreadable:
        console.complain(error.explain())
    if options.as_json:
        console.document({"results": [result_record(result, folder) for folder, result in found]})
    elif found:
        console.lines(_lines([result for _, result in found], known or Fleet()))
    else:
        console.say("no results yet — `velora run` makes some")
    return Exit.PROBLEM if unreadable else Exit.OK


def _fleet(options: Options) -> Fleet | None:
    """Return the fleet where there is a fleet file: results can be read without one."""
    path = find_fleet_file(options.fleet_file)
    return options.load()[0] if path else None


def _roots(folders: list[Path] | None, options: Options, fleet: Fleet | None) -> list[Path]:
    for folder in folders or []:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder", hint="name a folder that holds results")
    return folders or [options.layout(fleet).results]


def _read(roots: Iterable[Path]) -> tuple[list[tuple[Path, AttemptResult]], list[StoreError]]:
    found, unreadable = [], []
    for folder in dict.fromkeys(folder for root in roots for folder in find_results(root)):
        try:
            found.append((folder, load_result(folder)))
        except StoreError as error:
            unreadable.append(error)
    return found, unreadable


def _lines(found: list[AttemptResult], fleet: Fleet) -> Iterator[Cell]:
    titles = ("TASK", "MODEL", "K", "ATT", "OUTCOME", "F2P", "P2P", "PATCH", "STEPS", "INSTANCE")
    rows = [_row(result, fleet) for result in found]
    yield from table(titles, rows, right=("K", "ATT", "F2P", "P2P", "PATCH", "STEPS"))
    if len(found) == 1 and found[0].verdict is not None:
        yield ""
        yield from listed_lines(found[0].verdict)


def _row(result: AttemptResult, fleet: Fleet) -> tuple[Cell, ...]:
    summary = result.summary
    return (
        cut(result.task, _TASK_CELLS),
        Span(fleet.label(result.model), "model"),
        str(result.run_number),
        str(result.attempt),
        outcome_state(result.outcome).spans,
        *fractions(summary),
        size(summary.patch_bytes) if summary.patch_bytes is not None else NOTHING,
        count(summary.history) if summary.history is not None else NOTHING,
        result.provenance.instance,
    )
