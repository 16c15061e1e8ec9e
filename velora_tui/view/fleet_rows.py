"""The rows of the fleet screen: one for each instance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from velora_tui.domain.events import ConnectionState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import CheckStatus, Readiness
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Row, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry, SortKey
from velora_tui.view.phases import (
    BAR_CELLS,
    COMPACT_CELLS,
    LONG_BAR_CELLS,
    LONG_STRIP_CELLS,
    LONG_STRIP_TITLE,
    STRIP_CELLS,
    STRIP_TITLE,
    compact_strip,
    strip,
)
from velora_tui.view.progress import QUIET_SECONDS, progress_cell
from velora_tui.view.rates import Rates
from velora_tui.view.states import State, attempt_state, instance_state
from velora_tui.view.task_names import share_repositories, short_task, task_ends
from velora_tui.view.text import age, duration

_DISK = "disk"
_USED = re.compile(r"\d+ %")
NARROW_CELLS = 110
WIDE_CELLS = 150
SPACIOUS_CELLS = 185
FILTER_KEYS = ("instance", "state", "phase", "task", "repo", "model", "run", "tag")

COLUMNS = (
    Column("instance", "INSTANCE", min_width=8, priority=9),
    Column("state", "STATE", min_width=14, priority=8),
    Column("repo", "TASK", min_width=12, priority=7),
    Column("task", "", min_width=4, priority=3),
    Column("model", "MODEL", min_width=6, priority=6),
    Column("phases", STRIP_TITLE, STRIP_CELLS, priority=4),
    Column("time", "TIME", 7, "right", priority=5),
    Column("progress", "PROGRESS", min_width=16, priority=8),
    Column("ready", "READY", 5, priority=1),
    Column("last", "LAST", 4, "right", priority=2),
)
SPACIOUS_COLUMNS = (
    Column("instance", "INSTANCE", min_width=8, priority=9),
    Column("state", "STATE", min_width=14, priority=8),
    Column("repo", "TASK", min_width=12, priority=7),
    Column("task", "", min_width=4, priority=3),
    Column("model", "MODEL", min_width=6, priority=6),
    Column("run", "RUN", 3, "right", priority=3),
    Column("attempt", "TRY", 3, "right", priority=3),
    Column("phases", LONG_STRIP_TITLE, LONG_STRIP_CELLS, priority=4),
    Column("time", "TIME", 7, "right", priority=5),
    Column("progress", "PROGRESS", min_width=16, priority=8),
    Column("ready", "READY", 5, priority=3),
    Column("disk", "DISK", 5, "right", priority=3),
    Column("last", "LAST", 4, "right", priority=2),
)
MEDIUM_COLUMNS = (
    Column("instance", "INSTANCE", min_width=8, priority=9),
    Column("state", "STATE", min_width=16, priority=8),
    Column("repo", "TASK", min_width=10, priority=7),
    Column("task", "", min_width=5, priority=3),
    Column("model", "MODEL", min_width=6, priority=6),
    Column("phases", STRIP_TITLE, STRIP_CELLS, priority=4),
    Column("time", "TIME", 7, "right", priority=5),
    Column("progress", "PROGRESS", min_width=14, priority=8),
    Column("last", "LAST", 4, "right", priority=2),
)
NARROW_COLUMNS = (
    Column("instance", "INSTANCE", min_width=6, priority=9),
    Column("state", "STATE", min_width=12, priority=8),
    Column("repo", "TASK", min_width=8, priority=7),
    Column("task", "", min_width=5, priority=3),
    Column("model", "MODEL", min_width=5, priority=6),
    Column("phases", "PHASES", COMPACT_CELLS, priority=4),
    Column("time", "TIME", 5, "right", priority=5),
    Column("progress", "PROGRESS", min_width=10, priority=8),
)


def fleet_columns(snapshot: FleetSnapshot, width: int) -> tuple[Column, ...]:
    """Return the columns for `width` cells; where these are few, tasks only if repositories do not tell them apart."""
    if width >= WIDE_CELLS:
        return SPACIOUS_COLUMNS if width >= SPACIOUS_CELLS else COLUMNS
    columns = NARROW_COLUMNS if width < NARROW_CELLS else MEDIUM_COLUMNS
    if share_repositories(_runs(snapshot)):
        return columns
    return tuple(column for column in columns if column.id != "task")


def fleet_entries(snapshot: FleetSnapshot, rates: Rates, width: int) -> list[Entry]:
    """Return a row for each instance, in the order of the fleet file; its key is the instance's name."""
    ends = {} if width >= WIDE_CELLS else task_ends(_runs(snapshot))
    return [_entry(row, snapshot, rates, width, ends) for row in snapshot.instances]


