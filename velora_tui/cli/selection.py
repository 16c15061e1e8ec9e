"""Which results a command is about: the catalog, brought up to date with the operator's own, and its filters."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.options import Options
from velora_tui.config import find_fleet_file
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import FIELDS, OUTCOME_WORDS, ResultRow, order, select
from velora_tui.domain.run import Run
from velora_tui.domain.task import Task
from velora_tui.errors import DatasetError, StoreError, UnknownName, UsageError
from velora_tui.pipeline.imported.batch import refresh_own
from velora_tui.store.catalog import CATALOG_FILE, Catalog
from velora_tui.store.datasets import TaskStore, load_dataset
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout
from velora_tui.view.filter import keyed_words, parse_filter
from velora_tui.view.text import counted

_NAMED_TASKS = 5

WhereOption = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help='As in the tables: "model:gpt outcome:resolved !flag:field-cut date:2026-01". '
        f"The keys are {', '.join(FIELDS)}.",
    ),
]
ModelsOption = Annotated[
    list[str] | None, typer.Option("--model", metavar="M", help="Only this model; may be repeated.")
]
TasksOption = Annotated[list[str] | None, typer.Option("--task", metavar="ID", help="Only this task; may be repeated.")]
NumbersOption = Annotated[
    list[int] | None, typer.Option("--run-number", metavar="K", help="Only this run number; may be repeated.")
]
DatasetsOption = Annotated[
    list[Path] | None,
    typer.Option("--dataset", metavar="FILE", help="Grade by the tasks of this file, not by the runs' own copies."),
]


@dataclass(frozen=True)
class Selection:
    """Conditions on results; all must hold, and an empty list is none."""

    where: str = ""
    models: list[str] | None = None
    tasks: list[str] | None = None
    run_numbers: list[int] | None = None

    def of(self, rows: Iterable[ResultRow], fleet: Fleet | None) -> list[ResultRow]:
        """Return the rows that are meant, by task, model and run number.

        Raises UsageError for a wrong filter, such as one with an unknown key or outcome.
        """
        known = fleet or Fleet()
        _require_known(self.where)
        found = [
            row
            for row in rows
            if (not self.models or row.model in self.models or known.label(row.model) in self.models)
            and (not self.tasks or row.task in self.tasks)
            and (not self.run_numbers or row.run_number in self.run_numbers)
        ]
        found = select(found, parse_filter(self.where, FIELDS).terms)
        for key in ("run", "model", "task"):
            found = order(found, key)
        return found

    def matches_none_of(self, rows: Collection[ResultRow]) -> str:
        """Return the words for a selection that none of `rows` fits, with the tasks that may be meant."""
        options = (("--model", self.models), ("--task", self.tasks), ("--run-number", self.run_numbers))
        asked = [f"{name} {value}" for name, values in options for value in values or ()]
        wanted = " ".join((*([self.where.strip()] if self.where.strip() else []), *asked))
        words = f"none of {counted(len(rows), 'result')} matches {wanted}"
        tasks = sorted({row.task for row in rows})
        hints = [_meant(name, tasks) for name in self.tasks or () if name not in tasks]
        return " — ".join((words, *hints))


def _meant(name: str, tasks: Sequence[str]) -> str:
    """Return what is said of a task that no result has: which ones have it in their names, or are near it."""
    found = [task for task in tasks if name.lower() in task.lower()] or get_close_matches(name, tasks, _NAMED_TASKS)
    if not found:
        return f"there is no task {name}: `velora results --keys` shows the tasks' whole names"
    more = ["…"] if len(found) > _NAMED_TASKS else []
    return f"there is no task {name}: did you mean {', '.join((*found[:_NAMED_TASKS], *more))}?"


def _require_known(where: str) -> None:
    """Refuse keys and outcomes that no result has, which would choose nothing, or be taken for words to look for."""
    for key, value in keyed_words(where):
        if key not in FIELDS:
            raise UnknownName.of("filter key", key, list(FIELDS))
        begins = re.compile(rf"(?<!\w){re.escape(value)}", re.IGNORECASE)
        if key in ("outcome", "state") and not any(begins.search(word) for word in OUTCOME_WORDS):
            raise UnknownName.of("outcome", value, list(OUTCOME_WORDS))


def named_row(catalog: Catalog, target: str) -> ResultRow:
    """Return the result whose key is `target` or begins so. Raises UsageError."""
    try:
        return catalog.row(target)
    except UnknownName as error:
        hint = "name a folder that holds results, or a result's key (`velora results --keys` shows them)"
        raise UsageError(f"{target} is no folder, and {error.message}", hint=hint) from None


def known_fleet(options: Options) -> Fleet | None:
    """Return the fleet where there is a fleet file: results can be read without one."""
    path = find_fleet_file(options.fleet_file)
    return options.load()[0] if path else None


@contextmanager
def opened_catalog(options: Options, fleet: Fleet | None) -> Iterator[Catalog]:
    """Yield the operator's catalog, up to date with the results of their own runs. Raises StoreError."""
    layout = options.layout(fleet)
    with Catalog(layout.state / CATALOG_FILE) as catalog:
        refresh_own(catalog, layout.results)
        yield catalog


def named_models(names: Iterable[str], rows: Iterable[ResultRow], fleet: Fleet | None) -> list[str]:
    """Return the models called `names`, by their own names or by their labels. Raises UnknownName.

    Known are those of the fleet file and of results; where there are none yet, every name is taken as it is.
    """
    fleet = fleet or Fleet()
    known = list(dict.fromkeys((*fleet.models, *(row.model for row in rows if row.model))))
    labelled = {fleet.label(model): model for model in reversed(known)}
    found = []
    for name in names:
        if known and name not in known and name not in labelled:
            raise UnknownName.of("model", name, list(dict.fromkeys((*known, *labelled))))
        found.append(name if name in known else labelled.get(name, name))
    return list(dict.fromkeys(found))


def own_runs(layout: Layout) -> list[Run]:
    """Return the operator's own runs as their journal has them, in the order of their making. Raises StoreError."""

    async def read() -> list[Run]:
        async with Journal(layout.journal) as journal:
            return list((await journal.state())[1].values())

    return asyncio.run(read()) if layout.journal.is_file() else []


def read_tasks(datasets: Iterable[Path]) -> list[Task]:
    """Return the tasks of dataset files; of a task in several files the last. Raises DatasetError."""
    found = {task.instance_id: task for path in datasets for task in load_dataset(path)}
    return list(found.values())


def kept_tasks(layout: Layout) -> dict[str, Task]:
    """Return the tasks that the operator's own runs were started with, by their ids; of several the newest."""
    store = TaskStore(layout.tasks)
    found: dict[str, Task] = {}
    if not layout.tasks.is_dir():
        return found
    for path in sorted(layout.tasks.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        try:
            task = store.load(path.stem)
        except (StoreError, DatasetError, ValueError):
            continue  # a copy that is damaged is told about where its run is retried
        found[task.instance_id] = task
    return found
