"""Which attempt one looks at, how it stands, and why it failed: the lines on top of a run's page."""

from __future__ import annotations

from collections.abc import Collection

from velora_tui.domain.events import AttemptState
from velora_tui.domain.failure import Failure
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Span
from velora_tui.view.diagnosis_text import repair_words
from velora_tui.view.results_rows import task_name
from velora_tui.view.states import attempt_state
from velora_tui.view.task_names import short_task
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, cut

MOST_LINES = 2
NARROW_CELLS = 100
LONGEST_EVIDENCE_CELLS = 160
_ARROW = Span(" › ", "faint")


def title(run: Run, attempt: Attempt, fleet: Fleet, *, is_narrow: bool = False) -> tuple[Cell, Cell]:
    """Return "eval3 › pallets/click #1769880766 › kimi › run 1 › attempt 2" and how the attempt stands."""
    number = f"{attempt.number}" if len(run.attempts) == attempt.number else f"{attempt.number} of {len(run.attempts)}"
    task = task_name(run) if is_narrow else (Span(run.repo), Span(f" {short_task(run)}", "dim"))
    left = (
        Span(f" {attempt.instance or 'any'}", "strong"),
        _ARROW,
        *task,
        _ARROW,
        Span(fleet.label(run.model), "model"),
        _ARROW,
        Span(f"run {run.run_number}"),
        _ARROW,
        Span(f"attempt {number}", "" if attempt.number == len(run.attempts) else "look"),
    )
    return left, (*attempt_state(attempt).spans, *_more(attempt, is_narrow=is_narrow), Span(" "))


def _more(attempt: Attempt, *, is_narrow: bool) -> tuple[Span, ...]:
    """Return what belongs to the state: the class of a failure, or the tests in numbers."""
    if is_narrow:
        return ()
    if attempt.failure is not None:
        return (Span(f" · {attempt.failure.failure_class}", "dim"),)
    summary = attempt.summary
    if summary.f2p is None or summary.p2p is None:
        return ()
    return (
        Span("   F2P ", "dim"),
        fraction(*summary.f2p, is_fixing=True),
        Span("  P2P ", "dim"),
        fraction(*summary.p2p, is_fixing=False),
    )


def diagnosis(attempt: Attempt, *, is_latest: bool, restarts: Collection[str] | None = None) -> list[tuple[Cell, Cell]]:
    """Return why an attempt did not come to its end and what to do: lines with a start and an end; may be none.

    `restarts` are the phases at which a retry may begin; None: any.
    """
    if attempt.failure is not None:
        phase = attempt.failure.phase
        begins_there = phase is not None and (restarts is None or phase in restarts)
        return _failure(attempt.failure, is_latest=is_latest, retry_from=phase if begins_there else None)
    if attempt.state is AttemptState.STOPPED:
        keys = (Span("retry ", "dim"), Span("[r] ", "ours")) if is_latest else ""
        return [(Span(" stopped by its operator", "dim"), keys)]
    if attempt.detached:
        return [(Span(" nobody watches it: it goes on on its instance", "look"), "")]
    return []


def failure_in_line(failure: Failure) -> tuple[Span, ...]:
    """Return why an attempt failed in a line."""
    where = f" in {failure.phase}" if failure.phase else ""
    return (
        Span(" ✗ ", "bad"),
        Span(failure.signature, "bad"),
        Span(f"{where}: ", "dim"),
        Span(failure.message),
        Span(f" · {failure.remedy}", "dim"),
    )


def _failure(failure: Failure, *, is_latest: bool, retry_from: str | None) -> list[tuple[Cell, Cell]]:
    line = f" (line {count(failure.line)})" if failure.line is not None else ""
    evidence = f': "{cut(failure.evidence.strip(), LONGEST_EVIDENCE_CELLS)}"' if failure.evidence else ""
    cause = (Span(f" {failure.signature}", "bad"), Span(evidence), Span(line, "dim"))
    remedy = (Span(f" {failure.message}: ", "dim"), Span(failure.remedy))
    retry = (Span(f"retry from {retry_from or 'the start'} ", "dim"), Span("[r] ", "ours"))
    repair = (Span(f"{repair_words(failure.repair)} ", "dim"), Span("[R] ", "ours")) if failure.repair else ""
    return [(cause, repair if is_latest else ""), (remedy, retry if is_latest else "")]
