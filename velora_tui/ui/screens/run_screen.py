"""What the screens that show one attempt have in common: which one, its logs, search, and the file one can open."""

from __future__ import annotations

from dataclasses import replace

from velora_tui.domain.events import LogGrew
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import UsageError
from velora_tui.ui.keys import Action, Targets
from velora_tui.ui.outside import open_outside
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.run_log import LogTab
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.screens.run_tab import RunTab
from velora_tui.ui.widgets.filter_bar import FilterBar


class PlaceScreen(BaseScreen):
    """A subclass says which tab has the keys (`tab`), and finds its attempt with `find_place` in each snapshot."""

    FILTER_HELP = "words or a regular expression"

    def __init__(self) -> None:
        super().__init__()
        self.run_id = ""
        self.place: Place | None = None
        self._number: int | None = None

    def choose(self, run_id: str, attempt: int | None) -> None:
        """Choose a run's attempt; None is the latest, also when a later one begins."""
        self.run_id = run_id
        self._number = attempt

    def find_place(self, snapshot: FleetSnapshot) -> tuple[Place | None, bool]:
        """Return the chosen attempt, and whether it is another or stands otherwise than before."""
        run = snapshot.runs.get(self.run_id)
        before, self.place = self.place, None
        if run is not None:
            self.place = Place.of(run, self._number, self.dashboard.engine.layout)
        else:
            self.place = self.dashboard.catalog.place(self.run_id)
        return self.place, self.place != before

    @property
    def tab(self) -> RunTab:
        """What search, editor and copy are about."""
        raise NotImplementedError

    @property
    def log_tab(self) -> LogTab:
        """The one that shows logs."""
        return self.query_one(LogTab)

    def targets(self) -> Targets:
        """Return the run."""
        targets = super().targets()
        place = self.place
        runs = (place.run,) if place and place.catalogued is None else ()
        results = (place.run.run,) if place else ()
        in_log = self.has_body and isinstance(self.tab, LogTab)
        return replace(targets, runs=runs, results=results, in_log=in_log)

    def log_grew(self, notice: LogGrew) -> None:
        """Read on."""
        if self.has_body:
            self.log_tab.log_grew(notice)

    # --- logs

    def do_tab_log(self) -> None:
        """Show the log of this attempt."""
        if self.place is not None and self.place.catalogued is None:
            self.dashboard.open_log(self.place.run.run, self.place.attempt.number, self.log_tab.phase)
        else:
            super().do_tab_log()

    def do_next_phase(self) -> None:
        self._step_phase(1)

    def do_previous_phase(self) -> None:
        self._step_phase(-1)

    def _step_phase(self, by: int) -> None:
        problem = self.log_tab.step_phase(by)
        if problem:
            self.say(problem, is_problem=True)
        self.dashboard.refresh_now()

    def do_previous_attempt(self) -> None:
        """Go to the attempt before, from the first to the latest."""
        if self.place is None:
            return
        total = len(self.place.run.attempts)
        if total == 1:
            self.say("this is the only attempt", is_problem=True)
            return
        number = self.place.attempt.number
        self._number = number - 1 if number > 1 else None
        self.dashboard.refresh_now()

    # --- search

    def describe(self, action: Action) -> str:
        """Return what the action does in the tab that has the keys."""
        return self.tab.SEARCH if action.id == "search" else super().describe(action)

    def do_search(self) -> None:
        """Let one type what to look for."""
        self.query_one(FilterBar).open(self.tab.search_text)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Look for what is typed as it is typed."""
        bar = self.query_one(FilterBar)
        try:
            self.tab.search(event.text)
            bar.show_problem("")
        except UsageError as error:
            bar.show_problem(error.message)
        if event.kept:
            self.focus_tab()

    def on_filter_bar_given_up(self, event: FilterBar.GivenUp) -> None:
        """Look for what was looked for before."""
        self.tab.search(event.text)
        self.focus_tab()

    def focus_tab(self) -> None:
        """Give the keys back to what is read."""
        self.tab.focus_lines()

    # --- the file

    def do_edit(self) -> None:
        """Open the file that is shown in the operator's editor."""
        path = self.tab.path
        if path is None:
            self.say("there is no file to open here yet", is_problem=True)
            return
        self.perform(open_outside(self.app, path), group="outside")

    def do_copy(self) -> None:
        """Copy what is under the cursor."""
        self.tab.copy()
