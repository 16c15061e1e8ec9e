"""The Log screen: one log, all of the window."""

from __future__ import annotations

from textual.app import ComposeResult

from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.screens.run_log import LogTab
from velora_tui.ui.screens.run_screen import PlaceScreen
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Span
from velora_tui.view.diagnosis import NARROW_CELLS, title


class LogScreen(PlaceScreen):
    """Shows the log it was opened on, else that of the run that started last."""

    NAME = "log"

    def compose_body(self) -> ComposeResult:
        """Yield the title and the log."""
        yield SplitLine(id="log-title")
        yield LogTab(id="log-tab")

    def open(self, run_id: str, attempt: int | None = None, phase: str | None = None, line: int | None = None) -> None:
        """Show this log from now on; latest attempt and the phase that matters unless named."""
        self.choose(run_id, attempt)
        self.log_tab.want(phase, line)
        self.log_tab.forget()
        self.place = None
        self.dashboard.refresh_now()

    @property
    def tab(self) -> LogTab:
        return self.log_tab

    def on_mount(self) -> None:
        """Give the keys to the log."""
        self.focus_tab()

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show how the attempt stands now."""
        if not self.run_id and (latest := _latest(snapshot)) is not None:
            self.choose(latest.run, None)
        place, is_other = self.find_place(snapshot)
        line = self.query_one("#log-title", SplitLine)
        if place is None:
            line.show((Span(" no run yet", "dim"), Span("   1 shows the fleet, where s starts one", "dim")))
            return
        line.show(*title(place.run, place.attempt, snapshot.fleet, is_narrow=self.app.size.width < NARROW_CELLS))
        if is_other:
            self.log_tab.show_place(place)

    def do_tab_log(self) -> None:
        """Stay: this is it."""

    def do_back(self) -> None:
        """End a search, else leave."""
        if self.tab.search_text:
            self.tab.search("")
        else:
            super().do_back()


def _latest(snapshot: FleetSnapshot) -> Run | None:
    """Return the run that started last, of those that run if any does."""
    begun = [run for run in snapshot.runs.values() if run.attempt is not None and run.attempt.started_at is not None]
    return max(begun, key=_recency, default=None)


def _recency(run: Run) -> tuple[bool, str]:
    started = run.attempt.started_at if run.attempt else None
    return run.is_active, started.isoformat() if started else ""
