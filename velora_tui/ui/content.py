"""The one way from text of any origin to what a widget shows: nothing in it is ever read as markup."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from velora_tui.view.cells import Cell, Span, spans_of
from velora_tui.view.text import cells, cut

STYLES: dict[str, str] = {
    "": "",
    "dim": "$dim",
    "faint": "$faint",
    "strong": "bold $strong",
    "run": "$run",
    "good": "$good",
    "bad": "$bad",
    "look": "$look",
    "model": "$model",
    "ours": "$ours",
    "keyword": "$model",
    "string": "$ours",
    "number": "$look",
    "name": "$run",
    "comment": "$dim",
}
"""The style of each tone."""


def content(cell: Cell) -> Content:
    """Return `cell` as one harmless line."""
    return Content.assemble(*((span.text, STYLES[span.tone]) for span in spans_of(cell)))


def content_lines(lines: Iterable[Cell]) -> Content:
    """Return harmless lines."""
    return Content("\n").join([content(line) for line in lines])


def split_line(left: Cell, right: Cell, width: int) -> Content:
    """Return one line of `width` cells with `left` at its start and `right` at its end; what is left is cut first."""
    end = spans_of(right)
    end_cells = sum(cells(span.text) for span in end)
    if end_cells > width:
        end, end_cells = (), 0
    start = _cut(spans_of(left), width - end_cells - (2 if end else 0))
    gap = width - end_cells - sum(cells(span.text) for span in start)
    return content((*start, Span(" " * max(0, gap)), *end))


def _cut(spans: Iterable[Span], width: int) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        needed = cells(span.text)
        if needed > width:
            kept.append(Span(cut(span.text, max(0, width)), span.tone))
            break
        kept.append(span)
        width -= needed
    return kept
