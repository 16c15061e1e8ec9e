"""Readiness: instances by checks, the worst first, and the chosen check in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.readiness import CheckResult
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.readiness.checks import fleet_checks
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.readiness_detail import detail_lines, detail_title, worst_check
from velora_tui.view.readiness_rows import CHECK_COLUMN, FILTER_KEYS
from velora_tui.view.readiness_table import ReadinessTable
from velora_tui.view.remedies import Remedy, is_mendable, mending_check, remedies
from velora_tui.view.text import count


class ReadinessScreen(TableScreen):
    """Rows are instances. Until one chooses a check with ← →, each row's worst is the one shown in full."""

    NAME = "readiness"
    FILTER_KEYS = FILTER_KEYS
    FILTER_HELP = "words  /regex/  !not  state:ready check:disk instance:eval tag:gpu"
    EMPTY_TEXT = "the fleet has no instances — add [[instances]] to the fleet file"
    ENTER = "details"

    def __init__(self) -> None:
        super().__init__()
        self._found = ReadinessTable()
        self._chosen: str | None = None
        self._put_on: str | None = None
        self._is_touched = False
        self._shown = "", ""
        self._titles: Mapping[str, str] = {check.id: check.title for check in fleet_checks(self.dashboard.engine.fleet)}

    def compose_body(self) -> ComposeResult:
        """Yield the table, and the check in full below it."""
        yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")
        with Vertical(id="pane"):
            yield SplitLine(id="pane-title")
            yield LineList(empty_text="not checked yet: c checks", id="check-lines")

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the instances."""
        return self._found.entries(snapshot, self.app.size.width)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return a column a check."""
        return self._found.columns(snapshot, self.app.size.width)

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return how many are ready."""
        known = [row for row in snapshot.instances if row.readiness is not None]
        if not known:
            return Span("not checked yet: c checks ", "look")
        ready = sum(row.readiness.ready for row in known if row.readiness)
        return Span(count(ready), "good"), Span(f"/{count(len(snapshot.instances))} ready ", "dim")

    def run_of(self, key: str) -> Run | None:
        """Return the latest run on the instance."""
        row = self.instance_of(key)
        return row.run if row else None

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance of the row."""
        return self.snapshot.instance(key) if self.snapshot else None

    # --- the check in full

    @property
    def lines(self) -> LineList:
        """The check in full."""
        return self.query_one("#check-lines", LineList)

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the chosen check of the one under the cursor."""
        is_untouched = not self._is_touched and self.table.cursor_key == self._put_on
        super().refresh_snapshot(snapshot)
        if is_untouched and self.table.rows:
            self._put_on = self.table.rows[0].key
            self.table.move_to(self._put_on)
        self._show_check()

    def action_act(self, action_id: str) -> None:
        """Do the action; from now on the cursor stays on its row: before, it waits on the worst."""
        self._is_touched = True
        super().action_act(action_id)

    def on_live_table_row_highlighted(self) -> None:
        """Show the check of the row one came to, once the cursor is painted there."""
        super().on_live_table_row_highlighted()
        self.call_after_refresh(self._show_check, is_other=True)

    def _current_row(self) -> InstanceSnapshot | None:
        key = self.table.cursor_key
        return self.instance_of(key) if key is not None else None

    def _current_check(self) -> CheckResult | None:
        """Return the check that was chosen, where the row has it, else the row's worst."""
        row = self._current_row()
        if row is None or row.readiness is None:
            return None
        return row.readiness.check(self._chosen or "") or row.readiness.check(worst_check(row.readiness) or "")

    def _show_check(self, *, is_other: bool = False) -> None:
        row, check, snapshot = self._current_row(), self._current_check(), self.snapshot
        if snapshot is None:
            return
        title = self._titles.get(check.id, check.id) if check else ""
        self.query_one("#pane-title", SplitLine).show(*detail_title(row, check, title, snapshot.at))
        self.table.choose_column(f"{CHECK_COLUMN}{check.id}" if check else "")
        if row is None or check is None:
            self.lines.empty_text = _why_nothing(row)
            self.lines.show((), keep_place=False)
            return
        lines = detail_lines(row, check, self._titles)
        is_other = is_other or self._shown != (row.instance.name, check.id)
        self._shown = row.instance.name, check.id
        if is_other or lines != list(self.lines.lines):
            self.lines.show(lines, keep_place=not is_other and self._is_read)

    @property
    def _is_read(self) -> bool:
        """Whether one is somewhere in the check in full: until then its first lines are what to see."""
        return self.lines.has_focus or self.lines.scroll_offset.y > 0

    def do_next_check(self) -> None:
        self._step_check(1)

    def do_previous_check(self) -> None:
        self._step_check(-1)

    def _step_check(self, by: int) -> None:
        names, here = self._found.check_ids(self.snapshot) if self.snapshot else (), self._current_check()
        if here is not None and here.id in names:
            self._choose(names[(names.index(here.id) + by) % len(names)])

    def _choose(self, check: str | None) -> None:
        self._chosen = check
        self._show_check(is_other=True)
        self.refresh_footer()

    def do_details(self) -> None:
        """Go into the check in full; its last lines are the row's other checks."""
        self.lines.focus()

    def do_zoom(self) -> None:
        """Give the check in full the whole screen, or take it back."""
        zoomed = not self.has_class("-zoomed")
        self.set_class(zoomed, "-zoomed")
        (self.lines if zoomed else self.table).focus()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Choose the check of the line."""
        kind, _, check = (event.key or "").partition(":")
        if kind == "check":
            self._choose(check)

    def on_line_list_copy_requested(self, event: LineList.CopyRequested) -> None:
        """Copy the line."""
        self.dashboard.copy_text(event.text)

    def do_back(self) -> None:
        """Leave the zoomed check, then the check, then the choice, then as any table."""
        if self.has_class("-zoomed"):
            self.do_zoom()
        elif self.lines.has_focus:
            self.table.focus()
        elif self._chosen is not None:
            self._choose(None)
        else:
            super().do_back()

    # --- repairs

    def remedies(self) -> Sequence[Remedy]:
        """Return what mends the marked rows; of the one under the cursor the chosen check, else what blocks first."""
        row = self._current_row()
        if self.table.marked or row is None:
            return remedies(self.targets().instances)
        chosen = self._current_check() if self._chosen else None
        check = chosen if chosen is not None and is_mendable(chosen) else mending_check(row)
        if check is None or check.repair is None:
            return ()
        return (Remedy(check.repair, (row.instance.name,), f"{check.id}: {check.detail}"),)

    def do_diff(self) -> None:
        """Compare the row's first odd file with its good copy."""
        row = self._current_row()
        if row is not None:
            self.dashboard.open_file_diff(row.instance.name)

    def on_resize(self) -> None:
        """Choose the columns anew."""
        super().on_resize()
        self.dashboard.refresh_now()


def _why_nothing(row: InstanceSnapshot | None) -> str:
    if row is None:
        return "no instance here"
    if row.checking:
        return "it is being checked: the answers come one by one"
    return row.connection.detail or "not checked yet: c checks"
