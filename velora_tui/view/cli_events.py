"""Events of runs as calm lines of text."""

from __future__ import annotations

from velora_tui.domain.events import (
    AnyEvent,
    AttemptAttached,
    AttemptDetached,
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseProgressed,
    PhaseStarted,
    PhaseState,
    StopRequested,
    Summary,
)
from velora_tui.domain.failure import Failure
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import Line, joined
from velora_tui.view.text import count, cut, duration, pad, size

_INSTANCE_CELLS = 8
_TASK_CELLS = 26
_MODEL_CELLS = 8
_PHASE_CELLS = 10
_DETAIL_CELLS = 120

PHASE_SPANS = {
    PhaseState.PENDING: Span("·", "dim"),
    PhaseState.RUNNING: Span("▶", "run"),
    PhaseState.SUCCEEDED: Span("✓", "good"),
    PhaseState.FAILED: Span("✗", "bad"),
    PhaseState.SKIPPED: Span("-", "dim"),
    PhaseState.STOPPED: Span("■", "look"),
}
STATE_SPANS = {
    AttemptState.QUEUED: Span("· queued", "dim"),
    AttemptState.RUNNING: Span("● running", "run"),
    AttemptState.FINISHED: Span("✓ finished", "good"),
    AttemptState.FAILED: Span("✗ failed", "bad"),
    AttemptState.STOPPED: Span("■ stopped", "look"),
}
OUTCOME_SPANS = {
    Outcome.RESOLVED: Span("✓ resolved", "good"),
    Outcome.UNRESOLVED: Span("○ unresolved", "look"),
    Outcome.NO_PATCH: Span("– no patch", "dim"),
    Outcome.EVAL_ERROR: Span("! eval error", "look"),
}


def event_line(event: AnyEvent, run: Run, label: str) -> Line | None:
    """Return the line that tells a run's event, or None for one that is not worth a line.

    `label` is the short name of the run's model.
    """
    told = event_words(event)
    if told is None:
        return None
    attempt = run.attempt
    instance = (attempt.instance if attempt else None) or "–"
    head = (
        Span(f"{event.at.astimezone():%H:%M:%S}  ", "dim"),
        Span(f"{pad(instance, _INSTANCE_CELLS)}  ", "strong"),
        Span(f"{pad(run.task, _TASK_CELLS)}  ", "dim"),
        Span(f"{pad(label, _MODEL_CELLS)}  ", "model"),
    )
    return (*head, *told)


def progress_line(progress: PhaseProgressed, run: Run) -> str:
    """Return how far a phase is, as one line."""
    done, total = (size, size) if progress.unit == "bytes" else (count, count)
    reached = done(progress.done) + (f"/{total(progress.total)}" if progress.total is not None else "")
    unit = "" if progress.unit == "bytes" else f" {progress.unit}"
    instance = run.attempt.instance if run.attempt else None
    return " · ".join(part for part in (instance, progress.phase, reached + unit, progress.detail) if part)


def fraction(pair: tuple[int, int] | None) -> Cell:
    """Return how many of the listed tests succeeded, or a dash where that is not known."""
    if pair is None:
        return Span("–", "dim")
    return Span(f"{pair[0]}/{pair[1]}", "good" if pair[0] == pair[1] else "bad")


def failure_line(failure: Failure) -> Line:
    """Return why an attempt failed and what to do about it."""
    where = f" in {failure.phase}" if failure.phase else ""
    return joined(
        (
            Span(f"✗ failed{where}", "bad"),
            str(failure.failure_class),
            Span(f"{failure.signature}: {failure.message}"),
            Span(failure.remedy, "look"),
        )
    )


def summary_line(outcome: Outcome | None, summary: Summary) -> Line:
    """Return what a finished attempt showed."""
    numbers: list[Cell] = [OUTCOME_SPANS[outcome] if outcome else ""]
    numbers += [(Span("F2P ", "dim"), *_spans(fraction(summary.f2p)))] if summary.f2p else []
    numbers += [(Span("P2P ", "dim"), *_spans(fraction(summary.p2p)))] if summary.p2p else []
    numbers += [f"patch {size(summary.patch_bytes)}"] if summary.patch_bytes else []
    numbers += [f"{count(summary.history)} history entries"] if summary.history else []
    return joined(numbers)


def _spans(cell: Cell) -> tuple[Span, ...]:
    return (cell,) if isinstance(cell, Span) else ()


def event_words(event: AnyEvent) -> Line | None:
    """Return what an event says, without when and where; None for one that is not worth a line."""
    match event:
        case AttemptQueued():
            begin = f", to begin with {event.from_phase}" if event.from_phase else ""
            place = event.instance or "an instance"
            return (Span(f"run {event.run} · attempt {event.attempt} waits for {place}{begin}", "dim"),)
        case AttemptStarted():
            return (Span(f"attempt {event.attempt} starts"),)
        case PhaseStarted():
            return (Span(f"{pad(event.phase, _PHASE_CELLS)} "), PHASE_SPANS[PhaseState.RUNNING])
        case PhaseFinished():
            return _phase_finished(event)
        case StopRequested():
            return (Span(f"stop asked for by {event.by}", "look"),)
        case AttemptDetached():
            return (Span("let go; what runs on the instance goes on", "look"),)
        case AttemptAttached():
            return (Span(f"taken up again by {event.by}"),)
        case AttemptFinished():
            return _attempt_finished(event)
        case _:
            return None


def _phase_finished(event: PhaseFinished) -> Line:
    detail = f"  {cut(event.detail, _DETAIL_CELLS)}" if event.detail else ""
    return (
        Span(f"{pad(event.phase, _PHASE_CELLS)} "),
        PHASE_SPANS[event.state],
        Span(f" {duration(event.seconds):>5}"),
        Span(detail, "dim"),
    )


def _attempt_finished(event: AttemptFinished) -> Line:
    if event.failure is not None:
        return failure_line(event.failure)
    if event.state is AttemptState.STOPPED:
        return (STATE_SPANS[event.state],)
    return summary_line(event.outcome, event.summary)
