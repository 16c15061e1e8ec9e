"""`velora import`: take finished runs that lie on disk into the catalog."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.selection import DatasetsOption, known_fleet, opened_catalog, read_tasks
from velora_tui.cli.session import Interrupted
from velora_tui.errors import UsageError
from velora_tui.pipeline.imported.batch import ImportReport, import_trees
from velora_tui.store.catalog import Catalog
from velora_tui.view.text import count, counted
from velora_tui.view.ungraded import ungraded_lines, ungraded_record

PROBLEMS_SHOWN = 20


def import_(
    ctx: typer.Context,
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR", help="Folders with finished runs at any depth.", show_default=False),
    ],
    datasets: DatasetsOption = None,
    model_names: Annotated[
        list[str] | None,
        typer.Option(
            "--model-name", metavar="FOUND=OURS", help="Call a model by your own name for it, e.g. gpt-5.2=llm.gpt."
        ),
    ] = None,
    forget_gone: Annotated[
        bool, typer.Option("--forget-gone", help="Drop runs of these folders that are no longer there.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option("--processes", metavar="N", min=0, help="Read with N processes; without it, one a core."),
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take finished runs that lie on disk into the results.

    Runs are found by the harness's files in any of its layouts, graded again, and kept where they lie: nothing in
    these folders is changed. What was imported before and has not changed is not read again.

    Ctrl-C ends it: what was read so far is kept, and the same command goes on.

    Exit status: 0, or 1 where something could not be read or a folder holds no run; the rest is imported all the same.
    """
    options = given(ctx, fleet, state, as_json)
    console = Console()
    tasks = read_tasks(datasets or [])
    names = _names(model_names or [])
    progress = _Progress(console)
    with opened_catalog(options, known_fleet(options)) as catalog, _kept(catalog, names, progress):
        report = import_trees(
            catalog, folders, tasks, forget_gone=forget_gone, processes=processes, on_progress=progress
        )
    if options.as_json:
        console.document(_record(report))
    else:
        _tell(report, console)
    return Exit.PROBLEM if report.problems else Exit.OK


class _Progress:
    """Tells how far an import is, and what is kept of it when it is interrupted."""

    def __init__(self, console: Console) -> None:
        self._runs = 0
        self._console = console

    def __call__(self, report: ImportReport) -> None:
        self._runs = report.results
        self._console.tell(f"{counted(report.read, 'folder')} read")

    def say_interrupted(self) -> None:
        """Say how the import goes on."""
        kept = f"{counted(self._runs, 'run')} imported so far {'is' if self._runs == 1 else 'are'} kept"
        self._console.say(f"interrupted: {kept}; the same command goes on")


@contextmanager
def _kept(catalog: Catalog, names: Mapping[str, str], progress: _Progress) -> Iterator[None]:
    """Call models by the operator's names after an import, be it to its end or interrupted. Raises Interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        catalog.mark_copies()
        catalog.name_models(names)
        progress.say_interrupted()
        raise Interrupted(signal.SIGINT) from None
    catalog.name_models(names)


def _names(given: list[str]) -> dict[str, str]:
    """Return the operator's names for models by the names found. Raises UsageError."""
    names = {}
    for name in given:
        found, equals, ours = name.partition("=")
        if not (found and equals and ours):
            raise UsageError(f"{name!r} is no FOUND=OURS", hint="e.g. --model-name gpt-5.2=llm.gpt")
        names[found] = ours
    return names


def _tell(report: ImportReport, console: Console) -> None:
    for folder, problem in report.problems[:PROBLEMS_SHOWN]:
        console.complain(f"{folder}: {problem}")
    hidden = len(report.problems) - PROBLEMS_SHOWN
    if hidden > 0:
        console.say(f"… {counted(hidden, 'more problem')}: --json lists them all")
    for line in ungraded_lines(report.ungraded):
        console.complain(line)
    parts = [f"{counted(report.results, 'run')} imported", f"{counted(report.unchanged, 'folder')} unchanged"]
    if report.own_copies:
        are = "1 is a copy" if report.own_copies == 1 else f"{count(report.own_copies)} are copies"
        parts.append(f"{are} of your own runs")
    if others := report.copies - report.own_copies:
        parts.append(f"{counted(others, 'copy', 'copies')} of others")
    if report.gone:
        parts.append(f"{counted(report.gone, 'folder')} gone")
    if report.ungraded:
        parts.append(f"{count(report.ungraded.total())} not graded")
    if report.problems:
        parts.append(f"{count(len(report.problems))} with problems")
    console.lines((" · ".join(parts),))


def _record(report: ImportReport) -> dict[str, object]:
    return {
        "read": report.read,
        "unchanged": report.unchanged,
        "gone": report.gone,
        "results": report.results,
        "copies": report.copies,
        "own_copies": report.own_copies,
        "ungraded": ungraded_record(report.ungraded),
        "problems": [{"folder": folder, "problem": problem} for folder, problem in report.problems],
    }
