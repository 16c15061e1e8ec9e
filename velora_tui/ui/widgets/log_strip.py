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


def styled_strip(text: str, start: int, end: int, base: Style, spans: Sequence[StyledSpan]) -> Strip:
    """Return the characters from `start` to before `end` as a strip in the style `base` under `spans`."""
    near = [span for span in spans if span.start < end and span.end > start]
    cuts = {start, end, *(max(start, span.start) for span in near), *(min(end, span.end) for span in near)}
    segments = []
    for left, right in pairwise(sorted(cuts)):
        style = base
        for span in near:
            if span.start <= left and right <= span.end:
                style += span.style
        segments.append(Segment(text[left:right], style))
    return Strip(segments, cells(text[start:end]))


def window_strip(
    text: str, left: int, width: int, line: int, base: Style, spans: Sequence[StyledSpan], more: Style
) -> Strip:
    """Return the `width` cells of `text` from the cell `left` on, "…" where it goes on; `line` is for selecting."""
    start, before = _character_at(text, left)
    end, beyond = _character_at(text, left + width)
    if beyond > left + width:
        end -= 1
    strip = styled_strip(text, start, end, base, spans).apply_offsets(start, line)
    if before > left:
        strip = Strip.join([Strip([Segment(" " * (before - left), base)]), strip])
    if end < len(text) and width > 1:
        strip = Strip.join([strip.crop(0, width - 1), Strip([Segment(ELLIPSIS, more)], 1)])
    if start > 0 and width > 1:
        strip = Strip.join([Strip([Segment(ELLIPSIS, more)], 1), strip.crop(1)])
    return strip.adjust_cell_length(width, base)


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
