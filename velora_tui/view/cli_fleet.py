"""The fleet and its runs as aligned lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from velora_tui.domain.events import AttemptState
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_events import fractions
from velora_tui.view.cli_text import Line, cut_line, fitting, joined
from velora_tui.view.phases import compact_strip
from velora_tui.view.states import attempt_state, instance_state
from velora_tui.view.text import age, counted, cut, duration

RUNS_SHOWN = 30
_REASON_CELLS = 60
_TASK_CELLS = 34
_NARROW_CELLS = 100
_NARROW_TASK_CELLS = 20
# What a narrow terminal goes without, the first one first.
_SPARE_COLUMNS = ("P2P", "F2P", "PHASES", "TIME", "INSTANCE", "ATT", "K", "MODEL")


def fleet_lines(snapshot: FleetSnapshot, width: int | None = None) -> Iterator[Cell]:
    """Yield the lines of `velora status`: a head, the instances, and the latest runs; on a terminal of `width` cells,
    each in one line."""
    head = _head(snapshot)
    yield head if width is None else cut_line(head, width)
    yield ""
    instances = [_instance_row(row, snapshot.at) for row in snapshot.instances]
    yield from fitting(("INSTANCE", "STATE", "CHECKED", "READY"), instances, width=width, spare=("CHECKED",))
    runs = list(snapshot.runs.values())[-RUNS_SHOWN:]
    if not runs:
        yield ""
        yield Span("no run yet — `velora run --dataset FILE --model M` starts one", "dim")
        return
    yield ""
    yield from run_lines(reversed(runs), snapshot, width)
    if len(snapshot.runs) > RUNS_SHOWN:
        yield Span(f"… {counted(len(snapshot.runs) - RUNS_SHOWN, 'earlier run')}: `velora status --json`", "dim")


def run_lines(runs: Iterable[Run], snapshot: FleetSnapshot, width: int | None = None) -> list[Line]:
    """Return a table of `runs`, each with its latest attempt, with the columns that `width` cells have room for."""
    titles = ("RUN", "TASK", "MODEL", "K", "ATT", "INSTANCE", "STATE", "PHASES", "TIME", "F2P", "P2P")
    task_cells = _NARROW_TASK_CELLS if width is not None and width < _NARROW_CELLS else _TASK_CELLS
    rows = [_run_row(run, snapshot, task_cells) for run in runs]
    return fitting(titles, rows, right=("K", "ATT", "TIME", "F2P", "P2P"), width=width, spare=_SPARE_COLUMNS)


def _head(snapshot: FleetSnapshot) -> Line:
    attempts = [run.attempt for run in snapshot.runs.values() if run.attempt]
    states = {state: sum(attempt.state is state for attempt in attempts) for state in AttemptState}
    not_ready = sum(1 for row in snapshot.instances if row.readiness and not row.readiness.ready)
    in_states = (Span(f"{number} {state}") for state, number in states.items() if number)
    return joined(
        (
            Span(snapshot.fleet.name, "strong"),
            counted(len(snapshot.instances), "instance"),
            Span(f"{not_ready} not ready", "look") if not_ready else "",
            *in_states,
        )
    )


def _instance_row(row: InstanceSnapshot, at: datetime) -> tuple[Cell, ...]:
    readiness = row.readiness
    checked = Span(f"{age((at - readiness.at).total_seconds())} ago" if readiness else "never", "dim")
    return Span(row.instance.name, "strong"), instance_state(row).spans, checked, _ready(readiness)


def _ready(readiness: Readiness | None) -> Cell:
    if readiness is None:
        return ""
    return Span("✓", "good") if readiness.ready else (Span("✗ ", "bad"), Span(cut(readiness.reason, _REASON_CELLS)))


def _run_row(run: Run, snapshot: FleetSnapshot, task_cells: int) -> tuple[Cell, ...]:
    attempt = run.attempt
    head: tuple[Cell, ...] = (
        Span(run.run, "dim"),
        cut(run.task, task_cells),
        Span(snapshot.fleet.label(run.model), "model"),
        str(run.run_number),
    )
    if attempt is None:
        return *head, *("",) * 7
    return (
        *head,
        str(attempt.number),
        attempt.instance or "any",
        _attempt_state(attempt),
        compact_strip(attempt),
        duration(attempt.seconds_at(snapshot.at)) if attempt.started_at else "",
        *fractions(attempt.summary),
    )


def _attempt_state(attempt: Attempt) -> Line:
    signature = attempt.failure.signature if attempt.failure else ""
    detached = "nobody follows it" if attempt.detached else ""
    return joined((attempt_state(attempt).spans, Span(signature, "dim"), Span(detached, "look")), between="  ")
