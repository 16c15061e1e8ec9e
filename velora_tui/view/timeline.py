"""An attempt's phases on a line or two: how each went and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from velora_tui.domain.events import PhaseState
from velora_tui.domain.run import Attempt, PhaseRun
from velora_tui.view.cells import Span, Tone
from velora_tui.view.phases import PHASE_SPANS, SHORT_NAMES
from velora_tui.view.text import cells, duration

MOST_LINES = 3
LONGEST_BAR = 24
SEPARATOR_CELLS = 3
LAST_BAR_CELLS = 2
BRIEF_SHARE = 0.05
LONG_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class _Form:
    """How much is said of each phase; times shorter than `least_seconds` are left out."""

    has_details: bool = False
    has_names: bool = True
    least_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """A phase as it stands on the line: its words, and the seconds its bar stands for."""

    spans: tuple[Span, ...]
    seconds: float
    tone: Tone
    has_bar: bool

    @property
    def width(self) -> int:
        return sum(cells(span.text) for span in self.spans)


def timeline(attempt: Attempt, now: datetime, width: int, chosen: str | None = None) -> list[tuple[Span, ...]]:
    """Return the phases in at most three lines of `width` cells, with bars in proportion where there is room.

    The phase `chosen` is the one whose log is shown. Where not all fits on a line, details go first, then brief times,
    then long names, then all times but long ones.
    """
    total_seconds = sum(phase.seconds_at(now) for phase in attempt.phases)
    for form in _forms(total_seconds):
        marks = [_mark(phase, now, chosen, form) for phase in attempt.phases]
        rows = _rows(marks, width)
        if len(rows) == 1:
            break
    cells_per_second = min((_scale(row, width) for row in rows), default=0.0)
    return [_line(row, cells_per_second) for row in rows[:MOST_LINES]]


def _forms(total_seconds: float) -> tuple[_Form, ...]:
    """Return the forms from the fullest to the briefest."""
    brief_seconds = BRIEF_SHARE * total_seconds
    return (
        _Form(has_details=True),
        _Form(),
        _Form(least_seconds=brief_seconds),
        _Form(has_names=False),
        _Form(has_names=False, least_seconds=brief_seconds),
        _Form(has_names=False, least_seconds=LONG_SHARE * total_seconds),
    )


def _mark(phase: PhaseRun, now: datetime, chosen: str | None, form: _Form) -> _Mark:
    sign, tone = PHASE_SPANS[phase.state]
    seconds = phase.seconds_at(now)
    is_quiet = phase.state in {PhaseState.PENDING, PhaseState.SKIPPED}
    name = phase.name if form.has_names else SHORT_NAMES.get(phase.name, phase.name)
    spans = [Span(name, "strong" if phase.name == chosen else ("dim" if is_quiet else ""))]
    if phase.state is not PhaseState.PENDING:
        spans.append(Span(f" {sign}", tone))
    if not is_quiet and seconds >= form.least_seconds:
        spans.append(Span(f" {duration(seconds)}", "dim"))
    if form.has_details and phase.detail:
        spans.append(Span(f" ({phase.detail})", "dim"))
    return _Mark(tuple(spans), 0.0 if is_quiet else seconds, tone, has_bar=not is_quiet)


def _rows(marks: Sequence[_Mark], width: int) -> list[list[_Mark]]:
    """Break the marks into rows that fit, each mark with a blank, one cell of bar and a blank before the next."""
    rows: list[list[_Mark]] = [[]]
    used = 0
    for mark in marks:
        needed = mark.width + (SEPARATOR_CELLS if rows[-1] else 0)
        if rows[-1] and used + needed + LAST_BAR_CELLS > width:
            rows.append([])
            used, needed = 0, mark.width
        rows[-1].append(mark)
        used += needed
    return rows


def _scale(row: Sequence[_Mark], width: int) -> float:
    """Return how many cells of bar a second may have so that the row fits and no bar is too long."""
    free = max(0, width - sum(mark.width + SEPARATOR_CELLS for mark in row))
    total, longest = sum(mark.seconds for mark in row), max(mark.seconds for mark in row)
    return min(free / total, LONGEST_BAR / longest) if longest > 0 else float("inf")


def _line(row: Sequence[_Mark], cells_per_second: float) -> tuple[Span, ...]:
    spans: list[Span] = []
    for place, mark in enumerate(row):
        spans += mark.spans
        is_last = place == len(row) - 1
        if mark.has_bar:
            bar = 1 + (int(mark.seconds * cells_per_second) if mark.seconds > 0 else 0)
            spans.append(Span(f" {'━' * bar}{'' if is_last else ' '}", mark.tone))
        elif not is_last:
            spans.append(Span(" · ", "faint"))
    return tuple(spans)
