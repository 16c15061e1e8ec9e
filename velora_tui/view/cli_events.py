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
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import Line, joined
from velora_tui.view.phases import PHASE_SPANS
from velora_tui.view.states import outcome_state
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, counted, cut, duration, pad, size

_INSTANCE_CELLS = 8
_TASK_CELLS = 26
_MODEL_CELLS = 8
_PHASE_CELLS = 10
_DETAIL_CELLS = 120
NOTHING = Span("–", "dim")


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
    return (*head, *told, *_where_it_is(event, attempt))


def _where_it_is(event: AnyEvent, attempt: Attempt | None) -> Line:
    """Return in which phase an attempt is that is taken up again, and for how long."""
    phase = attempt.current_phase if isinstance(event, AttemptAttached) and attempt else None
    if phase is None or phase.started_at is None:
        return ()
    return (Span(f": in {phase.name} since {duration((event.at - phase.started_at).total_seconds())}"),)


def progress_line(progress: PhaseProgressed, run: Run) -> str:
    """Return how far a phase is, as one line."""
    done, total = (size, size) if progress.unit == "bytes" else (count, count)
    reached = done(progress.done) + (f"/{total(progress.total)}" if progress.total is not None else "")
    unit = "" if progress.unit == "bytes" else f" {progress.unit}"
    instance = run.attempt.instance if run.attempt else None
    return " · ".join(part for part in (instance, progress.phase, reached + unit, progress.detail) if part)


def fractions(summary: Summary) -> tuple[Cell, Cell]:
    """Return how many of the listed F2P and P2P tests succeeded, or dashes where that is not known."""
    f2p: Cell = fraction(*summary.f2p, is_fixing=True) if summary.f2p else NOTHING
    p2p: Cell = fraction(*summary.p2p, is_fixing=False) if summary.p2p else NOTHING
    return f2p, p2p


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
    numbers: list[Cell] = [outcome_state(outcome).spans if outcome else ""]
    numbers += [(Span("F2P ", "dim"), fraction(*summary.f2p, is_fixing=True))] if summary.f2p else []
    numbers += [(Span("P2P ", "dim"), fraction(*summary.p2p, is_fixing=False))] if summary.p2p else []
    numbers += [f"patch {size(summary.patch_bytes)}"] if summary.patch_bytes else []
    numbers += [counted(summary.history, "history entry", "history entries")] if summary.history else []
    return joined(numbers)


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
        return (Span("■ stopped", "look"),)
    return summary_line(event.outcome, event.summary)
