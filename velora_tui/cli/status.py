"""`velora status`: how the fleet stands, from the journal."""

from __future__ import annotations

from typing import Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.cli.session import run_session
from velora_tui.cli.unwritable import say_unwritable
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cli_fleet import fleet_lines
from velora_tui.view.stream import run_record

_FOREIGN_FIELDS = {"operator", "run", "attempt", "since"}


def status(
    ctx: typer.Context, fleet: FleetOption = None, state: StateOption = None, as_json: JsonOption = False
) -> int:
    """Show the fleet as the journal knows it.

    No instance is asked.
    """
    options = given(ctx, fleet, state, as_json)
    loaded, layout = options.load()
    from velora_tui.engine.engine import Engine

    async def look() -> FleetSnapshot:
        async with Engine(loaded, layout, read_only=True) as engine:
            say_unwritable(engine, console)
            return engine.snapshot()

    console = Console()
    snapshot = run_session(look(), on_interrupt=lambda: None)
    if options.as_json:
        console.document(_snapshot_document(snapshot))
    else:
        console.lines(fleet_lines(snapshot, console.width))
    return Exit.OK


def _snapshot_document(snapshot: FleetSnapshot) -> dict[str, Any]:
    return {
        "fleet": snapshot.fleet.name,
        "at": snapshot.at.isoformat(),
        "instances": [_instance_record(row) for row in snapshot.instances],
        "runs": [run_record(run) for run in snapshot.runs.values()],
    }


def _instance_record(row: InstanceSnapshot) -> dict[str, Any]:
    readiness = row.readiness
    return {
        "name": row.instance.name,
        "host": row.instance.host,
        "ready": readiness.ready if readiness else None,
        "reason": readiness.reason if readiness else "",
        "checked_at": readiness.at.isoformat() if readiness else None,
        "busy": row.is_busy,
        "foreign": row.foreign.model_dump(mode="json", include=_FOREIGN_FIELDS) if row.foreign else None,
        "run": row.run.run if row.run else None,
    }
