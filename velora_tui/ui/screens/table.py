"""The base of the screens that show rows: filter, order, marks, and what actions apply to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.errors import UsageError
from velora_tui.ui.keys import Targets
from velora_tui.ui.memory import TableView
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.choice import ChoiceScreen
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.view.cells import Cell, Span, plain
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.filter import Filter, doubt, parse_filter
from velora_tui.view.sort import Order

_AS_THEY_COME = "as they come"


class TableScreen(BaseScreen):
    """A subclass says which entries and columns there are, and what a row's key stands for."""

    EMPTY_TEXT: ClassVar[str] = ""
    ENTER: ClassVar[str] = "open"

    def __init__(self) -> None:
        super().__init__()
        view = self.dashboard.memory.of(self.NAME)
        self._filter = _known_filter(view.filter, self.FILTER_KEYS)
        self._filter_problem: UsageError | None = doubt(self._filter.text, self.FILTER_KEYS)
        self._order = Order(view.column, view.descending)
        self._columns: tuple[Column, ...] = ()
        self._cursor_before: str | None = None

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return all rows there are."""
        raise NotImplementedError

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return the columns that suit the width."""
        raise NotImplementedError

    def run_of(self, key: str) -> Run | None:
        """Return the run that the row `key` stands for."""
        raise NotImplementedError

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance that the row `key` stands for."""
        return None

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return what stands at the end of the tab line while there is no filter."""
        return Span("/ filter ", "faint")

    def compose_body(self) -> ComposeResult:
        """Yield the table."""
        yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")

    def on_mount(self) -> None:
        """Show by which column the rows are sorted."""
        self.table.show_sorting(self._order.column, descending=self._order.descending)

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows that the filter lets through, in their order."""
        table = self.table
        columns = tuple(self.columns(snapshot))
        if columns != self._columns:
            self._columns = columns
            table.set_columns(columns)
        entries = self.entries(snapshot)
        shown = self._order.of(self._filter.of(entries))
        table.empty_text = self._empty_text(entries)
        table.show(entry.row for entry in shown)
        self._show_filter(len(shown), len(entries), snapshot)

    def _empty_text(self, entries: Sequence[Entry]) -> str:
        if entries:
            return self.words_for_no_match()
        return self.EMPTY_TEXT if self.dashboard.is_live or self.dashboard.problem else "loading …"

    def words_for_no_match(self) -> str:
        """Return why the filter shows no row, and how to be rid of it."""
        problem = self._filter_problem
        why = problem.explain() if problem else f"nothing matches {self._filter.text}"
        return f"{why} — esc takes the filter away"

    def _show_filter(self, shown: int, total: int, snapshot: FleetSnapshot) -> None:
        if self._filter.is_empty:
            self.show_status(self.summary(snapshot))
        else:
            counted = Span(f"  {shown}/{total} ", "look" if not shown else "dim")
            self.show_status((Span("/ ", "ours"), Span(self._filter.text), counted))

    # --- what actions apply to

    @property
    def target_keys(self) -> tuple[str, ...]:
        """The marked rows, else the one under the cursor."""
        marked = self.table.marked
        cursor = self.table.cursor_key
        return marked or ((cursor,) if cursor is not None else ())

    def targets(self) -> Targets:
        """Return the runs and instances of the target rows."""
        keys = self.target_keys
        runs = [self.run_of(key) for key in keys]
        instances = [self.instance_of(key) for key in keys]
        return Targets(
            runs=tuple(run for run in runs if run is not None),
            instances=tuple(instance for instance in instances if instance is not None),
            marked=len(self.table.marked),
            is_live=self.dashboard.is_live,
            read_only=self.dashboard.engine.read_only,
        )

    def on_live_table_row_highlighted(self) -> None:
        """Dim the keys that do not fit the row."""
        self.refresh_footer()

    def on_live_table_marks_changed(self) -> None:
        """Say how many are marked."""
        self.refresh_footer()

    def on_live_table_row_selected(self) -> None:
        """Do what enter does here."""
        self.action_act(self.ENTER)

    def forget_marks(self) -> None:
        """Take the marks away."""
        self.table.mark(())

    @property
    def current_run(self) -> Run | None:
        """The run under the cursor."""
        key = self.table.cursor_key
        return self.run_of(key) if key is not None else None

    def _follow_foreign(self) -> bool:
        """Open the log of the run that somebody else has on the instance under the cursor; False where nobody has."""
        key = self.table.cursor_key
        row = self.instance_of(key) if key is not None else None
        if row is None or row.foreign is None or row.is_busy:
            return False
        self.dashboard.follow_foreign(row.instance.name)
        return True

    def do_open(self) -> None:
        """Open the run under the cursor; a failed one at the line of evidence, somebody else's to follow it."""
        run = self.current_run
        if self._follow_foreign() or run is None or run.attempt is None:
            return
        failure = run.attempt.failure
        if failure is not None:
            self.dashboard.open_run(run.run, run.attempt.number, failure.phase, failure.line)
        else:
            self.dashboard.open_run(run.run)

    def do_log(self) -> None:
        """Show the log of the run at hand, or follow somebody else's."""
        if not self._follow_foreign():
            super().do_log()

    def do_tab_log(self) -> None:
        """Show the log of the run under the cursor, and where there is none the Log tab as it was."""
        run = self.current_run
        if self._follow_foreign():
            return
        if run is not None and run.attempt is not None:
            self.dashboard.open_log(run.run)
        else:
            super().do_tab_log()

    def do_copy(self) -> None:
        """Copy the target rows, columns apart by tabs."""
        rows = {row.key: row for row in self.table.rows}
        lines = [
            "\t".join(text for column in self._columns if (text := plain(rows[key].cells.get(column.id, "")).strip()))
            for key in self.target_keys
            if key in rows
        ]
        if lines:
            self.dashboard.copy_text("\n".join(lines))

    # --- order

    def do_sort(self) -> None:
        """Let one choose the order."""
        named = [column for column in self._columns if column.title]
        titles = [(column.id, column.id.upper() if " " in column.title else column.title) for column in named]
        choices = [("", _AS_THEY_COME), *titles]
        screen = ChoiceScreen(Span("Order by", "strong"), choices, chosen=self._order.column or "")
        self.app.push_screen(screen, self._use_chosen_order)

    def _use_chosen_order(self, column: str | None) -> None:
        if column is not None:
            self._use_order(self._order.turned(column) if column else Order())

    def on_live_table_header_clicked(self, event: LiveTable.HeaderClicked) -> None:
        """Sort by the column, then the other way round, then not."""
        self._use_order(self._order.turned(event.column))

    def _use_order(self, order: Order) -> None:
        self._order = order
        self._remember()
        self.table.show_sorting(order.column, descending=order.descending)
        self.dashboard.refresh_now()

    # --- filter

    def do_filter(self) -> None:
        """Let one type a filter, beginning with the last one."""
        self._cursor_before = self.table.cursor_key
        self.query_one(FilterBar).open(self._filter.text)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filter while one types."""
        self._type_filter(event.text)
        if event.kept:
            self.table.focus()
            if self._filter_problem is not None:
                self.say(self._filter_problem.explain(), title="filter", is_problem=True)

    def on_filter_bar_given_up(self, event: FilterBar.GivenUp) -> None:
        """Go back to the filter before."""
        self._type_filter(event.text)
        self.table.focus()

    def _type_filter(self, text: str) -> None:
        """Use the filter; the cursor is on the row where it was before typing, as long as that is shown."""
        self._use_filter(text)
        if self._cursor_before is not None:
            self.table.move_to(self._cursor_before)

    def _use_filter(self, text: str) -> None:
        try:
            self._filter = parse_filter(text, self.FILTER_KEYS)
            self._filter_problem = doubt(text, self.FILTER_KEYS)
        except UsageError as error:
            self._filter_problem = error
        self.query_one(FilterBar).show_problem(self._filter_problem.message if self._filter_problem else "")
        self._remember()
        if self.snapshot is not None:
            self.refresh_snapshot(self.snapshot)

    def _remember(self) -> None:
        """Keep filter and order for the next time."""
        order = self._order
        view = TableView(filter=self._filter.text, column=order.column, descending=order.descending)
        self.dashboard.memory.put(self.NAME, view)

    def do_back(self) -> None:
        """Take away the filter, then the marks, then go one level up."""
        if not self._filter.is_empty:
            self._use_filter("")
        elif self.table.marked:
            self.table.mark(())
        else:
            super().do_back()


def _known_filter(text: str, keys: Collection[str]) -> Filter:
    """Return the filter of an earlier time, none where it is wrong."""
    try:
        return parse_filter(text, keys)
    except UsageError:
        return Filter()
