"""What all runs came to: the runs that have ended, and the proof of the one under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.timer import Timer

from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import UsageError
from velora_tui.ui.outside import open_outside
from velora_tui.ui.screens.run_pane import RunPane
from velora_tui.ui.screens.run_place import Place, read_result
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.columns import Column
from velora_tui.view.diagnosis import failure_in_line
from velora_tui.view.entries import Entry
from velora_tui.view.quality import flags_in_line
from velora_tui.view.results_rows import COLUMNS, FILTER_KEYS, ended, result_entries, totals

REST_SECONDS = 0.1
WIDE_CELLS = 130


class ResultsScreen(TableScreen):
    """Rows are runs; the pane beside the table, in narrow windows below it, keeps its tab from run to run."""

    NAME = "results"
    FILTER_KEYS = FILTER_KEYS
    FILTER_HELP = "words  /regex/  !not  outcome:resolved model:gpt repo:django failure:docker"
    EMPTY_TEXT = "no run has ended yet — 1 shows the fleet, where s starts one"

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None
        self._place: Place | None = None
        self._searches = False

    def compose_body(self) -> ComposeResult:
        """Yield the totals, the table and the pane, and the line for the verdict's flags."""
        yield SplitLine(id="results-totals")
        with Container(id="results-panes"):
            yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")
            yield RunPane("tests", id="run-pane")
        yield SplitLine(id="results-flags")

    @property
    def pane(self) -> RunPane:
        return self.query_one(RunPane)

    @property
    def is_in_pane(self) -> bool:
        """Whether the keys go to the pane."""
        return self.pane.has_focus_within

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the runs that have ended."""
        return result_entries(snapshot.runs.values(), snapshot.fleet)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return the columns; the table drops what does not fit."""
        return COLUMNS

    def run_of(self, key: str) -> Run | None:
        """Return the run of the row."""
        return self.snapshot.runs.get(key) if self.snapshot else None

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the run under the cursor as it stands."""
        super().refresh_snapshot(snapshot)
        self.query_one("#results-totals", SplitLine).show(totals(ended(snapshot.runs.values())))
        if self._timer is None:
            self._show_run()

    def on_resize(self) -> None:
        """Put the pane beside the table, or below it."""
        super().on_resize()
        self.set_class(self.app.size.width >= WIDE_CELLS, "-beside")

    # --- the run under the cursor

    def on_live_table_row_highlighted(self) -> None:
        """Show the run's proof once the cursor rests."""
        super().on_live_table_row_highlighted()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_SECONDS, self._show_rested)

    def _show_rested(self) -> None:
        self._timer = None
        self._show_run()

    def _show_run(self) -> None:
        key = self.table.cursor_key
        run = self.run_of(key) if key is not None else None
        place = Place.of(run, None, self.dashboard.engine.layout) if run else None
        self.pane.display = place is not None
        if place is None or place == self._place:
            return
        self._place = place
        self.pane.show(place)
        self.perform(self._show_flags(place))

    async def _show_flags(self, place: Place) -> None:
        """Say at the bottom what one should know of the verdict, or why there is none."""
        failure = place.attempt.failure
        result = None if failure else await asyncio.to_thread(read_result, place)
        if place is self._place:
            words = failure_in_line(failure) if failure else flags_in_line(result.all_flags if result else ())
            line = self.query_one("#results-flags", SplitLine)
            line.show(words)
            line.set_class(not words, "-empty")

    # --- keys

    def do_log(self) -> None:
        """Show the log of the run under the cursor."""
        if self._place is not None:
            self.dashboard.open_log(self._place.run.run)

    def do_next_run(self) -> None:
        self.table.action_down()

    def do_previous_run(self) -> None:
        self.table.action_up()

    def do_next_pane(self) -> None:
        self.pane.step_tab(1)

    def do_previous_pane(self) -> None:
        self.pane.step_tab(-1)

    def do_zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        zoomed = not self.has_class("-zoomed")
        self.set_class(zoomed, "-zoomed")
        if zoomed:
            self.pane.tab.focus_lines()
        else:
            self.table.focus()

    def do_back(self) -> None:
        """Undo what was done in the pane, leave it, then as any table."""
        if self.is_in_pane and self.pane.go_back():
            return
        if self.has_class("-zoomed"):
            self.do_zoom()
        elif self.is_in_pane:
            self.table.focus()
        else:
            super().do_back()

    def do_copy(self) -> None:
        """Copy rows, or what is under the cursor in the pane."""
        if self.is_in_pane:
            self.pane.tab.copy()
        else:
            super().do_copy()

    def do_edit(self) -> None:
        """Open the file that the pane shows in the operator's editor."""
        path = self.pane.tab.path
        if path is None:
            self.say("there is no file to open here", is_problem=True)
        else:
            self.perform(open_outside(self.app, path), group="outside")

    # --- filter of the rows, search in the pane

    def do_filter(self) -> None:
        """Let one filter the rows, or search the pane where the keys go there."""
        self._searches = self.is_in_pane
        if self._searches:
            self.query_one(FilterBar).open(self.pane.tab.search_text)
        else:
            super().do_filter()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filter or search while one types."""
        if not self._searches:
            super().on_filter_bar_changed(event)
            return
        self._search(event.text)
        if event.kept:
            self.pane.tab.focus_lines()

    def on_filter_bar_given_up(self, event: FilterBar.GivenUp) -> None:
        """Go back to the filter or search before."""
        if not self._searches:
            super().on_filter_bar_given_up(event)
            return
        self._search(event.text)
        self.pane.tab.focus_lines()

    def _search(self, text: str) -> None:
        bar = self.query_one(FilterBar)
        try:
            self.pane.tab.search(text)
            bar.show_problem("")
        except UsageError as error:
            bar.show_problem(error.message)