def _runs(snapshot: FleetSnapshot) -> list[Run]:
    """Return the runs of which rows tell."""
    return [row.run for row in snapshot.instances if row.run and shows_run(row, instance_state(row))]


def _entry(row: InstanceSnapshot, snapshot: FleetSnapshot, rates: Rates, width: int, ends: Mapping[str, str]) -> Entry:
    narrow, state = width < NARROW_CELLS, instance_state(row)
    name = row.instance.name
    run = row.run if shows_run(row, state) else None
    attempt = run.attempt if run else None
    cells: dict[str, Cell] = {"instance": name, "state": _state_cell(state, narrow)}
    cells["progress"] = progress_cell(row, state, rates, snapshot.at, narrow=narrow)
    told_at = last_told(row, rates)
    if told_at is not None:
        cells["last"] = _last(row, (snapshot.at - told_at).total_seconds())
    order: dict[str, SortKey] = {"instance": (0, name), "state": (state.rank, state.word)}
    if (disk := disk_cell(row)) is not None:
        cells["disk"] = disk
        order["disk"] = (float(disk.text.split()[0]), "")
    if row.readiness is not None:
        cells["ready"] = ready_cell(row.readiness)
        in_the_way, to_look_at = _trouble(row.readiness)
        order["ready"] = (-in_the_way - to_look_at / 1000, "")
    if told_at is not None:
        order["last"] = (-told_at.timestamp(), "")
    if run is not None and attempt is not None:
        cells |= _run_cells(run, attempt, row, snapshot, width)
        cells["task"] = Span(ends.get(run.task) or short_task(run), "dim")
        order |= _run_order(run, attempt, snapshot)
    return Entry(Row(name, cells), _fields(row, state, run, snapshot.fleet), order)


def shows_run(row: InstanceSnapshot, state: State) -> bool:
    """Return whether the row tells of the instance's latest run, and not of what is in the instance's way."""
    attempt = row.run.attempt if row.run else None
    return attempt is not None and (row.is_busy or state == attempt_state(attempt))


def ready_cell(readiness: Readiness) -> Span:
    """Return whether the instance could take a run, whatever its last run showed: how many checks stand in the way."""
    in_the_way, to_look_at = _trouble(readiness)
    if readiness.asking:
        return Span("…", "dim")
    if in_the_way:
        return Span(f"✗ {in_the_way}", "bad")
    return Span(f"! {to_look_at}", "look") if to_look_at else Span("✓", "good")


def _trouble(readiness: Readiness) -> tuple[int, int]:
    """Return how many checks keep a run from starting, and how many others found something."""
    blocking = sum(check.blocks for check in readiness.checks)
    found = sum(check.status in {CheckStatus.FAIL, CheckStatus.WARN} and not check.blocks for check in readiness.checks)
    return blocking, found


def disk_cell(row: InstanceSnapshot) -> Span | None:
    """Return how full the instance's disk was when it was checked, if that is known."""
    checks = row.readiness.checks if row.readiness else ()
    disk = next((check for check in checks if check.id == _DISK), None)
    used = _USED.match(disk.detail) if disk is not None else None
    return Span(used[0], "dim" if disk is not None and disk.status is CheckStatus.OK else "look") if used else None


