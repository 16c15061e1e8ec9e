"""What all screens have: header, tabs, body, filter bar, footer; keys by the table; errors in words."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from velora_tui.domain.events import LogGrew
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import VeloraError
from velora_tui.store.error_log import report_bug
from velora_tui.ui.host_key_actions import check_and_decide, decide_on_keys
from velora_tui.ui.keys import BY_ID, Action, Targets, bindings_of, footer_of
from velora_tui.ui.port import Dashboard
from velora_tui.ui.repair_actions import mend
from velora_tui.ui.run_actions import retry_runs, start_run, stop_runs
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.header import FleetHeader
from velora_tui.ui.widgets.key_footer import KeyFooter
from velora_tui.view.cells import Cell, Span
from velora_tui.view.contact import key_trouble
from velora_tui.view.remedies import Remedy, remedies

LEAST_WIDTH = 60
LEAST_HEIGHT = 16
TOO_SMALL = f"Velora needs {LEAST_WIDTH}×{LEAST_HEIGHT} characters. Make the window larger; what runs goes on."


class BaseScreen(Screen[None]):
    """A subclass names itself in `NAME`, yields its body and implements `refresh_snapshot`.

    For each action of the key table that lists `NAME` it has a method `do_<id>`; `targets` says what they apply to.
    """

    NAME: ClassVar[str] = ""
    TAB: ClassVar[str] = ""
    FILTER_KEYS: ClassVar[tuple[str, ...]] = ()
    FILTER_HELP: ClassVar[str] = "words  /regex/  !not  state:failed model:gpt repo:django phase:image"
    AUTO_FOCUS = "LineView"

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: FleetSnapshot | None = None
        self._is_composed = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Bind the keys that the table has for the screen."""
        if "NAME" in vars(cls):
            cls.BINDINGS = [*bindings_of(cls.NAME), *vars(cls).get("BINDINGS", [])]
        super().__init_subclass__(**arguments)

    def compose(self) -> ComposeResult:
        """Yield the frame around the body."""
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield FleetHeader(self.TAB or self.NAME)
        with Container(id="body"):
            yield from self.compose_body()
        yield FilterBar(self.FILTER_HELP)
        yield KeyFooter(footer_of(self.NAME))

    def compose_body(self) -> ComposeResult:
        """Yield what is special to the screen."""
        raise NotImplementedError

    @property
    def dashboard(self) -> Dashboard:
        """The app, as screens know it."""
        return cast(Dashboard, self.app)

    # --- what the app tells

    def show_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the fleet as it stands: called a few times a second while current, and at once when a state changes."""
        self.snapshot = snapshot
        if not self.has_body:
            return
        with self.app.batch_update():
            self.query_one(FleetHeader).show_snapshot(snapshot, self._notice())
            self.refresh_snapshot(snapshot)
            self.refresh_footer()

    @property
    def has_body(self) -> bool:
        """Whether the widgets are there: a screen is on the stack before they are made and after they are gone."""
        return self._is_composed and self.app.is_running

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the fleet in the body."""
        raise NotImplementedError

    def log_grew(self, notice: LogGrew) -> None:
        """Take note that a log has grown; called as it happens, so it must be quick."""

    def targets(self) -> Targets:
        """Return what actions apply to now; a screen with rows adds their runs and instances."""
        return Targets(is_live=self.dashboard.is_live, read_only=self.dashboard.engine.read_only)

    def describe(self, action: Action) -> str:
        """Return what the action does here, for help and palette."""
        return action.description

    def on_mount(self) -> None:
        """Take snapshots from now on."""
        self._is_composed = True
        self.dashboard.refresh_now()

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was on top."""
        self.dashboard.refresh_now()

    def on_resize(self) -> None:
        """Say so where the terminal is too small."""
        size = self.app.size
        self.set_class(size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT, "-too-small")
        self.set_class(size.height < 30, "-low")

    def _notice(self) -> Cell:
        if self.dashboard.problem is not None:
            return Span(self.dashboard.problem, "bad")
        return "" if self.dashboard.is_live else Span("last known state · connecting", "look")

    # --- what is told to people

    def refresh_footer(self) -> None:
        """Dim the keys that can't be used now, and say how many rows are marked."""
        targets = self.targets()
        marked = Span(f"{targets.marked} marked   ", "look") if targets.marked else Span("")
        self.query_one(KeyFooter).show(targets, (marked, Span("^p", "ours"), Span(" palette ", "dim")))

    def show_status(self, status: Cell) -> None:
        """Say something at the end of the tab line."""
        self.query_one(FleetHeader).show_status(status)

    def say(self, words: str, *, title: str = "", is_problem: bool = False) -> None:
        """Tell something in a toast."""
        severity = "warning" if is_problem else "information"
        self.notify(words, title=title, severity=severity, markup=False)  # type: ignore[arg-type]

    def show_error(self, error: VeloraError) -> None:
        """Tell what went wrong and what to do next."""
        self.notify(error.explain(), title=error.title, severity="error", timeout=12, markup=False)

    # --- actions

    def action_act(self, action_id: str) -> None:
        """Do the action of that id, or say why it can't be done now."""
        reason = BY_ID[action_id].reason_against(self.targets())
        if reason is not None:
            self.say(f"{BY_ID[action_id].label}: {reason}", is_problem=True)
            return
        act: Callable[[], None] = getattr(self, f"do_{action_id}")
        act()

    def perform(self, work: Coroutine[Any, Any, None], *, group: str = "work") -> None:
        """Do something that takes time in a worker of this screen; what goes wrong is told in words."""
        self.run_worker(self._told(work), group=group, exit_on_error=False)

    def outlive(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something as `perform` does that goes on when this screen is gone."""
        self.dashboard.outlive(self._told(work))

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except VeloraError as error:
            self.show_error(error)
        except Exception:  # noqa: BLE001 - the boundary of all background work of screens: reported, never shown raw
            path = self.dashboard.engine.layout.error_log
            report_bug(path, traceback.format_exc())
            self.say(f"That should not have happened. The details are in {path}", title="bug", is_problem=True)

    def perform_on_targets(self, work: Coroutine[Any, Any, bool]) -> None:
        """Do something to what is at hand as `perform` does; `work` tells whether it was done."""
        self.perform(self._on_targets(work))

    async def _on_targets(self, work: Coroutine[Any, Any, bool]) -> None:
        if await work:
            self.forget_marks()

    def forget_marks(self) -> None:
        """Called when what the marks were made for is done."""

    def do_start(self) -> None:
        """Ask what to start, with the instances at hand proposed."""
        idle = [row.instance.name for row in self.targets().instances if not row.is_busy]
        self.perform_on_targets(start_run(self, idle))

    def do_retry(self) -> None:
        """Ask from where, and try again."""
        self.perform_on_targets(retry_runs(self, self.targets().runs))

    def do_stop(self) -> None:
        """Ask, and stop."""
        self.perform_on_targets(stop_runs(self, self.targets().runs))

    def do_check(self) -> None:
        """Check the instances at hand, and ask about host keys never seen before."""
        self.perform_on_targets(check_and_decide(self, [row.instance.name for row in self.targets().instances]))

    def do_check_all(self) -> None:
        """Check the whole fleet, and ask about host keys never seen before."""
        every = [instance.name for instance in self.dashboard.engine.fleet.instances]
        self.perform_on_targets(check_and_decide(self, every))

    def remedies(self) -> Sequence[Remedy]:
        """Return what would mend what is at hand."""
        targets = self.targets()
        return remedies(targets.instances, targets.runs)

    def do_repair(self) -> None:
        """Show what a repair would do, ask, and do it."""
        self.perform_on_targets(mend(self, self.remedies()))

    def do_files(self) -> None:
        """Show the critical files of all instances side by side."""
        self.dashboard.open_files()

    def do_audit(self) -> None:
        """Show what Velora did on the instances at hand."""
        self.dashboard.open_audit([row.instance.name for row in self.targets().instances])

    def do_causes(self) -> None:
        """Show why runs failed, by cause."""
        self.dashboard.open_causes()

    def do_host_key(self) -> None:
        """Ask about the host keys of the instances at hand, one after the other."""
        names = [row.instance.name for row in self.targets().instances if key_trouble(row) is not None]
        self.perform_on_targets(decide_on_keys(self, names))

    def do_log(self) -> None:
        """Show the log of the run at hand."""
        self.dashboard.open_log(self.targets().runs[0].run)

    def do_back(self) -> None:
        """Go one level up."""
        self.dashboard.go_back()

    def do_help(self) -> None:
        self.dashboard.show_help()

    def do_palette(self) -> None:
        self.dashboard.show_palette()

    def do_theme(self) -> None:
        self.dashboard.choose_theme()

    def do_mouse(self) -> None:
        self.dashboard.toggle_mouse()

    def do_quit(self) -> None:
        self.dashboard.ask_to_quit()

    def do_tab_fleet(self) -> None:
        self.dashboard.show_tab("fleet")

    def do_tab_readiness(self) -> None:
        self.dashboard.show_tab("readiness")

    def do_tab_queue(self) -> None:
        self.dashboard.show_tab("queue")

    def do_tab_results(self) -> None:
        self.dashboard.show_tab("results")

    def do_tab_log(self) -> None:
        self.dashboard.show_tab("log")
