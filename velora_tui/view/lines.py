"""Lines of a document that is read and moved through: tests, a diff, steps, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from velora_tui.view.cells import Span, plain

Ground = Literal["", "added", "removed", "empty"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `left`, cut where it does not fit, and `right` at the right edge.

    `key` names what the line stands for, and the cursor stops only on lines that have one. `head` spans of `left` stay
    where they are when the rest is scrolled to the side. `ground` is what the line is in a patch, `right_ground` its
    `right`. Of a line that is `halved`, `right` has the right half, and is scrolled and searched too.
    """

    left: tuple[Span, ...] = ()
    right: tuple[Span, ...] = ()
    key: str = ""
    head: int = 0
    ground: Ground = ""
    right_ground: Ground = ""
    halved: bool = False

    @property
    def text(self) -> str:
        """The line as plain text."""
        right = plain(self.right)
        return plain(self.left) + (f"  {right}" if right else "")


def note(text: str, *, indent: int = 1) -> Line:
    """Return a quiet line that only says something."""
    return Line((Span(" " * indent + text, "dim"),))


def heading(title: str, *more: Span, right: tuple[Span, ...] = (), key: str = "") -> Line:
    """Return the line over a group."""
    return Line((Span(f" {title}", "strong"), *more), right, key)


def fact(label: str, *value: Span, label_cells: int = 14) -> Line:
    """Return a label and what it has."""
    return Line((Span(f"   {label:<{label_cells}}", "dim"), *value))
