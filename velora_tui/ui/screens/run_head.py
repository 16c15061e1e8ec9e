"""The lines on top of a run's page: which attempt it is, its phases in time, and why it failed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.fleet import Fleet
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span
from velora_tui.view.diagnosis import MOST_LINES as MOST_DIAGNOSIS_LINES
from velora_tui.view.diagnosis import NARROW_CELLS, diagnosis, title
from velora_tui.view.imported import imported_lines
from velora_tui.view.timeline import MOST_LINES as MOST_TIMELINE_LINES
from velora_tui.view.timeline import timeline


class RunHead(Vertical):
    """Repaints only the lines that change."""

    DEFAULT_CSS = "RunHead { height: auto; }"

    def compose(self) -> ComposeResult:
        """Yield as many lines as there may be; those without text are not shown."""
        yield SplitLine(id="run-title")
        for number in range(MOST_TIMELINE_LINES):
            yield SplitLine(id=f"timeline-{number}")
        for number in range(MOST_DIAGNOSIS_LINES):
            yield SplitLine(id=f"diagnosis-{number}")

    def show(
        self, place: Place, fleet: Fleet, now: datetime, chosen_phase: str | None, width: int, restarts: Collection[str]
    ) -> None:
        """Show the attempt as it stands at `now`, for `width` cells; a retry may begin at the phases `restarts`."""
        run, attempt = place.run, place.attempt
        if place.catalogued is not None:
            known = place.catalogued
            self._show_all(*imported_lines(known.row, known.result, fleet, is_narrow=width < NARROW_CELLS))
            return
        self._line("run-title").show(*title(run, attempt, fleet, is_narrow=width < NARROW_CELLS))
        phases = timeline(attempt, now, width - 2, chosen_phase)
        self._show_lines("timeline", MOST_TIMELINE_LINES, [((Span(" "), *spans), "") for spans in phases])
        why = diagnosis(attempt, is_latest=attempt.number == len(run.attempts), restarts=restarts)
        self._show_lines("diagnosis", MOST_DIAGNOSIS_LINES, why)

    def show_missing(self, run_id: str) -> None:
        """Say that there is no such run."""
        words = f" no run {run_id} in this journal, nor in the catalog"
        self._show_all(((Span(words, "bad"), Span("   esc goes back", "dim")), ""), [])

    def show_reading(self) -> None:
        """Say that the run is being read."""
        self._show_all((Span(" reading the run …", "dim"), ""), [])

    def _show_all(self, title: tuple[Cell, Cell], more: list[tuple[Cell, Cell]]) -> None:
        """Show a title, and lines that belong to a run whose phases are not known."""
        self._line("run-title").show(*title)
        self._show_lines("timeline", MOST_TIMELINE_LINES, [])
        self._show_lines("diagnosis", MOST_DIAGNOSIS_LINES, more[:MOST_DIAGNOSIS_LINES])

    def _line(self, name: str) -> SplitLine:
        return self.query_one(f"#{name}", SplitLine)

    def _show_lines(self, name: str, most: int, lines: list[tuple[Cell, Cell]]) -> None:
        for number in range(most):
            line = self._line(f"{name}-{number}")
            line.display = number < len(lines)
            if line.display:
                line.show(*lines[number])
