"""How a header and a row of a table are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from velora_tui.ui.widgets.line_view import CURRENT_CLASS as CURRENT_CLASS
from velora_tui.view.cells import Cell, Row, Span, spans_of
from velora_tui.view.columns import GAP_CELLS, Place
from velora_tui.view.text import cells, cut, pad

GUTTER_CELLS = 3
_BOLD = Style(bold=True)
_UNDERLINED = Style(bold=True, underline=True)


class Toner(Protocol):
    """Gives the style of a tone, on the background of a component class if one is named."""

    def __call__(self, tone: str, ground: str = "") -> Style: ...


def header_strip(
    places: Sequence[Place], width: int, tone: Toner, sorted_column: str, descending: bool, chosen: str = ""
) -> Strip:
    """Draw the titles, quiet but for the column by which the rows are sorted and the one that is chosen."""
    blank = tone("")
    segments, x = [], 0
    for place in places:
        is_sorted = place.column.id == sorted_column
        title = pad(place.column.title, place.width, place.column.align)
        if is_sorted:
            title = _with_arrow(title, place, "▾" if descending else "▴")
        title_tone = "ours" if place.column.id == chosen else "" if is_sorted else "dim"
        segments += [_blank(place.start - x, blank), Segment(title, tone(title_tone))]
        x = place.start + cells(title)
    return _whole(segments, x, width, blank)


def row_strip(
    row: Row, places: Sequence[Place], width: int, tone: Toner, bar: str, is_marked: bool, chosen: str = ""
) -> Strip:
    """Draw one row; `bar` is the tone of the bar at its left if it is the current one, else empty.

    On the current row the cell in the column `chosen` is set off.
    """
    ground = CURRENT_CLASS if bar else ""
    blank = tone("", ground)
    segments = [
        Segment("•" if is_marked else " ", tone("ours", ground)),
        Segment("▌" if bar else " ", tone(bar, ground)),
    ]
    x = len(segments)
    for number, place in enumerate(stretched(row, places)):
        segments.append(_blank(place.start - x, blank))
        is_chosen = bool(bar) and place.column.id == chosen
        cell = _cell(row.cells.get(place.column.id, ""), place, tone, ground, is_strong=bool(bar) and number == 0)
        segments += [Segment(part.text, (part.style or blank) + _UNDERLINED) for part in cell] if is_chosen else cell
        x = place.end
    return _whole(segments, x, width, blank)


def stretched(row: Row, places: Sequence[Place]) -> list[Place]:
    """Return where the cells of a row are drawn: one too wide for its column begins in the empty ones before it."""
    drawn: list[Place] = []
    free_from = GUTTER_CELLS
    for place in places:
        cell = row.cells.get(place.column.id)
        if not cell:
            continue
        is_free = place.column.align == "left" and free_from < place.start
        if is_free and sum(cells(span.text) for span in spans_of(cell)) > place.width:
            place = Place(place.column, free_from, place.end - free_from)
        drawn.append(place)
        free_from = place.end + GAP_CELLS
    return drawn


def _whole(segments: list[Segment], x: int, width: int, blank: Style) -> Strip:
    """Return a line of exactly `width` cells, of which the segments take `x`."""
    if x > width:
        return Strip(segments, x).crop(0, width)
    return Strip([*segments, _blank(width - x, blank)], width)


def _cell(cell: Cell, place: Place, tone: Toner, ground: str, is_strong: bool) -> list[Segment]:
    """Draw one cell in exactly its width."""
    spans = cut_spans(spans_of(cell), place.width)
    blank = _blank(place.width - sum(cells(span.text) for span in spans), tone("", ground))
    segments = []
    for span in spans:
        style = tone(span.tone, ground)
        segments.append(Segment(span.text, style + _BOLD if is_strong else style))
    return [blank, *segments] if place.column.align == "right" else [*segments, blank]


def cut_spans(spans: Sequence[Span], width: int) -> list[Span]:
    """Return `spans` in at most `width` cells together; the one at the cut ends in "…"."""
    kept: list[Span] = []
    for number, span in enumerate(spans):
        is_last = not any(later.text.strip() for later in spans[number + 1 :])
        text = span.text.rstrip() if is_last else span.text
        needed = cells(text)
        if needed > width or (needed == width and not is_last):
            kept.append(Span(cut(text + "…", width), span.tone))
            break
        kept.append(Span(text, span.tone))
        if is_last:
            break
        width -= needed
    return [span for span in kept if span.text]


def _with_arrow(title: str, place: Place, arrow: str) -> str:
    """Put the arrow right after the title, if need be in the gap after the column."""
    if place.column.align == "right":
        return title + arrow
    text = title.rstrip()
    return pad(text + arrow, max(place.width, cells(text) + 1))


def _blank(width: int, style: Style) -> Segment:
    return Segment(" " * max(0, width), style)
