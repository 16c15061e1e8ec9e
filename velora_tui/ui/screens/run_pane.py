"""The six tabs of an attempt: Log, Tests, Patch, Trajectory, Files, About."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click
from textual.message import Message
from textual.widgets import ContentSwitcher

from velora_tui.ui.screens.run_about import AboutTab
from velora_tui.ui.screens.run_files import FilesTab
from velora_tui.ui.screens.run_log import LogTab
from velora_tui.ui.screens.run_patch import PatchTab
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.screens.run_tab import RunTab
from velora_tui.ui.screens.run_tests import TestsTab
from velora_tui.ui.screens.run_trajectory import TrajectoryTab
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Span, spans_of
from velora_tui.view.text import cut_middle

TabName = Literal["log", "tests", "patch", "trajectory", "files", "about"]
TABS: dict[TabName, type[RunTab]] = {
    "log": LogTab,
    "tests": TestsTab,
    "patch": PatchTab,
    "trajectory": TrajectoryTab,
    "files": FilesTab,
    "about": AboutTab,
}
NARROW_CELLS = 100
_LEAST_FILE_CELLS = 12


class TabStrip(SplitLine):
    """The names of the tabs; a click shows one."""

    class Chosen(Message):
        """This tab was clicked."""

        def __init__(self, tab: TabName) -> None:
            super().__init__()
            self.tab = tab

    def titles(self) -> dict[TabName, str]:
        """Return what the tabs are called here, with the blanks behind."""
        is_narrow = self.size.width < NARROW_CELLS
        gap = "  " if is_narrow else "   "
        return {name: (tab.SHORT_TITLE if is_narrow else tab.TITLE) + gap for name, tab in TABS.items()}

    def on_click(self, event: Click) -> None:
        """Show the tab clicked."""
        x = 1
        for name, title in self.titles().items():
            x += len(title)
            if event.x < x:
                self.post_message(self.Chosen(name))
                return


class RunPane(Vertical):
    """Shows one attempt in the current tab; the others are read when one comes to them."""

    class Moved(Message):
        """Another tab is current."""

    def __init__(self, tab: TabName = "log", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tab: TabName = tab
        self._place: Place | None = None
        self._came_from: TabName | None = None

    def compose(self) -> ComposeResult:
        """Yield the strip and the tabs."""
        yield TabStrip(id="run-tabs")
        with ContentSwitcher(initial=f"tab-{self._tab}", id="run-switcher"):
            for name, tab in TABS.items():
                yield tab(id=f"tab-{name}")

    def on_mount(self) -> None:
        """Show which tab is current."""
        self._show_strip()

    @property
    def tab_name(self) -> TabName:
        """The name of the current tab."""
        return self._tab

    @property
    def tab(self) -> RunTab:
        """The current tab."""
        return self.query_one(f"#tab-{self._tab}", RunTab)

    @property
    def log_tab(self) -> LogTab:
        """The Log tab."""
        return self.query_one(LogTab)

    @property
    def tests_tab(self) -> TestsTab:
        """The Tests tab."""
        return self.query_one(TestsTab)

    @property
    def place(self) -> Place | None:
        """The attempt that is shown."""
        return self._place

    def show(self, place: Place) -> None:
        """Show this attempt in the current tab."""
        if self._place is None or (place.run.run, place.attempt.number) != (
            self._place.run.run,
            self._place.attempt.number,
        ):
            self._came_from = None
        self._place = place
        self.tab.show_place(place)

    def show_tab(self, name: TabName, *, focus: bool = True) -> None:
        """Make a tab current."""
        self._close_file()
        self._switch(name, focus=focus)

    def step_tab(self, by: int) -> None:
        """Go to the next or the previous tab, round the end, from a file to its tab; the keys stay where they were."""
        names = list(TABS)
        name = self._close_file() or names[(names.index(self._tab) + by) % len(names)]
        self._switch(name, focus=self.has_focus_within)

    def _switch(self, name: TabName, *, focus: bool) -> None:
        self._tab = name
        self.query_one("#run-switcher", ContentSwitcher).current = f"tab-{name}"
        if self._place is not None:
            self.tab.show_place(self._place)
        if focus:
            self.tab.focus_lines()
        self._show_strip()
        self.post_message(self.Moved())

    def go_back(self) -> bool:
        """Undo the last thing that esc undoes here: a search, a file opened from a tab; False where there is none."""
        if self.tab.search_text:
            self.tab.search("")
            return True
        came_from = self._close_file()
        if came_from is not None:
            self._switch(came_from, focus=True)
        return came_from is not None

    def show_file(self, path: Path, line: int | None = None) -> None:
        """Show a file in the Log tab; esc leads back, and so do [ and ]."""
        came_from = self._tab if self._tab != "log" else None
        self._switch("log", focus=True)
        self.log_tab.show_file(path, line)
        self._came_from = came_from
        self._show_strip()

    def _close_file(self) -> TabName | None:
        """Give the Log tab back to the log; return the tab that a file was opened from, if one is shown."""
        came_from, self._came_from = self._came_from, None
        if came_from is not None:
            self.log_tab.close_file()
        return came_from

    def on_run_tab_file_wanted(self, event: RunTab.FileWanted) -> None:
        """Show the file that a tab points to."""
        event.stop()
        self.show_file(event.path, event.line)

    def on_run_tab_status_changed(self, event: RunTab.StatusChanged) -> None:
        """Show what the current tab says."""
        event.stop()
        self._show_strip()

    def on_tab_strip_chosen(self, event: TabStrip.Chosen) -> None:
        """Show the tab clicked."""
        self.show_tab(event.tab)

    def on_resize(self) -> None:
        """Fit the names of the tabs."""
        self._show_strip()

    def _show_strip(self) -> None:
        strip = self.query_one(TabStrip)
        names = [Span(title, "strong" if name == self._tab else "dim") for name, title in strip.titles().items()]
        names[-1] = Span(names[-1].text.rstrip(), names[-1].tone)
        strip.show((Span(" "), *names), (*self._file_title(), *spans_of(self.tab.status), Span(" ")))

    def _file_title(self) -> tuple[Span, ...]:
        """Return "Files › report.json  esc back" where a file is shown that was opened from a tab."""
        path = self.log_tab.path
        if self._came_from is None or path is None:
            return ()
        title = Span(f"{TABS[self._came_from].TITLE} › ", "dim")
        name = Span(cut_middle(path.name, max(_LEAST_FILE_CELLS, self.size.width // 4)))
        return title, name, Span("  esc", "ours"), Span(" back", "dim")
