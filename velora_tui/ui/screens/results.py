"""What all runs came to: one's own and imported ones, and the proof of the one under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Container
from textual.timer import Timer

from velora_tui.domain.listing import GROUP_KEYS, ResultRow, order
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import UsageError
from velora_tui.ui.keys import Action, Targets
from velora_tui.ui.memory import TableView
from velora_tui.ui.outside import open_outside
from velora_tui.ui.screens.choice import ChoiceScreen
from velora_tui.ui.screens.run_pane import RunPane
from velora_tui.ui.screens.run_place import Place, read_result
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span
from velora_tui.view.columns import Column
from velora_tui.view.diagnosis import failure_in_line
from velora_tui.view.listing import FILTER_KEYS
from velora_tui.view.quality import flags_in_line, flips_in_line
from velora_tui.view.results_rows import GROUP_PREFIX, differing, totals, with_journal
from velora_tui.view.results_table import ResultsTable
from velora_tui.view.text import counted

REST_SECONDS = 0.1
WIDE_CELLS = 130
DIFFERING = "harness:differs"


class ResultsScreen(TableScreen):
    """Rows are runs; the pane beside the table, in narrow windows below it, keeps its tab from run to run."""

    NAME = "results"
    FILTER_KEYS = FILTER_KEYS
    FILTER_HELP = "words  /regex/  !not  outcome:resolved model:gpt repo:django date:2026-01 harness:differs"
    EMPTY_TEXT = "no run has ended yet — s starts one, `velora import DIR` takes in finished ones"

    def __init__(self) -> None:
        super().__init__()
        self._group = self.dashboard.memory.of(self.NAME).group
        self._found = ResultsTable(self.dashboard.engine.fleet)
        self._shows: tuple[object, ...] = ()
        self._timer: Timer | None = None
        self._place: Place | None = None
        self._searches = False
        self.add_class("-nothing")
        self._lay_out()

    def compose_body(self) -> ComposeResult:
        """Yield the totals, the table and the pane, and the lines for where verdicts differ and for flags."""
        yield SplitLine(id="results-totals")
        with Container(id="results-panes"):
            yield LiveTable((), empty_text=self.EMPTY_TEXT, id="table")
            yield RunPane("tests", id="run-pane")
        yield SplitLine(id="results-differing")
        yield SplitLine(id="results-flags")

    def on_mount(self) -> None:
        """Read the catalog from now on."""
        super().on_mount()
        self.dashboard.catalog.open()

    def on_screen_resume(self) -> None:
        """Go to the run that was looked at last, also where that was on its page."""
        super().on_screen_resume()
        if self.has_body and self.dashboard.catalog.current is not None:
            self.table.move_to(self.dashboard.catalog.current)

    @property
    def pane(self) -> RunPane:
        return self.query_one(RunPane)

    @property
    def is_in_pane(self) -> bool:
        """Whether the keys go to the pane."""
        return self.pane.has_focus_within

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return the columns; the table drops what does not fit."""
        return self._found.columns

    def run_of(self, key: str) -> Run | None:
        """Return the run of the row, None of an imported one."""
        return self.snapshot.runs.get(key) if self.snapshot else None

    def targets(self) -> Targets:
        """Return the runs at hand; those of one's own can be retried, all can be opened and compared."""
        return replace(super().targets(), results=tuple(row.key for row in self.rows_at_hand()))

    def rows_at_hand(self) -> list[ResultRow]:
        """Return the runs that are marked, one by one or by their group, else those under the cursor."""
        found = {row.key: row for key in self.target_keys for row in self._found.below(key)}
        return list(found.values())

    # --- rows

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows where they are others, and the run under the cursor as it stands."""
        self._take(snapshot)
        if self._found.arrange(self._filter, self._order, self._group):
            self._show_rows(snapshot)
        if self._timer is None:
            self._show_run()

    def _take(self, snapshot: FleetSnapshot) -> None:
        """Take what has ended since, and what the catalog has read."""
        catalog = self.dashboard.catalog
        over = (run for run in snapshot.runs.values() if run.attempt is not None and run.attempt.state.is_over)
        shows = catalog.version, catalog.problem, *((run.run, len(run.attempts)) for run in over)
        if shows == self._shows:
            return
        if shows[2:] != self._shows[2:]:
            catalog.want()
        self._shows = shows
        self._found.take(with_journal(catalog.rows, snapshot.runs.values(), self._folder_of))
        self._columns = self._found.columns
        self.table.set_columns(self._columns, self._found.widths)

    def _folder_of(self, run: Run) -> str:
        attempt = run.attempt
        number = attempt.number if attempt else 1
        return (attempt.results if attempt else None) or str(self.dashboard.engine.layout.attempt_results(run, number))

    def _show_rows(self, snapshot: FleetSnapshot) -> None:
        found = self._found
        table = self.table
        table.empty_text = self._words_for_nothing()
        table.show(found.shown)
        self.set_class(0 < len(found.groups) < len(found.shown), "-unfolded")
        self.dashboard.catalog.shown = tuple(row.key for row in found.found)
        self._show_filter(len(found.found), len(found.rows), snapshot)
        self.query_one("#results-totals", SplitLine).show(totals(found.found), self._state_of_catalog())
        line = self.query_one("#results-differing", SplitLine)
        problem = self.dashboard.catalog.problem if found.rows else ""
        words = (Span(f" ✗ {' '.join(problem.split())}", "bad"),) if problem else differing(found.found)
        line.show(words)
        line.display = bool(words)

    def _words_for_nothing(self) -> str:
        if self._found.rows:
            return self.words_for_no_match()
        catalog = self.dashboard.catalog
        if catalog.problem:
            return catalog.problem
        return self.EMPTY_TEXT if catalog.is_loaded else "reading the catalog …"

    def _state_of_catalog(self) -> Cell:
        return "" if self.dashboard.catalog.is_loaded else Span("reading the catalog … ", "dim")

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return by what the rows are grouped, and how to filter."""
        if not self._group:
            return super().summary(snapshot)
        number = len(self._found.groups)
        hint = "" if self.has_class("-narrow") else " / filter "
        return Span("by ", "dim"), Span(self._group), Span(f" · {counted(number, 'group')} {hint}", "dim")

    def _use_filter(self, text: str) -> None:
        super()._use_filter(text)
        self.refresh_footer()

    def on_resize(self) -> None:
        """Put the pane beside the table, or below it."""
        super().on_resize()
        self._lay_out()

    def _lay_out(self) -> None:
        self.set_class(self.app.size.width >= WIDE_CELLS, "-beside")

    # --- groups, and what the harness says

    def do_group_by(self) -> None:
        """Let one choose by what the rows are grouped."""
        choices = [("", "not at all"), *((key, key) for key in GROUP_KEYS)]
        screen = ChoiceScreen(Span("Group by", "strong"), choices, chosen=self._group)
        self.app.push_screen(screen, self._use_group)

    def _use_group(self, group: str | None) -> None:
        if group is not None:
            self._group = group
            self.table.mark(())
            self._remember()
            self.dashboard.refresh_now()

    def do_fold_all(self) -> None:
        """Unfold all groups, or fold them."""
        if self._group:
            self._found.fold_all()
            self.dashboard.refresh_now()
        else:
            self.say("the rows are not grouped: B groups them", is_problem=True)

    def do_differ(self) -> None:
        """Show only runs that the harness judged otherwise, or all again."""
        words = self._filter.text.split()
        if DIFFERING in words:
            words.remove(DIFFERING)
        else:
            words.append(DIFFERING)
        self._use_filter(" ".join(words))

    def _remember(self) -> None:
        by = self._order
        view = TableView(filter=self._filter.text, column=by.column, descending=by.descending, group=self._group)
        self.dashboard.memory.put(self.NAME, view)

    def do_open(self) -> None:
        """Open the run under the cursor, or unfold the group."""
        key = self.table.cursor_key
        if key is None:
            return
        if key.startswith(GROUP_PREFIX):
            self._found.fold(key)
            self.dashboard.refresh_now()
        elif self.run_of(key) is not None:
            super().do_open()
        else:
            self.dashboard.open_run(key)

    def do_compare(self) -> None:
        """Compare what is marked: groups with each other, runs test by test; or else the models."""
        marked = self.table.marked
        groups = [self._found.groups[key] for key in marked if key in self._found.groups]
        rows = self.rows_at_hand()
        if not marked and rows and not self._is_on_group:
            task = rows[0].task
            rows = order([row for row in self._found.found if row.task == task], "run")
            rows = order(rows, "model")
        self.dashboard.open_compare(rows, groups, self._found.found)

    @property
    def _is_on_group(self) -> bool:
        return (self.table.cursor_key or "").startswith(GROUP_PREFIX)

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
        if run is not None:
            self._show_place(Place.of(run, None, self.dashboard.engine.layout))
        elif key is None or self._found.row(key) is None:
            self._show_place(None)
        elif (known := self.dashboard.catalog.place(key)) is not None:
            self._show_place(known)
        else:
            self.perform(self._read_place(key), group="place")

    async def _read_place(self, key: str) -> None:
        place = await self.dashboard.catalog.read_place(key)
        if place is not None and self.table.cursor_key == key:
            self._show_place(place)

    def _show_place(self, place: Place | None) -> None:
        self.set_class(place is None, "-nothing")
        if place == self._place:
            return
        self._place = place
        if place is None:
            self._say_at_bottom(())
            return
        self.dashboard.catalog.current = place.run.run
        self.pane.show(place)
        self.perform(self._show_flags(place))

    async def _show_flags(self, place: Place) -> None:
        """Say at the bottom what one should know of the verdict, or why there is none."""
        failure = place.attempt.failure
        result = None if failure else await asyncio.to_thread(read_result, place)
        if place is self._place:
            told = (*flips_in_line(result), *flags_in_line(result.all_flags)) if result else ()
            self._say_at_bottom(failure_in_line(failure) if failure else told)

    def _say_at_bottom(self, words: Cell) -> None:
        line = self.query_one("#results-flags", SplitLine)
        line.show(words)
        line.set_class(not words, "-empty")

    # --- keys

    def do_log(self) -> None:
        """Show the log of the run under the cursor."""
        if self._place is not None and self._place.catalogued is None:
            self.dashboard.open_log(self._place.run.run)
        elif self._place is not None:
            self.pane.show_tab("log")

    def do_next_run(self) -> None:
        self._step_run(self.table.action_down, "this is the last run")

    def do_previous_run(self) -> None:
        self._step_run(self.table.action_up, "this is the first run")

    def _step_run(self, step: Callable[[], None], words_at_end: str) -> None:
        before = self.table.cursor_key
        step()
        if before is not None and self.table.cursor_key == before:
            self.say(words_at_end)

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

    def describe(self, action: Action) -> str:
        """Return what the action does where the keys go."""
        return self.pane.tab.SEARCH if action.id == "filter" and self.is_in_pane else super().describe(action)

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
