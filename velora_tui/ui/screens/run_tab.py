"""What the tabs of a run's page have in common: they read their part of the proof in a thread when they are shown."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from velora_tui.errors import VeloraError
from velora_tui.store.log_search import compile_pattern
from velora_tui.ui.keys import ONLY_IN_LOG
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.line_view import LineView
from velora_tui.ui.widgets.log_view import LogView
from velora_tui.view.cells import Cell, Span


class RunTab(Vertical):
    """A tab shows the attempt at `place`; `status` is what it says at the end of the line of tabs.

    `SEARCH` is what help says that a search looks for.
    """

    TITLE: ClassVar[str] = ""
    SHORT_TITLE: ClassVar[str] = ""
    SEARCH: ClassVar[str] = ""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t,w,E", "say_only_in_log", show=False)]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Shorten no title that is not shortened by hand."""
        super().__init_subclass__(**arguments)
        cls.SHORT_TITLE = vars(cls).get("SHORT_TITLE", cls.TITLE)

    class StatusChanged(Message):
        """The tab has something else to say in the line of tabs."""

    class FileWanted(Message):
        """This file should be shown in the log view, at `line` if it is given."""

        def __init__(self, path: Path, line: int | None = None) -> None:
            super().__init__()
            self.path = path
            self.line = line

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="run-tab")
        self.place: Place | None = None
        self.status: Cell = ""

    def show_place(self, place: Place) -> None:
        """Show this attempt; what is shown already is not read again."""
        is_new = self.place is None or self.depends_on(place) != self.depends_on(self.place)
        self.place = place
        if is_new:
            self.host.perform(self._load(place))

    @property
    def host(self) -> BaseScreen:
        """The screen that the tab is on."""
        return cast(BaseScreen, self.screen)

    def depends_on(self, place: Place) -> Hashable:
        """Return what must change for the tab to be read again."""
        return place.key

    async def _load(self, place: Place) -> None:
        try:
            await self.load(place)
        except VeloraError as error:
            if self.is_current_place(place):
                self.show_problem(error)

    async def load(self, place: Place) -> None:
        """Read in a thread, then show unless another attempt is wanted by then. May raise VeloraError."""
        raise NotImplementedError

    def is_current_place(self, place: Place) -> bool:
        """Return whether what was read of `place` is still what should be shown."""
        return self.is_attached and self.place is not None and self.depends_on(place) == self.depends_on(self.place)

    def show_problem(self, error: VeloraError) -> None:
        """Say in the tab why there is nothing to see."""
        raise NotImplementedError

    def say_status(self, status: Cell) -> None:
        """Say something at the end of the line of tabs."""
        self.status = status
        self.post_message(self.StatusChanged())

    def action_say_only_in_log(self) -> None:
        self.host.say(ONLY_IN_LOG, is_problem=True)

    def focus_lines(self) -> None:
        """Give the keys to what is read."""
        self.query(LineView).first().focus()

    def copy(self) -> None:
        """Copy what is under the cursor."""
        view = self.query(LineView).first()
        if isinstance(view, LogView | LineList):
            view.action_copy()

    def on_line_list_copy_requested(self, event: LineList.CopyRequested) -> None:
        """Copy."""
        self.host.dashboard.copy_text(self.text_to_copy(event.text))

    def text_to_copy(self, shown: str) -> str:
        """Return what goes to the clipboard of the current line, which is `shown` so."""
        return shown

    @property
    def path(self) -> Path | None:
        """The file that the editor opens."""
        return None

    def search(self, text: str) -> None:
        """Look for `text`; empty forgets the search. Raises UsageError for a wrong expression."""
        raise NotImplementedError

    @property
    def search_text(self) -> str:
        """What is searched for."""
        raise NotImplementedError


class LinesTab(RunTab):
    """A tab that is one list of lines; a search goes on in the next attempt, and ends where that has nothing here."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._search_text = ""

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        yield self.make_lines()

    def make_lines(self) -> LineList:
        """Return the list, made once."""
        return LineList(empty_text="reading …")

    @property
    def lines(self) -> LineList:
        return self.query_one(LineList)

    def show_problem(self, error: VeloraError) -> None:
        """Say what is wrong and what to do."""
        self.show_nothing(error.explain(), tone_is_bad=True)

    def show_nothing(self, words: str, *, tone_is_bad: bool = False) -> None:
        """Show `words` where there are no lines."""
        self._search_text = ""
        self.lines.search(None)
        self.lines.empty_text = words
        self.lines.show((), keep_place=False)
        self.say_status(Span("cannot be read", "bad") if tone_is_bad else "")

    @property
    def search_text(self) -> str:
        return self._search_text

    def search(self, text: str) -> None:
        """Mark what matches and go to the first."""
        self.lines.search(compile_pattern(text) if text else None)
        self._search_text = text

    def on_line_list_search_changed(self) -> None:
        """Say how many lines are found."""
        if self.lines.lines:
            self.say_status(self.summary_with_hits())

    def on_line_list_highlighted(self) -> None:
        """Say which of the lines found this is."""
        if self._search_text:
            self.say_status(self.summary_with_hits())

    def summary_with_hits(self) -> Cell:
        """Return the summary, or during a search how many lines are found."""
        if not self._search_text:
            return self.summary()
        hit, hits = self.lines.hits
        return Span(f"/{self._search_text}  ", "dim"), Span(f"{hit}/{hits}" if hits else "nothing found", "look")

    def summary(self) -> Cell:
        """Return the tab's content in numbers."""
        return ""
