"""What the palette finds: every action, tab, instance, run and theme, under the names of help and README."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.keys import actions_of
from velora_tui.ui.port import Dashboard
from velora_tui.ui.run_actions import run_name
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.palette import Command
from velora_tui.view.cells import Span
from velora_tui.view.states import instance_state, run_state

_LATEST_RUNS = 500


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


def _runs(dashboard: Dashboard, snapshot: FleetSnapshot) -> Iterator[Command]:
    for run in list(snapshot.runs.values())[: -_LATEST_RUNS - 1 : -1]:
        label = run_name(run, snapshot.fleet)
        yield Command("run", label, run_state(run).spans, partial(dashboard.open_run, run.run))
