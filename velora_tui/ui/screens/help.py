"""What each key does on the screen one came from: the action table and the keys of what has the focus."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from velora_tui.ui.content import content_lines
from velora_tui.ui.keys import GROUPS, PAGES, TABS, actions_of, bindings_of_class, key_text
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell, Span, spans_of
from velora_tui.view.text import pad

_KEY_CELLS = 14
_WORDS_AT = _KEY_CELLS + 3
_TWO_COLUMNS_CELLS = 166
_WIDEST_CELLS = 96  # of one column with its frame, as the style sheet has it
_FRAME_CELLS = 6
_FRAME_LINES = 6  # title, keys, and the blank lines around them


def _key(keys: str, action: str) -> Binding:
    return Binding(keys, action, show=False, id=f"help.{action}")


class HelpText(VerticalScroll):
    """Scrolls by the keys of all other lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("j", "scroll_down"),
        _key("k", "scroll_up"),
        _key("g", "scroll_home"),
        _key("G", "scroll_end"),
        _key("ctrl+d", "page_down"),
        _key("ctrl+u", "page_up"),
    ]


class HelpScreen(Dialog[None]):
    """Generated: an action without a line here can't be pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [_key("q,question_mark,f1", "leave")]

    def __init__(self, screen: BaseScreen) -> None:
        title = {**TABS, **PAGES}[screen.NAME]
        super().__init__(Span(f"Keys · {title}", "strong"), keys_line(("esc", "back")))
        self._lines = [*_action_lines(screen), *_widget_lines(screen.focused), *_filter_lines(screen.FILTER_KEYS)]

    def compose_body(self) -> ComposeResult:
        """Yield the lines, in two columns where there is room."""
        columns = _in_two(self._lines) if self.app.size.width >= _TWO_COLUMNS_CELLS else [self._lines]
        room = min(_WIDEST_CELLS, self.app.size.width * 98 // 100 // len(columns)) - _FRAME_CELLS
        with HelpText(), Horizontal():
            for lines in columns:
                broken = [piece for line in lines for piece in _broken(line, room)]
                yield Static(content_lines(broken), classes="help-column", markup=False)

    def on_mount(self) -> None:
        """Use the room there is."""
        self.set_class(self.app.size.width >= _TWO_COLUMNS_CELLS, "-two-columns")
        self._fit()

    def on_resize(self) -> None:
        """Use the height there is now."""
        self._fit()

    def _fit(self) -> None:
        self.query_one(HelpText).styles.max_height = max(4, self.app.size.height - _FRAME_LINES)


def _in_two(lines: Sequence[Cell]) -> list[Sequence[Cell]]:
    """Break the lines in two columns about as high, between two groups."""
    gaps = [place for place, line in enumerate(lines) if line == ""]
    middle = min(gaps, key=lambda place: abs(place - len(lines) / 2), default=len(lines))
    return [lines[:middle], lines[middle + 1 :]]


def _broken(line: Cell, room: int) -> Iterable[Cell]:
    """Return a line as the lines it needs in `room` cells, the further ones below its words."""
    *before, words = spans_of(line)
    first, *more = textwrap.wrap(words.text, room - _WORDS_AT) or [""]
    return (*before, Span(first, words.tone)), *(Span(" " * _WORDS_AT + text, words.tone) for text in more)


def _action_lines(screen: BaseScreen) -> Iterable[Cell]:
    targets = screen.targets()
    for group in GROUPS:
        actions = [action for action in actions_of(screen.NAME) if action.group == group and action.keys]
        if actions:
            yield Span(group, "strong")
        for action in actions:
            reason = action.reason_against(targets)
            yield _line(action.key_text, screen.describe(action))
            if reason:
                yield Span(" " * _WORDS_AT), Span(f"not now: {reason}", "dim")
        if actions:
            yield ""


def _widget_lines(focused: Widget | None) -> Iterable[Cell]:
    """Yield the keys of what has the focus, and of what that is in."""
    around = takewhile(lambda node: not isinstance(node, Screen), focused.ancestors_with_self) if focused else ()
    bindings = [binding for node in around for binding in bindings_of_class(type(node))]
    if bindings:
        yield Span("Move", "strong")
    for binding in bindings:
        yield _line(", ".join(key_text(key) for key in binding.key.split(",")), binding.tooltip)
    if bindings:
        yield ""


def _line(keys: str, what: str) -> Cell:
    return Span(f"  {pad(keys, _KEY_CELLS)} ", "ours"), Span(what)


def _filter_lines(keys: Sequence[str]) -> Iterable[Cell]:
    """Yield what one may type in the filter of a table whose columns have these keys."""
    if keys:
        yield Span("Filter", "strong")
        yield _line("words", "each must occur, in any column")
        yield _line("/regex/", "a regular expression")
        yield _line("!not", f"must not occur; also !{keys[0]}:value")
        yield _line("key:value", f"in one column: {' '.join(keys)}; several as a,b")
