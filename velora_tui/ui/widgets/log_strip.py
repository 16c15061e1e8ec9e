"""How a line of a log is drawn, cut to what is seen or wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from velora_tui.view.text import cells

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class StyledSpan:
    """The characters from `start` to before `end` have this style, over the spans before it."""

    start: int
    end: int
    style: Style


def wrapped(text: str, width: int) -> list[tuple[int, int]]:
    """Return the (start, end) character offsets of the rows that `text` takes in `width` cells; at least one."""
    if len(text) <= width and cells(text) <= width:
        return [(0, len(text))]
    if text.isascii():
        return [(start, min(start + width, len(text))) for start in range(0, len(text), width)]
    rows, start = [], 0
    for piece in chop_cells(text, width):
        rows.append((start, start + len(piece)))
        start += len(piece)
    return rows


def styled(text: str, start: int, end: int, base: Style, spans: Sequence[StyledSpan]) -> list[Segment]:
    """Return the characters from `start` to before `end` in the style `base` under `spans`."""
    near = [span for span in spans if span.start < end and span.end > start]
    cuts = {start, end, *(max(start, span.start) for span in near), *(min(end, span.end) for span in near)}
    segments = []
    for left, right in pairwise(sorted(cuts)):
        style = base
        for span in near:
            if span.start <= left and right <= span.end:
                style += span.style
        segments.append(Segment(text[left:right], style))
    return segments


def styled_strip(text: str, start: int, end: int, base: Style, spans: Sequence[StyledSpan]) -> Strip:
    """Return the characters from `start` to before `end` as a strip in the style `base` under `spans`."""
    return Strip(styled(text, start, end, base, spans), cells(text[start:end]))


def selectable(segments: Sequence[Segment], start: int, line: int) -> list[Segment]:
    """Return the segments so that the mouse finds them: the first character is number `start` of line `line`."""
    return list(Strip(segments).apply_offsets(start, line))


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a text that is seen: characters `start` to before `end`, blanks before, and whether it goes on."""

    start: int
    end: int
    blanks: int
    goes_on_left: bool
    goes_on_right: bool


def window(text: str, left: int, width: int) -> Window:
    """Return what is seen of `text` in `width` cells from the cell `left` on, with room for "…" where it goes on."""
    goes_on_left, goes_on_right = left > 0, cells(text) > left + width
    first, last = left + goes_on_left, left + width - goes_on_right
    start, at = _character_at(text, first)
    end, beyond = _character_at(text, last)
    if beyond > last:  # a wide character would hang over the edge
        end -= 1
    return Window(start, max(start, end), max(0, at - first) if start < len(text) else 0, goes_on_left, goes_on_right)


def _character_at(text: str, cell: int) -> tuple[int, int]:
    """Return the first character that starts at or after `cell`, and the cell where it does; else the text's end."""
    if text.isascii():
        return min(cell, len(text)), min(cell, len(text))
    at = 0
    for place, character in enumerate(text):
        if at >= cell:
            return place, at
        at += cells(character)
    return len(text), at
