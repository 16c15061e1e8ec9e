"""The footer: at most eight useful keys, the ones that can't be used now dimmed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from velora_tui.ui.content import split_line
from velora_tui.ui.keys import Action, Targets, key_text
from velora_tui.view.cells import Cell, Span, plain
from velora_tui.view.text import cells

_GAP = "   "


class KeyFooter(Widget):
    """Keys and what they do; a click does it."""

    DEFAULT_CSS = "KeyFooter { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self._actions = tuple(actions)
        self._disabled: frozenset[str] = frozenset()
        self._right: Cell = ""

    def show(self, targets: Targets, right: Cell = "") -> None:
        """Dim what can't be done to `targets`; `right` stands at the end of the line."""
        disabled = frozenset(action.id for action in self._actions if action.reason_against(targets))
        if (disabled, right) != (self._disabled, self._right):
            self._disabled, self._right = disabled, right
            self.refresh()

    @property
    def text(self) -> str:
        """What the footer says."""
        return "".join(span.text for action in self._shown() for span in self._spans(action)) + plain(self._right)

    def render(self) -> Content:
        """Draw the keys that fit."""
        spans = [span for action in self._shown() for span in self._spans(action)]
        return split_line((Span(" "), *spans), self._right, self.size.width)

    def _spans(self, action: Action) -> tuple[Span, Span]:
        if action.id in self._disabled:
            return Span(key_text(action.keys[0]), "faint"), Span(f" {action.label}{_GAP}", "faint")
        return Span(key_text(action.keys[0]), "ours"), Span(f" {action.label}{_GAP}", "dim")

    def _shown(self) -> list[Action]:
        """Return as many actions as fit; help always does."""
        actions = list(self._actions)
        while len(actions) > 1 and sum(map(_width, actions)) > self.size.width - cells(plain(self._right)) - 2:
            del actions[-2]
        return actions

    def on_click(self, event: Click) -> None:
        """Do what was clicked."""
        x = 1
        for action in self._shown():
            x += _width(action)
            if event.x < x:
                self.app.call_later(self.screen.run_action, f"act('{action.id}')")
                return


def _width(action: Action) -> int:
    return cells(key_text(action.keys[0]) + f" {action.label}{_GAP}")
