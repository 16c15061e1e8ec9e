"""`velora status` and `velora check`: how the fleet stands, from the journal or from the instances themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, TrustOption, given
from velora_tui.cli.session import run_session
from velora_tui.domain.events import CommandRan, InstanceChecked
from velora_tui.domain.readiness import CheckResult, CheckStatus, Readiness
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_fleet import fleet_lines
from velora_tui.view.cli_text import table
from velora_tui.view.stream import run_record

if TYPE_CHECKING:
    from velora_tui.engine.ledger import Subscription

_FOREIGN_FIELDS = {"operator", "run", "attempt", "since"}
_CHECK_SPANS = {
    CheckStatus.OK: Span("✓", "good"),
    CheckStatus.WARN: Span("!", "look"),
    CheckStatus.FAIL: Span("✗", "bad"),
    CheckStatus.UNKNOWN: Span("?", "look"),
}


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
            return engine.snapshot()

    snapshot = run_session(look(), on_interrupt=lambda: None)
    console = Console()
    if options.as_json:
        console.document(_snapshot_document(snapshot))
    else:
        console.lines(fleet_lines(snapshot))
    return Exit.OK


def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="The instances; without a name, all of them.")
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Ask instances whether they can take a run.

    Exit status: 0 all are ready, 1 not all.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    loaded, layout = options.load()
    from velora_tui.engine.engine import Engine

    async def ask() -> tuple[Readiness, ...]:
        engine = Engine(loaded, layout, read_only=options.read_only, accept_new_host_keys=options.accept_new_host_keys)
        async with engine:
            with engine.observe() as subscription:
                checked = await engine.check(names or ())
                await _tell_commands(subscription, {readiness.instance for readiness in checked}, console)
            return checked

    console = Console()
    answers = run_session(ask(), on_interrupt=lambda: None)
    if options.as_json:
        console.document({"instances": [_readiness_record(readiness) for readiness in answers]})
    else:
        titles = ("INSTANCE", "READY", "CHECK", "", "DETAIL", "REPAIR")
        console.lines(table(titles, (row for readiness in answers for row in _check_rows(readiness))))
    return Exit.OK if all(readiness.ready for readiness in answers) else Exit.PROBLEM


async def _tell_commands(subscription: Subscription, instances: set[str], console: Console) -> None:
    """Say what was done while `instances` were checked, such as trusting a key."""
    events = aiter(subscription)
    while instances:
        event = await anext(events)
        if isinstance(event, CommandRan):
            console.say(f"{event.instance}: {event.purpose}")
        elif isinstance(event, InstanceChecked):
            instances.discard(event.instance)


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


def _readiness_record(readiness: Readiness) -> dict[str, Any]:
    fields = {"id", "status", "blocking", "detail", "repair"}
    checks = [check.model_dump(mode="json", include=fields) for check in readiness.checks]
    return {"name": readiness.instance, "ready": readiness.ready, "checks": checks}


def _check_rows(readiness: Readiness) -> Iterator[tuple[Cell, ...]]:
    name: Cell = Span(readiness.instance, "strong")
    ready: Cell = Span("✓ ready", "good") if readiness.ready else Span("✗ not ready", "bad")
    for result in readiness.checks:
        yield name, ready, result.id, _CHECK_SPANS[result.status], result.detail, _repair(result)
        name = ready = ""


def _repair(result: CheckResult) -> Cell:
    return result.repair if result.repair and result.status is not CheckStatus.OK else ""
