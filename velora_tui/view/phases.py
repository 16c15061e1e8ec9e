"""The phases of an attempt as a strip: thin bars where there is room, a symbol each where there is not."""

from __future__ import annotations

from velora_tui.domain.events import PhaseProgressed, PhaseState
from velora_tui.domain.run import Attempt, PhaseRun
from velora_tui.view.cells import Span, Tone

SHORT_NAMES = {
    "upload": "UP",
    "image": "IMG",
    "trajectory": "TRJ",
    "evaluation": "EVL",
    "report": "REP",
    "collect": "COL",
    "validate": "VAL",
}
BAR_CELLS = 3
LONG_BAR_CELLS = 5
STRIP_TITLE = " ".join(name.ljust(BAR_CELLS) for name in SHORT_NAMES.values())
STRIP_CELLS = len(STRIP_TITLE)
LONG_STRIP_TITLE = " ".join(name.ljust(LONG_BAR_CELLS) for name in SHORT_NAMES.values())
LONG_STRIP_CELLS = len(LONG_STRIP_TITLE)
COMPACT_CELLS = len(SHORT_NAMES)

PHASE_SPANS: dict[PhaseState, Span] = {
    PhaseState.PENDING: Span("·", "faint"),
    PhaseState.RUNNING: Span("▶", "run"),
    PhaseState.SUCCEEDED: Span("✓", "good"),
    PhaseState.FAILED: Span("✗", "bad"),
    PhaseState.SKIPPED: Span("–", "dim"),
    PhaseState.STOPPED: Span("■", "look"),
}


def strip(attempt: Attempt, progress: PhaseProgressed | None, bar_cells: int = BAR_CELLS) -> tuple[Span, ...]:
    """Return a bar for each phase; that of the running one is as long as `progress` says."""
    spans: list[Span] = []
    for phase in attempt.phases:
        spans += [*_bar(phase, progress, bar_cells), Span(" ")]
    return tuple(spans[:-1])


def compact_strip(attempt: Attempt) -> tuple[Span, ...]:
    """Return a symbol for each phase."""
    return tuple(PHASE_SPANS[phase.state] for phase in attempt.phases)


def _bar(phase: PhaseRun, progress: PhaseProgressed | None, bar_cells: int) -> tuple[Span, ...]:
    match phase.state:
        case PhaseState.PENDING:
            return (Span("─" * bar_cells, "faint"),)
        case PhaseState.SUCCEEDED:
            return (Span("━" * bar_cells, "good"),)
        case PhaseState.SKIPPED:
            return (Span("─" * bar_cells, "dim"),)
        case PhaseState.RUNNING:
            filled = _filled(phase, progress, bar_cells)
            return Span("━" * filled, "run"), Span("─" * (bar_cells - filled), "faint")
        case PhaseState.FAILED | PhaseState.STOPPED:
            tone: Tone = "bad" if phase.state is PhaseState.FAILED else "look"
            return Span("━" * (bar_cells - 1), tone), Span("─", "faint")


def _filled(phase: PhaseRun, progress: PhaseProgressed | None, bar_cells: int) -> int:
    """Return how many cells of a running phase's bar are filled: at least one, never all."""
    if progress is None or progress.phase != phase.name or not progress.total:
        return 1
    return max(1, min(bar_cells - 1, round(bar_cells * progress.done / progress.total)))
