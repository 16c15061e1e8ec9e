"""The palette: every action, instance, run and theme by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

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
_FRAME_LINES = 10  # what the window has above, around and below its list


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be found by `label`, or by `kind` and other `words`; `note` explains, `do` does it."""

    kind: str
    label: Cell
    note: Cell
    do: Callable[[], None]
    words: str = ""


class PaletteScreen(Dialog[Command]):
    """Answers the command chosen; `find_more` returns further ones, of which there are too many to list, by words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move('cursor_down')", "Down", show=False, id="palette.down"),
        Binding("up,ctrl+p", "move('cursor_up')", "Up", show=False, id="palette.up"),
        Binding("pagedown,ctrl+d", "move('page_down')", "A page down", show=False, id="palette.page_down"),
        Binding("pageup,ctrl+u", "move('page_up')", "A page up", show=False, id="palette.page_up"),
    ]

    def __init__(self, commands: Sequence[Command], find_more: Callable[[str], Sequence[Command]]) -> None:
        super().__init__("", keys_line(("⏎", "do"), ("↑↓", "choose"), ("esc", "leave")))
        self._commands = tuple(commands)
        self._find_more = find_more
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

    def on_resize(self) -> None:
        """Use the height there is."""
        self.query_one(Choices).styles.max_height = max(4, self.app.size.height - _FRAME_LINES)

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
        matches = [(self._match(query, command), command) for command in (*self._commands, *self._find_more(query))]
        found = [(match, command) for match, command in matches if match.rank]
        found.sort(key=lambda pair: (-pair[0].rank, -pair[0].score))
        del found[_SHOWN:]
        self._found = [command for _, command in found]
        choices = self.query_one(Choices)
        choices.clear_options()
        choices.add_options(Option(_prompt(command, match.offsets)) for match, command in found)
        choices.highlighted = 0 if self._found else None
        if not found:
            choices.add_option(Option(content(Span("nothing found", "dim")), disabled=True))

    def _match(self, query: str, command: Command) -> Match:
        """Rank a label that begins with the query before one that has it, other words, and scattered letters."""
        label, wanted = plain(command.label), query.casefold().strip()
        if not wanted:
            return Match(1)
        score, offsets = self._fuzzy.match(wanted, label)
        if label.casefold().startswith(wanted):
            return Match(4, score, offsets)
        if wanted in label.casefold():
            return Match(3, score, offsets)
        words = f"{command.kind} {command.words} {label}".casefold()
        if all(word in words for word in wanted.split()):
            return Match(2, score, offsets)
        return Match(1 if score > 0 else 0, score, offsets)


class Match(NamedTuple):
    """How well a command fits what is typed: better ones have the higher `rank`, of equals the higher `score`."""

    rank: int
    score: float = 0.0
    offsets: Sequence[int] = ()


def _prompt(command: Command, offsets: Sequence[int]) -> Content:
    label = content(command.label)
    for offset in offsets:
        label = label.stylize("underline", offset, offset + 1)
    return Content.assemble(
        content(Span(f"{command.kind:<9} ", "dim")), label, content(Span("   ")), content(command.note)
    )
