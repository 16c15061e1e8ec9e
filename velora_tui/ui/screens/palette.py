"""The palette: every action, instance, run and theme by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from velora_tui.ui.content import content
from velora_tui.ui.screens.choice import Choices
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell, Span, plain

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be found: `label` is matched, `note` explains, `do` does it."""

    kind: str
    label: Cell
    note: Cell
    do: Callable[[], None]


class PaletteScreen(Dialog[Command]):
    """Answers the command chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move('cursor_down')", "Down", show=False, id="palette.down"),
        Binding("up,ctrl+p", "move('cursor_up')", "Up", show=False, id="palette.up"),
        Binding("pagedown,ctrl+d", "move('page_down')", "A page down", show=False, id="palette.page_down"),
        Binding("pageup,ctrl+u", "move('page_up')", "A page up", show=False, id="palette.page_up"),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__("", keys_line(("⏎", "do"), ("↑↓", "choose"), ("esc", "leave")))
        self._commands = tuple(commands)
        self._found: list[Command] = []
        self._fuzzy = FuzzySearch()

    def compose_body(self) -> ComposeResult:
        """Yield the input and what it finds."""
        yield Input(placeholder="an action, instance, run or theme", compact=True, id="palette-input")
        yield Choices(compact=True, id="palette-list")

    def on_mount(self) -> None:
        """Show all."""
        self.query_one(Choices).can_focus = False
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what is found."""
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Choose what the bar is on."""
        highlighted = self.query_one(Choices).highlighted
        if highlighted is not None and highlighted < len(self._found):
            self.dismiss(self._found[highlighted])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what was clicked."""
        self.dismiss(self._found[event.option_index])

    def action_move(self, how: str) -> None:
        getattr(self.query_one(Choices), f"action_{how}")()

    def _show(self, query: str) -> None:
        matches = [(*self._match(query, command), command) for command in self._commands]
        found = [match for match in matches if match[0] > 0 or not query]
        found.sort(key=lambda match: (not _begins(match[2], query), -match[0]))
        self._found = [command for _, _, command in found[:_SHOWN]]
        choices = self.query_one(Choices)
        choices.clear_options()
        choices.add_options(Option(_prompt(command, offsets)) for _, offsets, command in found[:_SHOWN])
        choices.highlighted = 0 if self._found else None

    def _match(self, query: str, command: Command) -> tuple[float, Sequence[int]]:
        return self._fuzzy.match(query, plain(command.label)) if query else (0.0, ())


def _begins(command: Command, query: str) -> bool:
    return plain(command.label).casefold().startswith(query.casefold())


def _prompt(command: Command, offsets: Sequence[int]) -> Content:
    label = content(command.label)
    for offset in offsets:
        label = label.stylize("underline", offset, offset + 1)
    return Content.assemble(
        content(Span(f"{command.kind:<9} ", "dim")), label, content(Span("   ")), content(command.note)
    )
