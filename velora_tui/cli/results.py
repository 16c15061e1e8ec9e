"""`velora results`: what finished attempts showed, one's own and imported ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
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
    named_row,
    opened_catalog,
)
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import GROUP_KEYS, SORT_KEYS, ResultRow, order
from velora_tui.domain.result import AttemptResult
from velora_tui.errors import StoreError, UnknownName
from velora_tui.pipeline.imported.assess import of_ours
from velora_tui.store.catalog import Catalog
from velora_tui.store.results import find_results, load_result
from velora_tui.view.cli_results import proof_lines, result_lines
from velora_tui.view.stream import result_record
from velora_tui.view.ungraded import unchecked_words


def results(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN|DIR", help="Results by their keys, or folders of Velora's own results."),
    ] = None,
    where: WhereOption = "",
    models: ModelsOption = None,
    tasks: TasksOption = None,
    run_numbers: NumbersOption = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="KEY", help=f"One of {', '.join(SORT_KEYS)}.")] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Sort the other way round.")] = False,
    by: Annotated[str | None, typer.Option("--group", metavar="KEY", help=f"One of {', '.join(GROUP_KEYS)}.")] = None,
    keys: Annotated[
        bool,
        typer.Option("--keys", help="Show the keys by which other commands know results, and tasks by whole names."),
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="All tests of a result that is named.")] = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """List finished attempts, one's own and imported ones.

    For one that is named, what the harness said otherwise and its listed tests are shown too.

    Exit status: 0, or 1 where a result could not be read.
    """
    options = given(ctx, fleet, state, as_json)
    _require("sort key", sort, SORT_KEYS)
    _require("group key", by, GROUP_KEYS)
    known = known_fleet(options)
    console = Console()
    selection = Selection(where, models, tasks, run_numbers)
    only_folders = bool(targets) and all(Path(target).is_dir() for target in targets or [])
    with nullcontext() if only_folders else opened_catalog(options, known) as catalog:
        rows, unreadable = _rows(catalog, targets, options.layout(known).results)
        everything = rows
        rows = selection.of(everything, known)
        rows = order(rows, sort, descending=reverse) if sort else rows
        is_named = bool(targets) and len(rows) == 1
        if options.as_json or is_named:
            details = list(_details(catalog, rows, unreadable))
    for error in unreadable:
        console.complain(error.explain())
    if everything and not rows:
        console.say(selection.matches_none_of(everything))
    if options.as_json:
        console.document({"results": [result_record(result, Path(row.folder)) for row, result in details]})
    elif rows:
        console.lines(result_lines(rows, known or Fleet(), by=by, keys=keys, width=console.width))
        for _, result in details if is_named else ():
            console.lines(proof_lines(result, everything=show_all, width=console.width))
        if not is_named and (words := unchecked_words(rows)):
            console.say(words)
    elif not everything:
        console.say(_nothing(targets or [] if only_folders else []))
    return Exit.PROBLEM if unreadable else Exit.OK


def _nothing(folders: Sequence[str]) -> str:
    if folders:
        return f"there is no result of Velora's in {', '.join(folders)} — `velora import` takes in others"
    return "no results yet — `velora run` makes some, `velora import` takes in finished ones"


def _require(kind: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and name not in known:
        raise UnknownName.of(kind, name, list(known))


def _rows(catalog: Catalog | None, targets: list[str] | None, own: Path) -> tuple[list[ResultRow], list[StoreError]]:
    """Return the rows that are meant, and the results that can't be read; folders need no catalog."""
    unreadable: list[StoreError] = []
    if catalog is not None and not targets:
        batch = str(own.resolve())
        broken = [source.problem for source in catalog.sources().values() if source.problem and source.batch == batch]
        return catalog.rows(), [StoreError(problem) for problem in broken]
    found: dict[str, ResultRow] = {}
    for target in targets or []:
        if catalog is None or Path(target).is_dir():
            found |= {row.key: row for row in _below(Path(target), unreadable)}
        else:
            row = named_row(catalog, target)
            found[row.key] = row
    return list(found.values()), unreadable


def _below(root: Path, unreadable: list[StoreError]) -> Iterator[ResultRow]:
    for folder in find_results(root):
        try:
            yield of_ours(folder, load_result(folder), str(root)).row
        except StoreError as error:
            unreadable.append(error)


def _details(
    catalog: Catalog | None, rows: Iterable[ResultRow], unreadable: list[StoreError]
) -> Iterator[tuple[ResultRow, AttemptResult]]:
    for row in rows:
        try:
            yield row, catalog.result(row) if catalog is not None else load_result(Path(row.folder))
        except StoreError as error:
            unreadable.append(error)
