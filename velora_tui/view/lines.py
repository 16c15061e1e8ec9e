"""Lines of a document that is read and moved through: tests, a diff, steps, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, overload

from velora_tui.giving_way import giving_way
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


class PackedLines(Sequence[Line]):
    """Lines by the ten thousand, each made anew when it is asked for.

    What is kept of one is a flat tuple, which garbage collections do not look into: they would hold up the screen.
    """

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.keys: list[str] = []
        self.texts: list[str] = []
        self._packed: list[tuple[Any, ...]] = []
        for line in giving_way(lines):
            self.keys.append(line.key)
            self.texts.append(line.text)
            self._packed.append(_packed(line))

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, place: int) -> Line: ...
    @overload
    def __getitem__(self, place: slice) -> list[Line]: ...
    def __getitem__(self, place: int | slice) -> Line | list[Line]:
        if isinstance(place, slice):
            return [_unpacked(one) for one in self._packed[place]]
        return _unpacked(self._packed[place])

    def part(self, start: int, stop: int | None = None) -> PackedLines:
        """Return the lines from `start` on, up to before `stop`."""
        part = PackedLines()
        part.keys, part.texts, part._packed = self.keys[start:stop], self.texts[start:stop], self._packed[start:stop]
        return part

    def extend(self, more: PackedLines) -> None:
        """Put `more` behind."""
        self.keys += more.keys
        self.texts += more.texts
        self._packed += more._packed


def _packed(line: Line) -> tuple[Any, ...]:
    spans = chain.from_iterable((*line.left, *line.right))
    fields = line.key, line.head, line.ground, line.right_ground, line.halved
    return (len(line.left), *fields, *spans)


def _unpacked(packed: tuple[Any, ...]) -> Line:
    left, key, head, ground, right_ground, halved, *texts_and_tones = packed
    parts = iter(texts_and_tones)
    spans = map(Span, parts, parts)
    return Line(tuple(islice(spans, left)), tuple(spans), key, head, ground, right_ground, halved)


def note(text: str, *, indent: int = 1) -> Line:
    """Return a quiet line that only says something."""
    return Line((Span(" " * indent + text, "dim"),))


def heading(title: str, *more: Span, right: tuple[Span, ...] = (), key: str = "") -> Line:
    """Return the line over a group."""
    return Line((Span(f" {title}", "strong"), *more), right, key)


def fact(label: str, *value: Span, label_cells: int = 14) -> Line:
    """Return a label and what it has."""
    return Line((Span(f"   {label:<{label_cells}}", "dim"), *value))
