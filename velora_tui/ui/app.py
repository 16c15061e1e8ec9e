"""The dashboard: one app over one engine."""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from velora_tui.domain.events import LogGrew
from velora_tui.domain.listing import Group, ResultRow
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.errors import StoreError, VeloraError
from velora_tui.store.error_log import report_bug
from velora_tui.ui.ascii_filter import AsciiFilter
from velora_tui.ui.catalog_session import CatalogSession
from velora_tui.ui.clipboard import copy_beside_terminal
from velora_tui.ui.commands import FinishedRuns, commands_of
from velora_tui.ui.memory import Memory
from velora_tui.ui.port import EngineLike
from velora_tui.ui.screens.audit import AuditScreen
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.causes import CausesScreen
from velora_tui.ui.screens.choice import ChoiceScreen
from velora_tui.ui.screens.compare import CompareScreen
from velora_tui.ui.screens.confirm import ConfirmScreen, Question
from velora_tui.ui.screens.file_diff import FileDiffScreen
from velora_tui.ui.screens.files import FilesScreen
from velora_tui.ui.screens.fleet import FleetScreen
from velora_tui.ui.screens.foreign import ForeignScreen
from velora_tui.ui.screens.help import HelpScreen
from velora_tui.ui.screens.log import LogScreen
from velora_tui.ui.screens.palette import Command, PaletteScreen
from velora_tui.ui.screens.queue import QueueScreen
from velora_tui.ui.screens.readiness import ReadinessScreen
from velora_tui.ui.screens.results import ResultsScreen
from velora_tui.ui.screens.run import RunScreen
from velora_tui.ui.session import EngineSession
from velora_tui.ui.styles import style_sheets
from velora_tui.ui.terminal_driver import TerminalDriver
from velora_tui.ui.theme import DEFAULT_THEME, THEMES
from velora_tui.view.cells import Span
from velora_tui.view.farewell import going_on
from velora_tui.view.holders import found_running

REFRESH_SECONDS = 0.4
KEEP_SECONDS = 5.0
REPAIRS_END_SECONDS = 1.0


