"""The base of the windows that ask something."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from velora_tui.ui.content import content
from velora_tui.view.cells import Cell, Span

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None]):
    """A window with a title and a line of keys; esc leaves it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, id="dialog.leave", tooltip="Leave without doing anything"),
    ]

    def __init__(self, title: Cell, keys: Cell) -> None:
        super().__init__()
        self._title = title
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Yield title, body and keys."""
        with Vertical(classes="dialog"):
            yield Static(content(self._title), classes="dialog-title", markup=False)
            yield from self.compose_body()
            yield Static(content(self._keys), classes="dialog-keys", markup=False)

    def compose_body(self) -> ComposeResult:
        """Yield what is asked."""
        raise NotImplementedError

    def action_leave(self) -> None:
        self.dismiss(None)


def keys_line(*pairs: tuple[str, str]) -> tuple[Span, ...]:
    """Return "⏎ start   esc leave" from pairs of key and word."""
    return tuple(span for key, word in pairs for span in (Span(key, "ours"), Span(f" {word}   ", "dim")))
