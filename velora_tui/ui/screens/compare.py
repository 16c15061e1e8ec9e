"""Finished runs beside each other: tests × runs of a task, the models, and what flipped between two batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from textual.app import ComposeResult

from velora_tui.domain.compare import BatchComparison, ModelSummary, compare_batches, summarise
from velora_tui.domain.listing import Group, ResultRow
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import UsageError
from velora_tui.ui.keys import Targets
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Row, Span, plain, switched
from velora_tui.view.columns import GAP_CELLS
from velora_tui.view.compare import MODEL_NOTES, batch_chance, batch_totals
from velora_tui.view.compare_rows import (
    BATCH_COLUMNS,
    NAME_COLUMN,
    RUN_CELLS,
    TEST_PREFIX,
    Compared,
    TestMatrix,
    batch_rows,
    model_columns,
    model_rows,
)
from velora_tui.view.filter import doubt, parse_filter
from velora_tui.view.listing import FILTER_KEYS, chosen
from velora_tui.view.text import cells, count, counted

PaneName = Literal["tests", "models", "batches"]
PANES: dict[PaneName, str] = {"tests": "Tests", "models": "Models", "batches": "Batches"}
MOST_RUNS = 40
VERSUS = " vs "


class CompareScreen(BaseScreen):
    """`rows` are compared test by test, `groups` as two batches, and of `found` the models."""

    NAME = "compare"
    TAB = "results"
    FILTER_HELP = f"part of a test's name; among batches: model:gpt date:2026-01{VERSUS}model:gpt date:2026-02"

    def __init__(self, rows: Sequence[ResultRow], groups: Sequence[Group], found: Sequence[ResultRow]) -> None:
        super().__init__()
        self._rows = rows
        self._groups = groups
        self._found = found
        self._pane: PaneName = _first_pane(rows, groups)
        self._tests: TestMatrix | None = None
        self._models: list[ModelSummary] | None = None
        self._batches: BatchComparison | None = None
        self._only_differing = True
        self._query = ""
        self._versus = ""
        self._run = 0

    def compose_body(self) -> ComposeResult:
        """Yield the names of the panes, the table, and what is to be known of it."""
        yield SplitLine(id="compare-panes")
        yield LiveTable((), empty_text="reading …", id="table")
        yield SplitLine(id="compare-note")
        yield SplitLine(id="compare-more")

    def on_mount(self) -> None:
        """Read what is compared."""
        super().on_mount()
        self.perform(self._read())

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """What is compared stands still."""

    def on_resize(self) -> None:
        """Show as many runs as there is room for."""
        super().on_resize()
        if self.has_body:
            self._draw()

    # --- what is compared

    async def _read(self) -> None:
        """Read the runs one after the other, then count the models."""
        if self._pane == "batches" and len(self._groups) == 2:
            before, after = self._groups
            self._versus = f"{before.key or '–'}{VERSUS}{after.key or '–'}"
            self._batches = compare_batches(before.rows, after.rows)
        self._draw()
        if not self._why_no_tests():
            compared = await self.dashboard.catalog.compared(self._rows)
            self._tests = TestMatrix(compared, self.dashboard.engine.fleet)
            self._draw()
        self._models = await asyncio.to_thread(summarise, self._found)
        self._draw()

    def _why_no_tests(self) -> str:
        """Return why there is no matrix, or ""."""
        if len(self._rows) < 2:
            return "one run alone: mark others of its task with space"
        if len({row.task for row in self._rows}) > 1:
            return "these runs are of different tasks: mark runs of one; ] compares the models"
        if len(self._rows) > MOST_RUNS:
            return f"{count(len(self._rows))} runs are too many beside each other: mark up to {MOST_RUNS}"
        return ""

    # --- drawing

    def _draw(self) -> None:
        """Show the pane as it stands."""
        if not self.has_body:
            return
        names = [Span(f"  {title} ", "strong" if name == self._pane else "dim") for name, title in PANES.items()]
        self.query_one("#compare-panes", SplitLine).show(tuple(names), self._title())
        {"tests": self._draw_tests, "models": self._draw_models, "batches": self._draw_batches}[self._pane]()
        self.refresh_footer()

    def _title(self) -> Cell:
        if self._pane == "tests" and self._rows:
            return Span(f"{self._rows[0].repo} {self._rows[0].task} ", "dim")
        if self._pane == "batches":
            return Span(f"{self._versus} ", "dim")
        return Span(f"{counted(len(self._found), 'run')} ", "dim")

    def _show(self, rows: Sequence[Row], empty: str, note: Cell, right: Cell = "", more: Cell = "") -> None:
        self.table.empty_text = empty
        self.table.show(rows)
        self.query_one("#compare-note", SplitLine).show(note, right)
        line = self.query_one("#compare-more", SplitLine)
        line.show(more)
        line.display = bool(more)

    def _draw_tests(self) -> None:
        tests = self._tests
        if tests is None:
            self.table.set_columns(())
            self._show((), self._why_no_tests() or "reading the runs …", "")
            return
        rows = tests.rows(only_differing=self._only_differing, query=self._query)
        widest = max((cells(plain(row.cells["name"])) for row in rows), default=0)
        first, number, run_cells = self._runs_with_room(len(tests.runs), widest)
        self.table.set_columns(tests.columns(first, number, run_cells), {"name": widest})
        self.table.choose_column(f"run{self._run}")
        found = Span(f"   /{self._query}", "look") if self._query else Span("")
        hidden = f"runs {first + 1}–{first + number} of {len(tests.runs)} " if number < len(tests.runs) else ""
        keys = (Span("f", "ours"), switched(" only differing", is_on=self._only_differing), Span(" "))
        empty = f"no test has {self._query} in its name" if self._query else "no run has a verdict"
        self._show(rows, empty, (*tests.counts(), found), (Span(hidden, "dim"), *keys))

    def _runs_with_room(self, runs: int, widest: int) -> tuple[int, int, int]:
        """Return the first run shown, how many are, the chosen one among them, and the cells there are for each."""
        room = self.app.size.width - max(NAME_COLUMN.least, min(widest, self.app.size.width // 3)) - 6
        number = max(1, min(runs, room // (RUN_CELLS + GAP_CELLS)))
        return max(0, min(self._run - number // 2, runs - number)), number, room // number - GAP_CELLS

    def _draw_models(self) -> None:
        summaries = self._models
        if summaries is None:
            self.table.set_columns(())
            self._show((), "counting: intervals take a moment …", "")
            return
        self.table.set_columns(model_columns(summaries))
        self.table.choose_column("")
        rows = model_rows(summaries, self.dashboard.engine.fleet)
        first, second = (Span(f" {words}", "dim") for words in MODEL_NOTES)
        self._show(rows, "there are no results", first, more=second)

    def _draw_batches(self) -> None:
        self.table.set_columns(BATCH_COLUMNS)
        self.table.choose_column("")
        if self._batches is None:
            words = f"two batches: mark two groups in Results, or / two filters: model:gpt{VERSUS}model:claude"
            self._show((), words, "")
            return
        rows = batch_rows(self._batches, self.dashboard.engine.fleet)
        totals, chance = batch_totals(self._batches), batch_chance(self._batches)
        empty = "nothing flipped" if self._batches.pairs else chance.text
        self._show(rows, empty, (Span(" "), *totals), more=(Span(" "), chance))

    # --- keys

    def targets(self) -> Targets:
        """Return the run that the cursor is on."""
        key = self._key_at_cursor() if self.has_body else None
        live, read_only = self.dashboard.is_live, self.dashboard.engine.read_only
        results = (key,) if key else ()
        return Targets(results=results, side_by_side=len(self._side_by_side), is_live=live, read_only=read_only)

    @property
    def _side_by_side(self) -> Sequence[Compared]:
        """The runs that have a column each."""
        return self._tests.runs if self._pane == "tests" and self._tests is not None else ()

    def _key_at_cursor(self) -> str | None:
        if self._side_by_side:
            return self._side_by_side[self._run].row.key
        return self.table.cursor_key if self._pane == "batches" else None

    def on_live_table_row_selected(self) -> None:
        """Open the run."""
        self.action_act("open")

    def on_live_table_row_highlighted(self) -> None:
        """Dim the keys that do not fit."""
        self.refresh_footer()

    def do_open(self) -> None:
        """Open the run of the chosen column, at the test under the cursor."""
        key = self._key_at_cursor()
        row = self.table.cursor_key or ""
        if key is not None:
            test = row.removeprefix(TEST_PREFIX) if row.startswith(TEST_PREFIX) else ""
            self.dashboard.open_run(key, test=test)

    def do_next_pane(self) -> None:
        self._step_pane(1)

    def do_previous_pane(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, by: int) -> None:
        names = list(PANES)
        self._pane = names[(names.index(self._pane) + by) % len(names)]
        self._draw()

    def do_next_compared(self) -> None:
        self._step_run(1)

    def do_previous_compared(self) -> None:
        self._step_run(-1)

    def _step_run(self, by: int) -> None:
        self._run = max(0, min(self._run + by, len(self._side_by_side) - 1))
        self._draw()

    def do_differing(self) -> None:
        """Show only the tests in which runs differ, or all."""
        self._only_differing = not self._only_differing
        self._draw()

    def do_copy(self) -> None:
        """Copy the row."""
        rows = {row.key: row for row in self.table.rows}
        row = rows.get(self.table.cursor_key or "")
        if row is not None:
            self.dashboard.copy_text("\t".join(plain(cell).strip() for cell in row.cells.values()))

    def do_find(self) -> None:
        """Let one type a test's name, or two filters."""
        self.query_one(FilterBar).open(self._versus if self._pane == "batches" else self._query)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Look for it while one types."""
        if self._pane == "batches":
            self._compare_filters(event.text, event.kept)
        else:
            self._query = event.text.strip()
            if self._pane == "models" and self._tests is not None:
                self._pane = "tests"
            self._draw()
        if event.kept:
            self.table.focus()

    def on_filter_bar_given_up(self, event: FilterBar.GivenUp) -> None:
        """Go back to what was there."""
        if self._pane != "batches":
            self._query = event.text
            self._draw()
        self.table.focus()

    def _compare_filters(self, text: str, kept: bool) -> None:
        first, versus, second = text.partition(VERSUS)
        bar = self.query_one(FilterBar)
        if not versus or not first.strip() or not second.strip():
            bar.show_problem("two filters with “vs” between them" if kept else "")
            return
        try:
            before, after = (self._chosen(side) for side in (first, second))
        except UsageError as error:
            bar.show_problem(error.message)
            return
        bar.show_problem("")
        self._versus = text.strip()
        self._batches = compare_batches(before, after)
        self._draw()

    def _chosen(self, text: str) -> list[ResultRow]:
        if (problem := doubt(text, FILTER_KEYS)) is not None:
            raise problem
        rows = [row for row in self.dashboard.catalog.rows if not row.is_copy]
        return chosen(rows, parse_filter(text, FILTER_KEYS).terms, self.dashboard.engine.fleet)

    def do_back(self) -> None:
        """Take the search away, else leave."""
        if self._query:
            self._query = ""
            self._draw()
        else:
            super().do_back()


def _first_pane(rows: Sequence[ResultRow], groups: Sequence[Group]) -> PaneName:
    if len(groups) == 2:
        return "batches"
    return "tests" if len(rows) > 1 and len({row.task for row in rows}) == 1 else "models"
