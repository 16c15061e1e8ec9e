"""The first screen: every instance with what it does, and the log of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.events import LogGrew
from velora_tui.domain.failure import FailureGroup
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.ui.cause_targets import failed_targets, remedy_of
from velora_tui.ui.causes import Causes
from velora_tui.ui.keys import Targets
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.log_view import LogView
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.causes import cause_key, line_key, strip_lines
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.fleet_rows import FILTER_KEYS, fleet_columns, fleet_entries
from velora_tui.view.log_title import LogPlace, empty_hint, log_place, log_title
from velora_tui.view.rates import Rates
from velora_tui.view.remedies import Remedy

LOW_LINES = 30
FEW_CAUSES, MOST_CAUSES = 1, 3


class FleetScreen(TableScreen):
    """Rows are instances."""

    NAME = "fleet"
    FILTER_KEYS = FILTER_KEYS
    EMPTY_TEXT = "the fleet has no instances — add [[instances]] to the fleet file"

    def __init__(self) -> None:
        super().__init__()
        self._rates = Rates(self.dashboard.heard_at)
        self._place: LogPlace | None = None
        self._causes = Causes()
        self.add_class("-no-causes")

    def compose_body(self) -> ComposeResult:
        """Yield the table, and the log below it."""
        yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")
        yield LineList(id="causes")
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
        return fleet_columns(snapshot, self.app.size.width)

    def run_of(self, key: str) -> Run | None:
        """Return the run that the instance works on, or the latest it worked on."""
        row = self.instance_of(key)
        return row.run if row else None

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance of the row."""
        return self.snapshot.instance(key) if self.snapshot else None

    # --- the causes of failures

    @property
    def causes(self) -> LineList:
        """A line for each cause of failures; shown where there is any."""
        return self.query_one("#causes", LineList)

    async def _count_causes(self, snapshot: FleetSnapshot) -> None:
        if await self._causes.count(snapshot.runs) and self.is_attached:
            self._show_causes()

    def _show_causes(self) -> None:
        lines = strip_lines(self._causes.groups, FEW_CAUSES if self.app.size.height < LOW_LINES else MOST_CAUSES)
        self.causes.show(lines)
        self.set_class(not lines, "-no-causes")
        if not lines and self.causes.has_focus:
            self.table.focus()

    def _cause_at_hand(self) -> FailureGroup | None:
        """Return the cause under the cursor while that is among the causes."""
        key = self.causes.cursor_key if self.has_body and self.causes.has_focus else None
        return next((group for group in self._causes.groups if key == line_key(group)), None)

    def targets(self) -> Targets:
        """Return the runs and instances of the target rows, or the failed runs of the cause one is on."""
        group = self._cause_at_hand()
        return super().targets() if group is None else failed_targets(group.members, super().targets(), self.snapshot)

    def remedies(self) -> Sequence[Remedy]:
        """Return what mends the target rows, or the cause one is on."""
        group = self._cause_at_hand()
        remedy = remedy_of(group, group.members) if group is not None else None
        return (remedy,) if remedy is not None else super().remedies()

    def do_causes(self) -> None:
        """Go to the causes; from there, to all of them with their members."""
        group = self._cause_at_hand()
        if self.causes.lines and group is None:
            self.causes.focus()
            self.refresh_footer()
        else:
            self.dashboard.open_causes(cause_key(group) if group is not None else None)

    def on_line_list_opened(self) -> None:
        """Show all causes with their members."""
        self.do_causes()

    def on_line_list_highlighted(self) -> None:
        """Dim the keys that do not fit the cause."""
        self.refresh_footer()

    def on_descendant_focus(self) -> None:
        """Dim the keys that do not fit what has the focus."""
        if self.has_body:
            self.refresh_footer()

    # --- the log pane

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the log of the one under the cursor."""
        super().refresh_snapshot(snapshot)
        self._show_log()
        if self._causes.are_old(snapshot.runs):
            self.perform(self._count_causes(snapshot), group="causes")

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
        elif self.log_view.has_focus or self.causes.has_focus:
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
        self._show_causes()
        self.dashboard.refresh_now()
