"""Runs that have ended as rows of a table, and what they come to in all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Row, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry, SortKey
from velora_tui.view.fleet_rows import short_task
from velora_tui.view.states import attempt_state
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, duration, size
from velora_tui.view.trajectory_lines import dollars

COLUMNS = (
    Column("task", "TASK", min_width=18, priority=10),
    Column("model", "MODEL", min_width=6, priority=9),
    Column("run", "RUN", 3, "right", priority=7),
    Column("outcome", "OUTCOME", min_width=12, priority=9),
    Column("f2p", "F2P", 5, "right", priority=8),
    Column("p2p", "P2P", 7, "right", priority=6),
    Column("patch", "PATCH", 6, "right", priority=4),
    Column("steps", "STEPS", 5, "right", priority=2),
    Column("time", "TIME", 7, "right", priority=3),
    Column("cost", "COST", 6, "right", priority=5),
)
_NOTHING = Span("–", "dim")
FILTER_KEYS = ("task", "repo", "model", "run", "outcome", "state", "instance", "phase", "failure")


def ended(runs: Iterable[Run]) -> list[Run]:
    """Return the runs whose latest attempt is over, the latest to end first."""
    over = [run for run in runs if run.attempt is not None and run.attempt.state.is_over]
    return sorted(over, key=lambda run: (_attempt(run).ended_at or run.created_at, run.run), reverse=True)


def result_entries(runs: Iterable[Run], fleet: Fleet) -> list[Entry]:
    """Return a row for each run that has ended, the latest first; its key is the run's id."""
    return [_entry(run, fleet) for run in ended(runs)]


def _entry(run: Run, fleet: Fleet) -> Entry:
    attempt = _attempt(run)
    summary = attempt.summary
    cells: dict[str, Cell] = {
        "task": task_name(run),
        "model": Span(fleet.label(run.model), "model"),
        "run": Span(str(run.run_number), "dim"),
        "outcome": _outcome(attempt),
        "f2p": fraction(*summary.f2p, is_fixing=True) if summary.f2p else _NOTHING,
        "p2p": fraction(*summary.p2p, is_fixing=False) if summary.p2p else _NOTHING,
        "patch": size(summary.patch_bytes) if summary.patch_bytes else _NOTHING,
        "steps": str(summary.history) if summary.history is not None else _NOTHING,
        "time": Span(duration(seconds_of(attempt)), "dim") if attempt.started_at else _NOTHING,
        "cost": Span(dollars(summary.cost), "dim") if summary.cost is not None else _NOTHING,
    }
    return Entry(Row(run.run, cells), _fields(run, attempt, fleet), _order(run, attempt))


def task_name(run: Run) -> tuple[Span, ...]:
    """Return repository and task: "sepal_ui 1319603449"; owner, and what the task's name repeats, are left out."""
    return Span(run.repo.rpartition("/")[2]), Span(f" {short_task(run)}", "dim")


def _outcome(attempt: Attempt) -> Span:
    """Return how it ended, without the phase: why it failed stands below the table."""
    state = attempt_state(attempt)
    return Span(f"{state.symbol} {state.word.partition(' in ')[0]}", state.tone)


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
    spans = [Span(f" {count(len(attempts))}"), Span(" run" if len(attempts) == 1 else " runs", "dim")]
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


def _fields(run: Run, attempt: Attempt, fleet: Fleet) -> dict[str, str]:
    failure = attempt.failure
    state = attempt_state(attempt).word
    return {
        "task": run.task,
        "repo": run.repo,
        "model": f"{run.model} {fleet.label(run.model)}",
        "run": str(run.run_number),
        "outcome": state,
        "state": f"{attempt.state} {state}",
        "instance": attempt.instance or "",
        "phase": failure.phase or "" if failure else "",
        "failure": f"{failure.failure_class} {failure.signature}" if failure else "",
    }


def _order(run: Run, attempt: Attempt) -> dict[str, SortKey]:
    summary = attempt.summary
    values: dict[str, float | None] = {
        "run": run.run_number,
        "outcome": attempt_state(attempt).rank,
        "f2p": _share(summary.f2p),
        "p2p": _share(summary.p2p),
        "patch": summary.patch_bytes,
        "steps": summary.history,
        "time": seconds_of(attempt) if attempt.started_at else None,
        "cost": summary.cost,
    }
    known: dict[str, SortKey] = {column: (value, "") for column, value in values.items() if value is not None}
    return {"task": (0, f"{run.repo} {run.task}"), "model": (0, run.model), **known}


def _share(pair: tuple[int, int] | None) -> float | None:
    return pair[0] / pair[1] if pair and pair[1] else None
