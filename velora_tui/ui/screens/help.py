"""What each key does on the screen one came from: the action table and the keys of what has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from velora_tui.ui.content import content_lines
from velora_tui.ui.keys import GROUPS, Targets, actions_of, key_text
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell, Span
from velora_tui.view.text import pad

_KEY_CELLS = 14


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

    def __init__(self, screen: str, title: str, targets: Targets, focused: Widget | None) -> None:
        super().__init__(Span(f"Keys · {title}", "strong"), keys_line(("esc", "back")))
        self._lines = [*_action_lines(screen, targets), *_widget_lines(focused), *_FILTER_LINES]

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        with HelpText():
            yield Static(content_lines(self._lines), markup=False)


def _action_lines(screen: str, targets: Targets) -> Iterable[Cell]:
    for group in GROUPS:
        actions = [action for action in actions_of(screen) if action.group == group and action.keys]
        if actions:
            yield Span(group, "strong")
        for action in actions:
            reason = action.reason_against(targets)
            yield _line(action.key_text, action.description)
            if reason:
                yield Span(f"{' ' * (_KEY_CELLS + 3)}not now: {reason}", "dim")
        if actions:
            yield ""


def _widget_lines(focused: Widget | None) -> Iterable[Cell]:
    """Yield the keys of what has the focus."""
    bindings = [binding for binding in _own_bindings(focused) if binding.tooltip]
    if bindings:
        yield Span("Move", "strong")
    for binding in bindings:
        yield _line(", ".join(key_text(key) for key in binding.key.split(",")), binding.tooltip)
    if bindings:
        yield ""


def _own_bindings(widget: Widget | None) -> Sequence[Binding]:
    """Return the bindings of a widget's class and of those it is made from."""
    tables = [vars(kind).get("BINDINGS", ()) for kind in reversed(type(widget).__mro__)]
    return [binding for table in tables for binding in table if isinstance(binding, Binding)]


def _line(keys: str, what: str) -> Cell:
    return Span(f"  {pad(keys, _KEY_CELLS)} ", "ours"), Span(what)


_FILTER_LINES: tuple[Cell, ...] = (
    Span("Filter", "strong"),
    _line("words", "each must occur, in any column"),
    _line("/regex/", "a regular expression"),
    _line("!not", "must not occur; also !state:failed"),
    _line("key:value", "in one column: state phase instance task repo model run; several as a,b"),
)
