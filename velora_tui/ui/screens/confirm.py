"""Asks before something is destroyed or left: verb, count and names; the answer is No unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from velora_tui.ui.content import content_lines
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell, Span

TYPED_OVER = 5
_LISTED = 8


@dataclass(frozen=True, slots=True)
class Question:
    """ "`title`?" with `verb` on the button of yes; `names` are the targets, one line each."""

    title: str
    verb: str
    names: tuple[Cell, ...] = ()
    notes: tuple[Cell, ...] = ()
    is_destructive: bool = True

    @property
    def must_be_typed(self) -> bool:
        """Whether the number of targets is so large that it has to be typed."""
        return self.is_destructive and len(self.names) > TYPED_OVER


class ConfirmScreen(Dialog[bool]):
    """Answers True only for a clear yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False, id="confirm.yes", tooltip="Do it"),
        Binding("n,q", "no", "No", show=False, id="confirm.no", tooltip="Don't"),
        Binding("left,h", "app.focus_previous", "Other", show=False, id="confirm.left", tooltip="To the other answer"),
        Binding("right,l", "app.focus_next", "Other", show=False, id="confirm.right", tooltip="To the other answer"),
    ]

    def __init__(self, question: Question) -> None:
        keys = (("type the number, ⏎", question.verb),) if question.must_be_typed else (("y", question.verb),)
        super().__init__(Span(question.title, "strong"), keys_line(*keys, ("n", "no"), ("esc", "leave")))
        self._question = question

    def compose_body(self) -> ComposeResult:
        """Yield names, notes and the answers."""
        yield Static(content_lines(self._lines()), classes="dialog-notes", markup=False)
        if self._question.must_be_typed:
            yield Input(placeholder=f"type {len(self._question.names)} to go on", compact=True, type="integer")
            return
        with Horizontal(classes="dialog-answers"):
            yield Button(Content("No"), id="no", compact=True)
            yield Button(Content(self._question.verb), id="yes", compact=True)

    def on_mount(self) -> None:
        """Stand on No where a yes would destroy something."""
        if not self._question.must_be_typed:
            self.query_one("#no" if self._question.is_destructive else "#yes").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer yes where the number is right."""
        self.dismiss(event.value.strip() == str(len(self._question.names)))

    def action_yes(self) -> None:
        if not self._question.must_be_typed:
            self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)

    def _lines(self) -> Sequence[Cell]:
        names = self._question.names
        more = (Span(f"and {len(names) - _LISTED} more", "dim"),) if len(names) > _LISTED else ()
        return [*names[:_LISTED], *more, *self._question.notes]