def last_told(row: InstanceSnapshot, rates: Rates) -> datetime | None:
    """Return when the instance told the last of what its row shows; None where it never did."""
    moments = [row.readiness.at if row.readiness else None]
    if row.connection.state is ConnectionState.UNREACHABLE and not row.is_busy:
        moments.append(row.connection.at)
    attempt = row.run.attempt if row.run else None
    if row.run is not None and attempt is not None and attempt.state.is_over:
        moments.append(attempt.ended_at)
    elif row.run is not None and attempt is not None:
        moments += [attempt.started_at, *(phase.started_at for phase in attempt.phases)]
        moments += [rates.heard(row.run.run), row.progress.at if row.progress else None]
    return max((moment for moment in moments if moment is not None), default=None)


def _last(row: InstanceSnapshot, seconds: float) -> Span:
    return Span(age(seconds), "look" if row.is_busy and seconds > QUIET_SECONDS else "dim")


def _state_cell(state: State, narrow: bool) -> Cell:
    word = state.word.split(" in ")[0] if narrow and state.group == "failed" else state.word
    return Span(f"{state.symbol} {word}", state.tone)


def _run_cells(
    run: Run, attempt: Attempt, row: InstanceSnapshot, snapshot: FleetSnapshot, width: int
) -> dict[str, Cell]:
    narrow, seconds = width < NARROW_CELLS, attempt.seconds_at(snapshot.at)
    model = Span(snapshot.fleet.label(run.model), "model")
    spacious = width >= SPACIOUS_CELLS
    number = Span(f"·{run.run_number}" if run.run_number > 1 and not spacious else "", "dim")
    return {
        "run": Span(str(run.run_number), "dim"),
        "attempt": Span(str(attempt.number), "look" if attempt.number > 1 else "dim"),
        "repo": run.repo if width >= WIDE_CELLS else run.repo.rpartition("/")[2],
        "model": (model, number),
        "phases": compact_strip(attempt)
        if narrow
        else strip(attempt, row.progress, LONG_BAR_CELLS if spacious else BAR_CELLS),
        "time": Span(_short(seconds) if narrow else duration(seconds), "" if run.is_active else "dim"),
    }


def _short(seconds: float) -> str:
    """Return a length of time in at most five cells: "12:41", "1h02", "3d"."""
    if seconds < 3600:
        return duration(seconds)
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}h{rest // 60:02}" if hours < 100 else f"{hours // 24}d"


def _run_order(run: Run, attempt: Attempt, snapshot: FleetSnapshot) -> dict[str, SortKey]:
    done = sum(phase.is_done for phase in attempt.phases)
    progress = snapshot.progress.get(run.run)
    part = progress.done / progress.total if progress and progress.total else 0.0
    f2p = attempt.summary.f2p
    return {
        "repo": (0, f"{run.repo} {run.task}"),
        "task": (0, run.task),
        "model": (run.run_number, snapshot.fleet.label(run.model)),
        "phases": (done + min(0.99, part), ""),
        "time": (attempt.seconds_at(snapshot.at), ""),
        "progress": (done + min(0.99, part) + (f2p[0] / f2p[1] if f2p and f2p[1] else 0.0), ""),
    }


def _fields(row: InstanceSnapshot, state: State, run: Run | None, fleet: Fleet) -> dict[str, str]:
    fields = {"instance": row.instance.name, "state": f"{state.word} {state.group}", "tag": " ".join(row.instance.tags)}
    if run is not None:
        phase = run.attempt.current_phase if run.attempt else None
        fields |= {
            "task": run.task,
            "repo": run.repo,
            "model": f"{fleet.label(run.model)} {run.model}",
            "run": f"{run.run_number} {run.run}",
            "phase": phase.name if phase else "",
        }
    return fields
