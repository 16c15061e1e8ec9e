"""The rows of the queue screen: what waits, in the order it will start, then what runs."""

from __future__ import annotations

from velora_tui.domain.events import AttemptState
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.view.cells import Cell, Row, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.states import run_state
from velora_tui.view.task_names import short_task
from velora_tui.view.text import count, duration

FILTER_KEYS = ("state", "instance", "task", "repo", "model", "run")

COLUMNS = (
    Column("place", "#", 3, "right", priority=9),
    Column("state", "STATE", min_width=12, priority=8),
    Column("repo", "TASK", min_width=12, priority=9),
    Column("task", "", min_width=4, priority=3),
    Column("model", "MODEL", min_width=6, priority=7),
    Column("run", "RUN", 3, "right", priority=5),
    Column("instance", "INSTANCE", min_width=8, priority=8),
    Column("time", "TIME", 7, "right", priority=6),
    Column("note", "", min_width=10, priority=4),
)


def queue_entries(snapshot: FleetSnapshot) -> list[Entry]:
    """Return a row for each active run; its key is the run's id."""
    waiting = [snapshot.runs[run] for run in snapshot.queue if run in snapshot.runs]
    active = [run for run in snapshot.runs.values() if run.is_active and run.run not in snapshot.queue]
    elsewhere = [run for run in active if _attempt(run).state is AttemptState.QUEUED]
    running = [run for run in active if _attempt(run).state is AttemptState.RUNNING]
    running.sort(key=lambda run: _attempt(run).started_at or run.created_at)
    places = {run.run: place for place, run in enumerate(waiting, start=1)}
    return [_entry(run, places.get(run.run), snapshot) for run in (*waiting, *elsewhere, *running)]


def queue_summary(snapshot: FleetSnapshot) -> tuple[Span, ...]:
    """Return "3 wait · 5 run · 2 instances free"."""
    running = sum(row.is_busy for row in snapshot.instances)
    free = sum(not row.is_busy and (row.readiness is None or row.readiness.ready) for row in snapshot.instances)
    return (
        Span(count(len(snapshot.queue)), "strong"),
        Span(" wait   ", "dim"),
        Span(count(running), "run"),
        Span(" run   ", "dim"),
        Span(count(free), "ours"),
        Span(" free ", "dim"),
    )


def _entry(run: Run, place: int | None, snapshot: FleetSnapshot) -> Entry:
    attempt = _attempt(run)
    state = run_state(run)
    cells: dict[str, Cell] = {
        "place": Span(str(place) if place else "", "strong"),
        "state": state.spans,
        "repo": run.repo,
        "task": Span(short_task(run), "dim"),
        "model": Span(snapshot.fleet.label(run.model), "model"),
        "run": Span(str(run.run_number), "dim"),
        "instance": attempt.instance or Span("any", "dim"),
        "time": Span(duration(_seconds(attempt, snapshot)), "dim"),
        "note": Span(_note(attempt, place), "dim"),
    }
    fields = {
        "state": state.word,
        "instance": attempt.instance or "any",
        "task": run.task,
        "repo": run.repo,
        "model": f"{snapshot.fleet.label(run.model)} {run.model}",
        "run": f"{run.run_number} {run.run}",
    }
    return Entry(Row(run.run, cells), fields)


def _seconds(attempt: Attempt, snapshot: FleetSnapshot) -> float:
    if attempt.started_at is not None:
        return attempt.seconds_at(snapshot.at)
    return (snapshot.at - attempt.queued_at).total_seconds()


def _note(attempt: Attempt, place: int | None) -> str:
    parts = [f"attempt {attempt.number}"] if attempt.number > 1 else []
    if attempt.from_phase:
        parts.append(f"from {attempt.from_phase}")
    if attempt.force:
        parts.append("although not ready")
    if place is None and attempt.state is AttemptState.QUEUED:
        parts.append("in another Velora's queue")
    return " · ".join(parts)


def _attempt(run: Run) -> Attempt:
    attempt = run.attempt
    assert attempt is not None
    return attempt
