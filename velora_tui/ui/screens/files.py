"""The critical files of all instances side by side, against the good copies and against each other."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from velora_tui.domain.events import now
from velora_tui.domain.readiness import FileReport, FileRow
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.errors import VeloraError
from velora_tui.readiness.repairs.push_files import PUSH_FILES
from velora_tui.ui.keys import Targets
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.files_rows import (
    FILE_COLUMN,
    FILTER_KEYS,
    GOOD_COPY,
    copy_of,
    copy_words,
    file_columns,
    file_entries,
    first_odd,
    tally,
)
from velora_tui.view.remedies import Remedy
from velora_tui.view.text import age, count


class FilesScreen(TableScreen):
    """Rows are instances, the good copies on top; ← → choose a file."""

    NAME = "files"
    TAB = "readiness"
    FILTER_KEYS = FILTER_KEYS
    ENTER = "file_diff"
    FILTER_HELP = "words  /regex/  !not  state:odd file:docker.py instance:eval"

    def __init__(self) -> None:
        super().__init__()
        self._report: FileReport | None = None
        self._chosen: str | None = None
        self._asked_at = now()
        self._is_asking = False
        self._problem = ""

    def compose_body(self) -> ComposeResult:
        """Yield the table, and the chosen copy in a line."""
        yield LiveTable((), id="table")
        yield SplitLine(id="file-line")

    def on_mount(self) -> None:
        """Ask."""
        self.do_compare_again()

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the good copies and the instances."""
        return file_entries(self._report)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return a column a file."""
        return file_columns(self._report, self.table.row_cells)

    def _empty_text(self, entries: Sequence[Entry]) -> str:
        if self._problem:
            return f"✗ {self._problem}   c asks again"
        if self._is_asking:
            number = len(self.dashboard.engine.fleet.instances)
            return f"… asking {count(number)} instances"
        if entries:
            return super()._empty_text(entries)
        return "no critical files — add [[critical_files]] to the fleet file"

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return how many are as they should be, and how old that is."""
        if self._report is None:
            return ""
        counted = tally(self._report)
        passed = (snapshot.at - self._asked_at).total_seconds()
        since = f"{age(passed)} " if self.has_class("-narrow") else f"asked {age(passed)} ago "
        asked = "asking again … " if self._is_asking else since
        odd = Span(f"{count(counted.odd)} odd  ", "bad") if counted.odd else Span("")
        unknown = Span(f"{count(counted.unknown)} unknown  ", "look") if counted.unknown else Span("")
        return odd, unknown, Span(f"{count(counted.good)} good  ", "good"), Span(asked, "dim")

    def run_of(self, key: str) -> Run | None:
        """Return none: rows stand for files."""
        return None

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance of the row."""
        return self.snapshot.instance(key) if self.snapshot else None

    # --- the chosen file

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the chosen copy."""
        was_empty = not self.table.rows
        super().refresh_snapshot(snapshot)
        if was_empty and len(self.table.rows) > 1:
            self.table.move_to(self.table.rows[1].key)
        self._show_file()

    def on_live_table_row_highlighted(self) -> None:
        """Show the file of the row one came to."""
        super().on_live_table_row_highlighted()
        self._show_file()

    def _current_file(self) -> FileRow | None:
        """Return the chosen file, else the first odd one of the row, else the first."""
        report, key = self._report, self.table.cursor_key
        if report is None or not report.rows:
            return None
        path = self._chosen or first_odd(report, key or "")
        return next((row for row in report.rows if row.path == path), report.rows[0])

    def _show_file(self) -> None:
        row, key = self._current_file(), self.table.cursor_key
        self.table.choose_column(f"{FILE_COLUMN}{row.path}" if row else "")
        line = self.query_one("#file-line", SplitLine)
        if row is None or key is None or self._report is None:
            line.show("")
        else:
            line.show(copy_words(row, copy_of(self._report, key, row.path)), self._hidden())

    def _hidden(self) -> Cell:
        """Say how many files have no column, as there is no room."""
        shown = sum(place.column.id.startswith(FILE_COLUMN) for place in self.table.places)
        hidden = len(self._report.rows) - shown if self._report else 0
        return Span(f"← → {count(hidden)} more ", "look") if hidden else ""

    def do_next_file(self) -> None:
        self._step_file(1)

    def do_previous_file(self) -> None:
        self._step_file(-1)

    def _step_file(self, by: int) -> None:
        here = self._current_file()
        if self._report is not None and here is not None:
            paths = [row.path for row in self._report.rows]
            self._chosen = paths[(paths.index(here.path) + by) % len(paths)]
            self._show_file()

    def do_file_diff(self) -> None:
        """Compare the row's chosen file with the good copy."""
        row, key = self._current_file(), self.table.cursor_key
        if row is None or key is None or key == GOOD_COPY:
            self.say("choose an instance: this is the good copy", is_problem=True)
            return
        self.dashboard.open_file_diff(key, row.path)

    # --- asking and mending

    def do_compare_again(self) -> None:
        """Ask all instances for the checksums."""
        if not self._is_asking:
            self.perform(self._ask(), group="ask")

    async def _ask(self) -> None:
        self._is_asking = True
        self.dashboard.refresh_now()
        try:
            self._report = await self.dashboard.engine.file_report()
            self._problem = ""
        except VeloraError as error:
            self._problem = error.explain()
        finally:
            self._is_asking, self._asked_at = False, now()
        self.dashboard.refresh_now()

    def remedies(self) -> Sequence[Remedy]:
        """Return the push of the good copies to the instances at hand."""
        names = tuple(row.instance.name for row in self.targets().instances)
        return (Remedy(PUSH_FILES.id, names, "critical files that differ"),) if names else ()

    def do_push(self) -> None:
        """Show what a push of the good copies would do, ask, and do it."""
        self.do_repair()

    def forget_marks(self) -> None:
        """Take the marks away, and see what the files are like now."""
        super().forget_marks()
        self.do_compare_again()

    def targets(self) -> Targets:
        """Return the instances; no runs."""
        targets = super().targets()
        return Targets(
            instances=targets.instances, marked=targets.marked, is_live=targets.is_live, read_only=targets.read_only
        )
