"""The lines above every screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.content import split_line
from velora_tui.ui.keys import TABS
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span, plain
from velora_tui.view.header import Spans, fleet_counts, runs_bar, runs_done, tab_line, verdict_counts
from velora_tui.view.text import cells

_BADGE_CELLS = 8
_BAR_START_CELLS = 9


class Tabs(SplitLine):
    """The tab line: a click on a tab shows it; at its end stands what the screen wants to say."""

    def __init__(self, current: str) -> None:
        super().__init__(id="tab-line")
        self._current = current

    def render(self) -> Content:
        """Draw all tabs, whatever the screen says."""
        return split_line(self._tabs(), self.cells[1], self.size.width)

    def _tabs(self) -> Spans:
        return tab_line(TABS, self._current, self.size.width - cells(plain(self.cells[1])) - 2)

    def on_click(self, event: Click) -> None:
        """Show the tab clicked."""
        x = 0
        for name, span in zip(TABS, self._tabs(), strict=True):
            x += len(span.text)
            if event.x < x:
                self.app.call_later(self.screen.run_action, f"act('tab_{name}')")
                return


class FleetHeader(Vertical):
    """Name, numbers and tabs. `screen_name` is the tab that is current."""

    def __init__(self, screen_name: str) -> None:
        super().__init__()
        self._screen_name = screen_name

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        with Horizontal(id="name-line"):
            yield Static(" Velora ", id="badge", markup=False)
            yield SplitLine(id="fleet-line")
        yield SplitLine(id="runs-line")
        yield Tabs(self._screen_name)

    def show_snapshot(self, snapshot: FleetSnapshot, notice: Cell) -> None:
        """Show the fleet in numbers; `notice` says what all should know, as that the state is stale."""
        tail = notice or ((Span("read-only", "look"),) if snapshot.read_only else "")
        name = Span(f"  {snapshot.fleet.name}   ", "strong")
        free = self.size.width - _BADGE_CELLS - cells(plain(name)) - cells(plain(tail))
        self.query_one("#fleet-line", SplitLine).show((name, *fleet_counts(snapshot, free)), tail)
        line = self.query_one("#runs-line", SplitLine)
        line.display = bool(snapshot.runs)
        end = (*runs_done(snapshot), Span("   "), *verdict_counts(snapshot), Span(" "))
        bar = runs_bar(snapshot, max(0, self.size.width - cells(plain(end)) - _BAR_START_CELLS))
        line.show((Span(" ours ", "dim"), *bar), end)  # as Results calls them: what is imported is not in it

    def show_status(self, status: Cell) -> None:
        """Show what the screen says at the end of the tab line."""
        self.query_one(Tabs).show("", status)
