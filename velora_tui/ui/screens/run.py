"""The page of a run: what happened, when, and the proof."""

from __future__ import annotations

from textual.app import ComposeResult

from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.port import restarts_of
from velora_tui.ui.screens.run_head import RunHead
from velora_tui.ui.screens.run_pane import RunPane
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.screens.run_screen import PlaceScreen
from velora_tui.ui.screens.run_tab import RunTab


class RunScreen(PlaceScreen):
    """Shows attempt `attempt` of a run, the latest if it is None; with `phase` or `line`, that place in its log.

    With `test`, that test. A run that the journal does not know, as imported ones, is read from the catalog.
    """

    NAME = "run"

    def __init__(
        self,
        run_id: str,
        attempt: int | None = None,
        phase: str | None = None,
        line: int | None = None,
        *,
        test: str = "",
    ) -> None:
        super().__init__()
        self.choose(run_id, attempt)
        self._wanted = phase, line
        self._test = test
        self._is_open = False
        self._asked = ""

    def compose_body(self) -> ComposeResult:
        """Yield the head and the tabs."""
        yield RunHead(id="run-head")
        yield RunPane(id="run-pane")

    @property
    def pane(self) -> RunPane:
        return self.query_one(RunPane)

    @property
    def tab(self) -> RunTab:
        return self.pane.tab

    def on_mount(self) -> None:
        """Give the keys to the current tab."""
        self.focus_tab()

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show how the run stands now."""
        place, is_other = self.find_place(snapshot)
        head = self.query_one(RunHead)
        if place is None:
            self._find(head)
            return
        self.dashboard.catalog.current = self.run_id
        if not self._is_open:
            self._is_open = True
            self._open(place)
        elif is_other:
            self.pane.show(place)
        restarts = restarts_of(self.dashboard.engine, self.run_id)
        head.show(place, snapshot.fleet, snapshot.at, self.pane.log_tab.phase, self.app.size.width, restarts)

    def _find(self, head: RunHead) -> None:
        """Read the run from the catalog; say so where it has none either."""
        catalog = self.dashboard.catalog
        catalog.open()
        if catalog.row(self.run_id) is not None:
            head.show_reading()
            if self._asked != self.run_id:
                self._asked = self.run_id
                self.perform(self._read_place(self.run_id))
        elif catalog.is_loaded:
            head.show_missing(self.run_id)
        else:
            head.show_reading()

    async def _read_place(self, key: str) -> None:
        try:
            await self.dashboard.catalog.read_place(key)
        finally:
            self._asked = ""
        self.dashboard.refresh_now()

    def _open(self, place: Place) -> None:
        """Open the tab that answers why one came: the log of a failure or of what runs, the tests of what ended."""
        if place.attempt.number == len(place.run.attempts):
            self.choose(self.run_id, None)  # who came to the latest attempt wants to see the one that a retry makes
        phase, line = self._wanted
        self.pane.log_tab.want(phase, line)
        self.pane.tests_tab.want(self._test)
        wants_log = place.attempt.outcome is None or self._wanted != (None, None)
        self.pane.show_tab("log" if wants_log else "tests")
        self.pane.show(place)

    def do_next_pane(self) -> None:
        self.pane.step_tab(1)

    def do_previous_pane(self) -> None:
        self.pane.step_tab(-1)

    def do_next_run(self) -> None:
        self._step_run(1)

    def do_previous_run(self) -> None:
        self._step_run(-1)

    def _step_run(self, by: int) -> None:
        """Show the next or previous of the runs that Results shows, in the same tab."""
        keys = self.dashboard.catalog.shown
        if self.run_id not in keys:
            self.say("Results (4) does not show this run: there H and L go from run to run", is_problem=True)
            return
        there = keys.index(self.run_id) + by
        if not 0 <= there < len(keys):
            self.say("this is the last run in Results" if by > 0 else "this is the first run in Results")
            return
        self.choose(keys[there], None)
        self.dashboard.refresh_now()

    def do_back(self) -> None:
        """Undo a search or a file opened, else leave the page."""
        if not self.pane.go_back():
            super().do_back()

    def on_run_pane_moved(self) -> None:
        """Show which phase's log is open."""
        self.dashboard.refresh_now()
