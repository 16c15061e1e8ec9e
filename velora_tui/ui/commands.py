"""What the palette finds: every action, tab, instance, run and theme, under the names of help and README.

Finished runs, imported ones too, are found by words alone: there may be ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from velora_tui.domain.listing import ResultRow
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.keys import actions_of
from velora_tui.ui.port import Dashboard
from velora_tui.ui.run_actions import run_name
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.palette import Command
from velora_tui.view.cells import Span
from velora_tui.view.states import instance_state, outcome_state, run_state
from velora_tui.view.task_names import short_task

_LATEST_RUNS = 500
_FINISHED_RUNS = 50


def commands_of(
    screen: BaseScreen, dashboard: Dashboard, snapshot: FleetSnapshot, use_theme: Callable[[str], None]
) -> list[Command]:
    """Return all that can be done from `screen`."""
    themes = [Command("theme", name, "", partial(use_theme, name)) for name in dashboard.themes]
    return [*_actions(screen), *_instances(dashboard, snapshot), *_runs(dashboard, snapshot), *themes]


def _actions(screen: BaseScreen) -> Iterator[Command]:
    targets = screen.targets()
    for action in actions_of(screen.NAME):
        if action.id == "palette":
            continue
        reason = action.reason_against(targets)
        note = Span(f"not now: {reason}", "dim") if reason else Span(action.key_text, "ours")
        words = f"{action.group} {action.label} {action.id}"
        yield Command("action", screen.describe(action), note, partial(screen.action_act, action.id), words)


def _instances(dashboard: Dashboard, snapshot: FleetSnapshot) -> Iterator[Command]:
    for row in snapshot.instances:
        name = row.instance.name
        yield Command("instance", name, instance_state(row).spans, partial(dashboard.open_instance, name))


def _latest(snapshot: FleetSnapshot) -> list[Run]:
    return list(snapshot.runs.values())[: -_LATEST_RUNS - 1 : -1]


def _runs(dashboard: Dashboard, snapshot: FleetSnapshot) -> Iterator[Command]:
    for run in _latest(snapshot):
        label = run_name(run, snapshot.fleet)
        yield Command("run", label, run_state(run).spans, partial(dashboard.open_run, run.run))


class FinishedRuns:
    """Finds the catalog's runs by words of their repository, task, model and run number, the newest first."""

    def __init__(self, dashboard: Dashboard, snapshot: FleetSnapshot) -> None:
        self._dashboard = dashboard
        self._fleet = snapshot.fleet
        self._listed = {run.run for run in _latest(snapshot)}
        self._version = -1
        self._texts: list[tuple[str, ResultRow]] = []
        dashboard.catalog.open()

    def find(self, query: str) -> list[Command]:
        """Return up to fifty runs that have each word of `query`, those that have them as whole words first."""
        words = query.casefold().split()
        self._read()
        found = [(text, row) for text, row in self._texts if words and all(word in text for word in words)]
        found.sort(key=lambda pair: -sum(f" {word} " in pair[0] for word in words))
        return [self._command(row) for _, row in found[:_FINISHED_RUNS]]

    def _read(self) -> None:
        """Take the rows as they stand now."""
        catalog = self._dashboard.catalog
        if catalog.version != self._version:
            self._version = catalog.version
            labels = {model: self._fleet.label(model) for model in {row.model for row in catalog.rows}}
            self._texts = [
                (f" {row.repo} {row.task} {row.model} {labels[row.model]} run {row.field('run')} ".casefold(), row)
                for row in catalog.rows
                if row.key not in self._listed
            ]

    def _command(self, row: ResultRow) -> Command:
        label = (
            Span(f"{row.repo} "),
            Span(f"{short_task(row)}  ", "dim"),
            Span(self._fleet.label(row.model), "model"),
            Span("" if row.run_number is None else f"  run {row.run_number}", "dim"),
        )
        do = partial(self._dashboard.open_run, row.key)
        return Command("run", label, outcome_state(row.outcome).spans, do, f"{row.task} {row.model}")
