"""The line in which a filter or a search is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from velora_tui.ui.content import content
from velora_tui.view.cells import Span


class FilterBar(Horizontal):
    """Hidden until `open`; tells each change, what was kept with enter, and that esc gave it up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Give up", show=False, id="filter.give_up", tooltip="Back to the filter before"),
    ]

    class Changed(Message):
        """The text is another; `kept` says that enter was pressed."""

        def __init__(self, text: str, kept: bool) -> None:
            super().__init__()
            self.text = text
            self.kept = kept

    class GivenUp(Message):
        """Esc was pressed; `text` is what it was before."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self.display = False
        self._before = ""
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        """Yield the prompt, the input, and what is wrong with it."""
        yield Static("/", id="filter-prompt", markup=False)
        yield Input(placeholder=self._placeholder, compact=True, id="filter-input")
        yield Static("", id="filter-problem", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether one types."""
        return bool(self.display)

    def open(self, text: str) -> None:
        """Let one type, beginning with `text`."""
        self._before = text
        self.display = True
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        field.focus()
        self.show_problem("")

    def close(self) -> None:
        """Hide the bar."""
        self.display = False

    def show_problem(self, problem: str) -> None:
        """Say what is wrong with the text; "" where nothing is."""
        self.query_one("#filter-problem", Static).update(content(Span(problem, "bad")))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell each change."""
        event.stop()
        self.post_message(self.Changed(event.value, kept=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it and close."""
        event.stop()
        self.close()
        self.post_message(self.Changed(event.value, kept=True))

    def action_give_up(self) -> None:
        self.close()
        self.post_message(self.GivenUp(self._before))
