"""The first screen: every instance with what it does, and the log of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.events import LogGrew
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.log_view import LogView
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.fleet_rows import FILTER_KEYS, fleet_columns, fleet_entries
from velora_tui.view.log_title import LogPlace, empty_hint, log_place, log_title
from velora_tui.view.rates import Rates


class FleetScreen(TableScreen):
    """Rows are instances."""

    NAME = "fleet"
    FILTER_KEYS = FILTER_KEYS
    EMPTY_TEXT = "the fleet has no instances — add [[instances]] to the fleet file"

    def __init__(self) -> None:
        super().__init__()
        self._rates = Rates(self.dashboard.heard_at)
        self._place: LogPlace | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the table, and the log below it."""
        yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")
        with Vertical(id="pane"):
            yield SplitLine(id="pane-title")
            yield LogView(id="pane-log")

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the instances."""
        self._rates.keep_only(snapshot.progress)
        return fleet_entries(snapshot, self._rates, self.app.size.width)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return the columns that suit the width."""
        return fleet_columns(self.app.size.width)

    def run_of(self, key: str) -> Run | None:
        """Return the run that the instance works on, or the latest it worked on."""
        row = self.instance_of(key)
        return row.run if row else None

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance of the row."""
        return self.snapshot.instance(key) if self.snapshot else None

    # --- the log pane

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the log of the one under the cursor."""
        super().refresh_snapshot(snapshot)
        self._show_log()

    def on_live_table_row_highlighted(self) -> None:
        """Show the log of the row one came to, once the cursor is painted there."""
        super().on_live_table_row_highlighted()
        self.call_after_refresh(self._show_log)

    def _show_log(self) -> None:
        """Open the log of the phase that runs, or ended the attempt; while one reads, the log stays."""
        row = self._current_instance()
        is_ours = row is not None and (row.is_busy or row.foreign is None)
        place = log_place(row.run) if row and row.run and is_ours else None
        before = self._place
        same_run = before is not None and place is not None and before.run == place.run
        if place != before and not (same_run and not self.log_view.following):
            self._place = place
            self._open_log(place)
        if row is not None:
            self.log_view.say_where_empty("no output yet" if place else empty_hint(row))
        self._show_title()

    def _open_log(self, place: LogPlace | None) -> None:
        if place is None:
            self.log_view.open(None)
            return
        path = self.dashboard.engine.log_path(place.run, place.attempt, place.phase)
        self.log_view.open(path, line=place.line)

    def _current_instance(self) -> InstanceSnapshot | None:
        key = self.table.cursor_key
        return self.instance_of(key) if key is not None else None

    def _show_title(self) -> None:
        row = self._current_instance()
        left, right = log_title(row, self._place, self.log_view.status, self.dashboard.engine.fleet)
        self.query_one("#pane-title", SplitLine).show(left, right)

    def log_grew(self, notice: LogGrew) -> None:
        """Read on in the log that is shown."""
        place = self._place
        if place is not None and (notice.run, notice.attempt, notice.phase) == (place.run, place.attempt, place.phase):
            self.log_view.notify_grown()

    def on_log_view_status_changed(self) -> None:
        """Say in the title whether the log is followed."""
        self._show_title()

    def on_log_view_copy_requested(self, event: LogView.CopyRequested) -> None:
        """Copy lines of the log."""
        self.dashboard.copy_text(event.text)

    def on_log_view_not_found(self, event: LogView.NotFound) -> None:
        """Say that nothing was found."""
        self.say(event.what)

    def do_zoom(self) -> None:
        """Give the log the whole screen, or take it back."""
        zoomed = not self.has_class("-zoomed")
        self.set_class(zoomed, "-zoomed")
        (self.log_view if zoomed else self.table).focus()

    def do_back(self) -> None:
        """Leave the zoomed log, then the log, then as any table."""
        if self.has_class("-zoomed"):
            self.do_zoom()
        elif self.log_view.has_focus:
            self.table.focus()
        else:
            super().do_back()

    def go_to(self, instance: str) -> None:
        """Put the cursor on an instance, taking away a filter that hides it."""
        if not self.table.move_to(instance):
            self._use_filter("")
            self.refresh_snapshot(self.dashboard.engine.snapshot())
            self.table.move_to(instance)
        self.table.focus()

    def on_resize(self) -> None:
        """Choose the columns anew."""
        super().on_resize()
        self.dashboard.refresh_now()
