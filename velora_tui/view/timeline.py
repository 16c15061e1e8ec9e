"""An attempt's phases on a line or two: how each went and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from velora_tui.domain.events import PhaseState
from velora_tui.domain.run import Attempt, PhaseRun
from velora_tui.view.cells import Span, Tone
from velora_tui.view.phases import PHASE_SPANS
from velora_tui.view.text import cells, duration

MOST_LINES = 3
LONGEST_BAR = 24


@dataclass(frozen=True, slots=True)
class _Mark:
    """A phase as it stands on the line: its words, and the seconds its bar stands for."""

    spans: tuple[Span, ...]
    seconds: float
    tone: Tone

    @property
    def width(self) -> int:
        return sum(cells(span.text) for span in self.spans)


def phase_seconds(phase: PhaseRun, now: datetime) -> float:
    """Return how long a phase took, or has been running."""
    if phase.state is PhaseState.RUNNING and phase.started_at is not None:
        return max(0.0, (now - phase.started_at).total_seconds())
    return phase.seconds


def timeline(attempt: Attempt, now: datetime, width: int, chosen: str | None = None) -> list[tuple[Span, ...]]:
    """Return the phases in at most three lines of `width` cells, with bars in proportion where there is room.

    The phase `chosen` is the one whose log is shown.
    """
    for has_details in (True, False):
        marks = [_mark(phase, now, chosen, has_detail=has_details) for phase in attempt.phases]
        rows = _rows(marks, width)
        if len(rows) == 1:
            break
    return [_line(row, width) for row in rows[:MOST_LINES]]


def _mark(phase: PhaseRun, now: datetime, chosen: str | None, *, has_detail: bool) -> _Mark:
    sign, tone = PHASE_SPANS[phase.state]
    seconds = phase_seconds(phase, now)
    is_quiet = phase.state in {PhaseState.PENDING, PhaseState.SKIPPED}
    spans = [Span(phase.name, "strong" if phase.name == chosen else ("dim" if is_quiet else ""))]
    if phase.state is not PhaseState.PENDING:
        spans.append(Span(f" {sign}", tone))
    if not is_quiet:
        spans.append(Span(f" {duration(seconds)}", "dim"))
    if has_detail and phase.detail:
        spans.append(Span(f" ({phase.detail})", "dim"))
    return _Mark(tuple(spans), seconds, tone)


def _rows(marks: Sequence[_Mark], width: int) -> list[list[_Mark]]:
    """Break the marks into rows that fit, each mark with a blank, one cell of bar and a blank before the next."""
    rows: list[list[_Mark]] = [[]]
    used = 0
    for mark in marks:
        needed = mark.width + (3 if rows[-1] else 0)
        if rows[-1] and used + needed > width:
            rows.append([])
            used, needed = 0, mark.width
        rows[-1].append(mark)
        used += needed
    return rows


def _line(row: Sequence[_Mark], width: int) -> tuple[Span, ...]:
    free = width - sum(mark.width + 3 for mark in row)
    longest = sum(mark.seconds for mark in row) or 1.0
    spans: list[Span] = []
    for place, mark in enumerate(row):
        spans += mark.spans
        is_last = place == len(row) - 1
        if mark.seconds <= 0:
            spans += [] if is_last else [Span(" · ", "faint")]
            continue
        bar = 1 + min(LONGEST_BAR, int(max(0, free) * mark.seconds / longest))
        spans.append(Span(f" {'━' * bar}{'' if is_last else ' '}", mark.tone))
    return tuple(spans)
