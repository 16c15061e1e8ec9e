"""A window with a list to choose from: retry, order of rows, theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from velora_tui.ui.content import content, content_lines
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell


def _key(key: str, action: str, what: str) -> Binding:
    return Binding(key, action, what, show=False, id=f"choice.{action}", tooltip=what)


class Choices(OptionList):
    """An option list with the keys of all other lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("j", "cursor_down", "Down"),
        _key("k", "cursor_up", "Up"),
        _key("g", "first", "To the first"),
        _key("G", "last", "To the last"),
        _key("ctrl+d", "page_down", "A page down"),
        _key("ctrl+u", "page_up", "A page up"),
    ]


class ChoiceScreen(Dialog[str]):
    """Answers the value chosen; `on_highlight` is told each value the bar is on, for a preview."""

    def __init__(
        self,
        title: Cell,
        choices: Sequence[tuple[str, Cell]],
        *,
        chosen: str | None = None,
        notes: Sequence[Cell] = (),
        on_highlight: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(title, keys_line(("⏎", "choose"), ("esc", "leave")))
        self._choices = tuple(choices)
        self._chosen = chosen
        self._notes = tuple(notes)
        self._on_highlight = on_highlight

    def compose_body(self) -> ComposeResult:
        """Yield the notes and the list."""
        if self._notes:
            yield Static(content_lines(self._notes), classes="dialog-notes", markup=False)
        yield Choices(*(Option(content(label), id=value) for value, label in self._choices), compact=True)

    def on_mount(self) -> None:
        """Put the bar on what is chosen."""
        values = [value for value, _ in self._choices]
        self.query_one(Choices).highlighted = values.index(self._chosen) if self._chosen in values else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Preview."""
        if self._on_highlight is not None and event.option_id is not None:
            self._on_highlight(event.option_id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        self.dismiss(event.option_id)