class VeloraApp(App[None], inherit_bindings=False):
    """Shows what the engine tells and passes on what is asked of it; it owns no run."""

    TITLE = "Velora"
    CSS_PATH = style_sheets()
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "fleet": FleetScreen,
        "readiness": ReadinessScreen,
        "queue": QueueScreen,
        "results": ResultsScreen,
        "log": LogScreen,
    }
    DEFAULT_MODE = "fleet"
    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 6
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (140, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "say_how_to_quit", "Quit", show=False, id="app.interrupt", tooltip="Says how to quit"),
    ]

    def __init__(
        self,
        engine: EngineLike,
        *,
        theme: str | None = None,
        ascii_only: bool = False,
        opening: Sequence[RunRequest] = (),
        datasets: Sequence[Path] = (),
        come_back: str = "velora",
    ) -> None:
        super().__init__()
        self.engine = engine
        self.datasets = tuple(datasets)
        self.memory = Memory(engine.layout.views)
        self._come_back = come_back
        self._came_from = "fleet"
        self._refresh_waits = False
        self._has_mouse = True
        self._repairs: set[asyncio.Task[None]] = set()
        self.catalog = CatalogSession(engine.layout, on_change=self.refresh_now)
        self._session = EngineSession(
            engine,
            opening,
            on_change=self.refresh_now,
            on_growth=self._grown,
            on_error=self._tell_error,
            on_found=self._tell_found,
        )
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme or DEFAULT_THEME
        if ascii_only:
            self._filters.append(AsciiFilter())

    def get_driver_class(self) -> type[Driver]:
        """Return ours for a terminal; a browser has one of its own."""
        usual = super().get_driver_class()
        return TerminalDriver if usual is LinuxDriver else usual

    @property
    def is_live(self) -> bool:
        """Whether the engine is open."""
        return self._session.is_live

    @property
    def heard_at(self) -> Mapping[str, datetime]:
        """When the log of a run last grew, by run."""
        return self._session.heard_at

    @property
    def problem(self) -> str | None:
        """Why the engine ended, or None."""
        return self._session.problem

    def on_mount(self) -> None:
        """Paint first, then open the engine."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self.set_interval(REFRESH_SECONDS, self._refresh)
        self.set_interval(KEEP_SECONDS, self._keep_views)
        self.call_after_refresh(self._session.open)

    async def on_unmount(self) -> None:
        """Let go of the engine."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
        await self.catalog.close()
        await self._end_repairs()
        await self._session.close()
        with suppress(StoreError):  # a filter that is forgotten is nothing to hold up the end for
            await self.memory.keep()

    def outlive(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` go on whatever becomes of the screen that began it."""
        task = asyncio.create_task(work)
        self._repairs.add(task)
        task.add_done_callback(self._repairs.discard)

    async def _end_repairs(self) -> None:
        """Cut off what is being repaired, while its end can still be journalled."""
        for task in self._repairs:
            task.cancel()
        if self._repairs:
            await asyncio.wait(self._repairs, timeout=REPAIRS_END_SECONDS)

    def _keep_views(self) -> None:
        self.run_worker(self._keep(), group="views", exclusive=True, exit_on_error=False)

    async def _keep(self) -> None:
        with suppress(StoreError):  # the disk's troubles are told by what matters more
            await self.memory.keep()

    # --- from the engine to the screen

    def refresh_now(self) -> None:
        """Show the latest snapshot as soon as the current messages are handled; many calls make one."""
        if not self._refresh_waits:
            self._refresh_waits = True
            self.call_later(self._refresh)

    def _refresh(self) -> None:
        self._refresh_waits = False
        screen = self._base_screen()
        if screen is not None:
            screen.show_snapshot(self.engine.snapshot())

    def _grown(self, notice: LogGrew) -> None:
        screen = self._base_screen()
        if screen is not None:
            screen.log_grew(notice)

    def _tell_error(self, error: VeloraError) -> None:
        screen = self._base_screen()
        if screen is not None:
            screen.show_error(error)

    def _tell_found(self, runs: Sequence[Run]) -> None:
        screen = self._base_screen()
        if screen is not None:
            screen.say(found_running(runs, self.engine.snapshot().at), title="taken up again")

    def _base_screen(self) -> BaseScreen | None:
        """Return the screen one looks at, under a window that asks something; None before the first and at the end."""
        stack = self.screen_stack if self.is_running and self._screen_stacks.get(self._current_mode) else []
        screen = next((screen for screen in reversed(stack) if isinstance(screen, BaseScreen)), None)
        return screen if screen is not None and screen.is_mounted else None

    # --- from screen to screen

    def show_tab(self, name: str) -> None:
        """Show a tab, without the pages that were opened over it."""
        self.run_worker(self._to_tab(name), group="tabs", exclusive=True)

    async def _to_tab(self, name: str) -> None:
        if name != self.current_mode:
            self._came_from = self.current_mode
            await self.switch_mode(name)
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def open_instance(self, name: str) -> None:
        """Show the Fleet tab with the cursor on that instance."""
        self.run_worker(self._to_instance(name), group="tabs", exclusive=True)

    async def _to_instance(self, name: str) -> None:
        await self._to_tab("fleet")
        screen = self.screen
        if isinstance(screen, FleetScreen):
            screen.go_to(name)

    def open_run(
        self,
        run_id: str,
        attempt: int | None = None,
        phase: str | None = None,
        line: int | None = None,
        *,
        test: str = "",
    ) -> None:
        """Open the run's page; with `line`, its log at that line of `phase`; with `test`, its tests at that one."""
        self.push_screen(RunScreen(run_id, attempt, phase, line, test=test))

    def open_compare(self, rows: Sequence[ResultRow], groups: Sequence[Group], found: Sequence[ResultRow]) -> None:
        """Compare finished runs."""
        self.push_screen(CompareScreen(rows, groups, found))

    def follow_foreign(self, instance: str) -> None:
        """Open the log of somebody else's run on `instance`."""
        row = self.engine.snapshot().instance(instance)
        if row is not None and row.foreign is not None:
            self.push_screen(ForeignScreen(instance, row.foreign))

    def open_log(
        self, run_id: str, attempt: int | None = None, phase: str | None = None, line: int | None = None
    ) -> None:
        """Show the Log tab on that run."""
        self.run_worker(self._to_log(run_id, attempt, phase, line), group="tabs", exclusive=True)

    async def _to_log(self, run_id: str, attempt: int | None, phase: str | None, line: int | None) -> None:
        await self._to_tab("log")
        screen = self.screen
        if isinstance(screen, LogScreen):
            screen.open(run_id, attempt, phase, line)

    def open_files(self) -> None:
        """Show the critical files of all instances side by side."""
        self.push_screen(FilesScreen())

    def open_file_diff(self, instance: str, path: str | None = None) -> None:
        """Show what the good copy of a critical file would change on `instance`."""
        self.push_screen(FileDiffScreen(instance, path))

    def open_audit(self, instances: Sequence[str]) -> None:
        """Show what Velora did on these instances."""
        self.push_screen(AuditScreen(instances))

    def open_causes(self, cause: tuple[str, str | None] | None = None) -> None:
        """Show the failures of the fleet by their causes."""
        self.push_screen(CausesScreen(cause))

    def go_back(self) -> None:
        """Go one level up: from a page to its tab, from a tab to where one came from, then to the fleet."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != self.DEFAULT_MODE:
            came_from, self._came_from = self._came_from, self.DEFAULT_MODE
            self.switch_mode(came_from if came_from != self.current_mode else self.DEFAULT_MODE)

    # --- what all screens offer

    def show_help(self) -> None:
        """Show what the keys do on the current screen."""
        screen = self._base_screen()
        if screen is not None:
            self.push_screen(HelpScreen(screen))

    def show_palette(self) -> None:
        """Find an action, instance, run or theme by name."""
        screen = self._base_screen()
        if screen is not None:
            snapshot = self.engine.snapshot()
            commands = commands_of(screen, self, snapshot, self._use_theme)
            self.push_screen(PaletteScreen(commands, FinishedRuns(self, snapshot).find), _do_command)

    @property
    def themes(self) -> Sequence[str]:
        """The names of all themes, ours first."""
        return sorted(self.available_themes, key=lambda name: (name not in _OURS, name))

    def choose_theme(self) -> None:
        """Let one choose the colours, showing each at once."""
        before = self.theme
        choices = [(name, name) for name in self.themes]
        self.push_screen(
            ChoiceScreen(Span("Theme", "strong"), choices, chosen=before, on_highlight=self._use_theme),
            lambda chosen: self._use_theme(chosen or before),
        )

    def _use_theme(self, name: str) -> None:
        self.theme = name

    def toggle_mouse(self) -> None:
        """Give the mouse to the terminal, or take it back."""
        self._has_mouse = not self._has_mouse
        for name in ("_enable_mouse_support",) if self._has_mouse else ("_disable_mouse_support",):
            switch = getattr(self._driver, name, None)
            if switch is not None:
                switch()
        words = "the mouse is Velora's again" if self._has_mouse else "the mouse is the terminal's; F2 takes it back"
        self.notify(words, markup=False)

    def copy_text(self, text: str) -> None:
        """Put `text` on a clipboard, or into a file, and say where it went."""
        self.copy_to_clipboard(text)
        self.run_worker(self._copy(text), group="copy", exclusive=True, exit_on_error=False)

    async def _copy(self, text: str) -> None:
        try:
            where = await copy_beside_terminal(text, self.engine.layout.state / "copied.txt")
        except VeloraError as error:
            self._tell_error(error)
            return
        amount = f"{text.count(chr(10)) + 1:,} lines" if "\n" in text else f"{len(text):,} characters"
        self.notify(f"{amount} copied: terminal (OSC 52) and {where}", markup=False)

    def action_say_how_to_quit(self) -> None:
        self.notify("q quits; what runs on the instances goes on", markup=False)

    def ask_to_quit(self) -> None:
        """Quit, after a question where runs are active."""
        going = going_on(self.engine.snapshot(), self._come_back)
        if not going and not self._repairs:
            self.exit()
            return
        cut_off = (Span("a repair is being made: it would be cut off", "look"),) if self._repairs else ()
        notes = (*((going,) if going else ()), *cut_off)
        question = Question("Quit?", "quit", notes=notes, is_destructive=bool(cut_off))
        self.push_screen(ConfirmScreen(question), lambda yes: self.exit() if yes else None)

    def _fatal_error(self) -> None:
        """Keep the traceback in the error log; only its place is told."""
        path = self.engine.layout.error_log
        report_bug(path, traceback.format_exc())
        self.panic(f"Velora met a bug and ended; what runs on the instances goes on. The details are in {path}")


_OURS = frozenset(theme.name for theme in THEMES)


def _do_command(command: Command | None) -> None:
    if command is not None:
        command.do()
