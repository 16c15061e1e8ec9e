"""Which log shows what an instance does, and the line above it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from velora_tui.domain.events import PhaseState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.view.cells import Cell, Span
from velora_tui.view.contact import key_trouble
from velora_tui.view.holders import hand_started, stale_holder
from velora_tui.view.task_names import short_task
from velora_tui.view.text import count, counted


class LogPlace(NamedTuple):
    """The log of a phase, at a line if there is evidence."""

    run: str
    attempt: int
    phase: str
    line: int | None = None


class FollowStatus(Protocol):
    """What is told of a log that is shown."""

    @property
    def following(self) -> bool: ...
    @property
    def new_lines(self) -> int: ...
    @property
    def line_count(self) -> int: ...
    @property
    def problem(self) -> str: ...


def log_place(run: Run) -> LogPlace | None:
    """Return the log to look at: of the phase that runs, failed or was stopped, else of the last that did anything."""
    attempt = run.attempt
    if attempt is None:
        return None
    phase = attempt.current_phase
    if phase is None:
        done = [phase for phase in attempt.phases if phase.state is PhaseState.SUCCEEDED]
        phase = done[-1] if done else None
    if phase is None:
        return None
    line = phase.failure.line if phase.failure else None
    return LogPlace(run.run, attempt.number, phase.name, line)


def log_title(
    row: InstanceSnapshot | None, place: LogPlace | None, status: FollowStatus, fleet: Fleet
) -> tuple[Cell, Cell]:
    """Return the start and the end of the line above the log."""
    if row is None:
        return "", ""
    run = row.run
    if run is None or place is None:
        return (Span(f" {row.instance.name} ", "strong"), Span(_nothing(row), "dim")), ""
    number = f" · attempt {place.attempt}" if place.attempt > 1 else ""
    repo = run.repo.rpartition("/")[2]
    what = f"{repo} {short_task(run)} · {fleet.label(run.model)} · run {run.run_number}{number} · {place.phase}"
    left = (Span(f" {row.instance.name} ", "strong"), Span(what, "dim"))
    following = _following(status) if run.is_active or status.problem else ()
    return left, (*following, Span(f"   {counted(status.line_count, 'line')} ", "dim"))


def _nothing(row: InstanceSnapshot) -> str:
    if row.foreign is not None:
        return f"{row.foreign.operator} has it"
    return "no log of a run of yours" if hand_started(row) is not None else "nothing has run here yet"


def empty_hint(row: InstanceSnapshot) -> str:
    """Return what one can do on an instance of which there is no log to show."""
    trouble = key_trouble(row)
    if trouble is not None:
        return "K says what to do" if trouble.is_changed else "K shows the new host key and asks"
    if row.foreign is not None:
        return "⏎ follows their run, read-only"
    if hand_started(row) is not None:
        return "a run started by hand has it: c checks again"
    return "s takes over the dead lease by starting" if stale_holder(row) is not None else "s starts a run here"


def _following(status: FollowStatus) -> tuple[Span, ...]:
    if status.problem:
        return (Span(status.problem, "bad"),)
    if status.following:
        return (Span("● following", "good"),)
    if status.new_lines:
        return Span(f"+{count(status.new_lines)} new", "look"), Span("  f follows", "dim")
    return (Span("f follows", "dim"),)
