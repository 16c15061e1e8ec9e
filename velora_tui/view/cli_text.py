"""Lines and aligned tables for a terminal that is not a screen: spans, painted only where colour is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from velora_tui.view.cells import Cell, Span, Tone, plain, spans_of
from velora_tui.view.text import cells, cut

Align = Literal["left", "right"]
Line = tuple[Span, ...]

_GAP = "  "
_RESET = "\x1b[0m"
_SGR: dict[Tone, str] = {
    "dim": "2",
    "faint": "2",
    "strong": "1",
    "run": "34",
    "good": "32",
    "bad": "31",
    "look": "33",
    "model": "35",
    "ours": "36",
}


def paint(cell: Cell, colour: bool) -> str:
    """Return the text of `cell`, with terminal colours where `colour` says so; foreign text in it is made harmless."""
    if not colour:
        return plain(cell)
    return "".join(_painted(span) for span in spans_of(cell))


def table(titles: Sequence[str], rows: Iterable[Sequence[Cell]], right: Iterable[str] = ()) -> list[Line]:
    """Return a head and `rows` with columns aligned, those named in `right` to the right; trailing blanks are cut."""
    head: list[Cell] = [Span(title, "dim") for title in titles]
    body = [head, *(list(row) for row in rows)]
    widths = [max(cells(plain(row[column])) for row in body) for column in range(len(titles))]
    aligns: list[Align] = ["right" if title in right else "left" for title in titles]
    return [_aligned(row, widths, aligns) for row in body]


def fitting(
    titles: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    right: Iterable[str] = (),
    *,
    width: int | None,
    spare: Sequence[str] = (),
) -> list[Line]:
    """Return a `table` of at most `width` cells: without as many of the `spare` columns as it takes, then cut."""
    kept, body = list(titles), [list(row) for row in rows]
    lines = table(kept, body, right)
    for title in spare if width is not None else ():
        if max(map(_cells, lines)) <= (width or 0):
            break
        column = kept.index(title)
        del kept[column]
        for row in body:
            del row[column]
        lines = table(kept, body, right)
    return lines if width is None else [cut_line(line, width) for line in lines]


def cut_line(line: Cell, width: int) -> Line:
    """Return `line` in at most `width` cells."""
    spans: list[Span] = []
    for span in spans_of(line):
        if (text := cut(span.text, width)) and width > 0:
            spans.append(Span(text, span.tone))
        width -= cells(span.text)
    return tuple(spans)


def joined(parts: Iterable[Cell], between: str = " · ") -> Line:
    """Return the parts that are not empty, with a dim separator between them."""
    line: list[Span] = []
    for part in parts:
        spans = spans_of(part)
        if not any(span.text for span in spans):
            continue
        if line:
            line.append(Span(between, "dim"))
        line.extend(spans)
    return tuple(line)


def _cells(line: Line) -> int:
    return sum(cells(span.text) for span in line)


def _aligned(row: Sequence[Cell], widths: Sequence[int], aligns: Sequence[Align]) -> Line:
    line: list[Span] = []
    for cell, width, align in zip(row, widths, aligns, strict=True):
        blanks = Span(" " * (width - cells(plain(cell))))
        spans = spans_of(cell)
        line.extend((blanks, *spans) if align == "right" else (*spans, blanks))
        line.append(Span(_GAP))
    while line and not line[-1].text.strip():
        line.pop()
    return tuple(line)


def _painted(span: Span) -> str:
    return f"\x1b[{_SGR[span.tone]}m{span.text}{_RESET}" if span.tone and span.text else span.text
