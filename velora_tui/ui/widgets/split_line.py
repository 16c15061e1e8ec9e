"""One line with something at its start and something at its end."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from velora_tui.ui.content import split_line
from velora_tui.view.cells import Cell


class SplitLine(Widget):
    """Shows two cells on one line; it repaints only when they change."""

    DEFAULT_CSS = "SplitLine { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, left: Cell = "", right: Cell = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left = left
        self._right = right

    def show(self, left: Cell, right: Cell = "") -> None:
        """Show these two cells."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def cells(self) -> tuple[Cell, Cell]:
        """What is shown at the start and at the end."""
        return self._left, self._right

    def render(self) -> Content:
        """Draw the line."""
        return split_line(self._left, self._right, self.size.width)
