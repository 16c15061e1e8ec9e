"""Runs that have ended as rows of a table, and what they come to in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Row, Span
from velora_tui.view.cli_events import OUTCOME_SPANS, STATE_SPANS
from velora_tui.view.columns import Column
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, duration, size
from velora_tui.view.trajectory_lines import dollars

COLUMNS = (
    Column("task", "TASK", min_width=20, priority=10),
    Column("model", "MODEL", min_width=6, priority=9),
    Column("run", "RUN", 3, "right", priority=7),
    Column("outcome", "OUTCOME", min_width=13, priority=9),
    Column("f2p", "F2P", 5, "right", priority=8),
    Column("p2p", "P2P", 7, "right", priority=6),
    Column("patch", "PATCH", 7, "right", priority=4),
    Column("steps", "STEPS", 5, "right", priority=3),
    Column("time", "TIME", 7, "right", priority=2),
    Column("cost", "COST", 7, "right", priority=5),
)
_NOTHING = Span("–", "dim")
_OUTCOME_ORDER = {Outcome.RESOLVED: 0, Outcome.UNRESOLVED: 1, Outcome.NO_PATCH: 2, Outcome.EVAL_ERROR: 3}
_STATE_ORDER = {AttemptState.FAILED: 4, AttemptState.STOPPED: 5}


def ended(runs: Iterable[Run]) -> list[Run]:
    """Return the runs whose latest attempt is over, the latest to end first."""
    over = [run for run in runs if run.attempt is not None and run.attempt.state.is_over]
    return sorted(over, key=lambda run: (_attempt(run).ended_at or run.created_at, run.run), reverse=True)


def result_row(run: Run, fleet: Fleet) -> Row:
    """Return the row of a run that has ended; its key is the run's id."""
    attempt = _attempt(run)
    summary = attempt.summary
    cells: dict[str, Cell] = {
        "task": task_name(run),
        "model": Span(fleet.label(run.model), "model"),
        "run": Span(str(run.run_number), "dim"),
        "outcome": outcome(attempt),
        "f2p": fraction(*summary.f2p, is_fixing=True) if summary.f2p else _NOTHING,
        "p2p": fraction(*summary.p2p, is_fixing=False) if summary.p2p else _NOTHING,
        "patch": size(summary.patch_bytes) if summary.patch_bytes else _NOTHING,
        "steps": str(summary.history) if summary.history is not None else _NOTHING,
        "time": Span(duration(seconds_of(attempt)), "dim") if attempt.started_at else _NOTHING,
        "cost": Span(dollars(summary.cost), "dim") if summary.cost is not None else _NOTHING,
    }
    return Row(run.run, cells)


def task_name(run: Run) -> tuple[Span, ...]:
    """Return repository and task: "12rambau/sepal_ui #1319603449"; what the task's name repeats is left out."""
    return Span(run.repo), Span(f" #{short_task(run)}", "dim")


def short_task(run: Run) -> str:
    """Return the task's name without its repository's: "gridfmt-87" of brackenworks/gridfmt is "87"."""
    for prefix in (run.repo.replace("/", "__"), run.repo.replace("/", "_")):
        if run.task.startswith(f"{prefix}-") and len(run.task) > len(prefix) + 1:
            return run.task[len(prefix) + 1 :]
    return run.task


def outcome(attempt: Attempt) -> Cell:
    """Return what an attempt showed, or why it showed nothing."""
    if attempt.outcome is not None:
        return OUTCOME_SPANS[attempt.outcome]
    state = STATE_SPANS[attempt.state]
    phase = attempt.failure.phase if attempt.failure else None
    return (state, Span(f" in {phase}", state.tone)) if phase else state


def seconds_of(attempt: Attempt) -> float:
    """Return how long an attempt that has ended took."""
    if attempt.started_at is None or attempt.ended_at is None:
        return 0.0
    return max(timedelta(), attempt.ended_at - attempt.started_at).total_seconds()


def totals(runs: Iterable[Run]) -> tuple[Span, ...]:
    """Return "521 runs   214 resolved 41 %   280 unresolved …" of runs that have ended."""
    attempts = [_attempt(run) for run in runs]
    number = {outcome: sum(attempt.outcome is outcome for attempt in attempts) for outcome in Outcome}
    failed = sum(attempt.state is AttemptState.FAILED for attempt in attempts)
    stopped = sum(attempt.state is AttemptState.STOPPED for attempt in attempts)
    judged = sum(number.values())
    share = f" {100 * number[Outcome.RESOLVED] / judged:.0f} %" if judged else ""
    spans = [Span(count(len(attempts))), Span(" run" if len(attempts) == 1 else " runs", "dim")]
    spans += [Span(f"   {count(number[Outcome.RESOLVED])}", "good"), Span(f" resolved{share}", "dim")]
    spans += [Span(f"   {count(number[Outcome.UNRESOLVED])}"), Span(" unresolved", "dim")]
    for amount, words in (
        (number[Outcome.NO_PATCH], "no patch"),
        (number[Outcome.EVAL_ERROR], "no verdict"),
        (failed, "failed"),
        (stopped, "stopped"),
    ):
        if amount:
            spans += [Span(f"   {count(amount)}", "" if words == "no patch" else "bad"), Span(f" {words}", "dim")]
    return tuple(spans)


def _attempt(run: Run) -> Attempt:
    attempt = run.attempt
    assert attempt is not None  # only runs that have ended come here
    return attempt


def _share(pair: tuple[int, int] | None) -> float:
    return pair[0] / pair[1] if pair and pair[1] else -1.0


def _order(attempt: Attempt) -> int:
    return _OUTCOME_ORDER[attempt.outcome] if attempt.outcome is not None else _STATE_ORDER.get(attempt.state, 6)


SORT_VALUES: dict[str, Callable[[Run], tuple[float, str]]] = {
    "task": lambda run: (0, f"{run.repo} {run.task}"),
    "model": lambda run: (0, run.model),
    "run": lambda run: (run.run_number, ""),
    "outcome": lambda run: (_order(_attempt(run)), ""),
    "f2p": lambda run: (_share(_attempt(run).summary.f2p), ""),
    "p2p": lambda run: (_share(_attempt(run).summary.p2p), ""),
    "patch": lambda run: (_attempt(run).summary.patch_bytes or 0, ""),
    "steps": lambda run: (_attempt(run).summary.history or 0, ""),
    "time": lambda run: (seconds_of(_attempt(run)), ""),
    "cost": lambda run: (_attempt(run).summary.cost or 0.0, ""),
}
"""What the runs are sorted by, by column."""
