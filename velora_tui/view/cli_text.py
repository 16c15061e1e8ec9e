"""Lines and aligned tables for a terminal that is not a screen: spans, painted only where colour is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Literal

from velora_tui.view.cells import Cell, Span, Tone, plain, spans_of
from velora_tui.view.text import cells, counted, cut

Align = Literal["left", "right"]
Line = tuple[Span, ...]

_GAP = "  "
_INDENT = " " * 4
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
    body = [list(row) for row in rows]
    if width is None:
        return table(titles, body, right)
    spared = left_out(titles, body, width=width, spare=spare)
    kept = [place for place, title in enumerate(titles) if title not in spared]
    lines = table([titles[place] for place in kept], ([row[place] for place in kept] for row in body), right)
    return [cut_line(line, width) for line in lines]


def left_out(
    titles: Sequence[str], rows: Sequence[Sequence[Cell]], *, width: int | None, spare: Sequence[str]
) -> tuple[str, ...]:
    """Return the `spare` columns that `fitting` goes without, in the order of their going."""
    if width is None:
        return ()
    widths = {title: max(cells(plain(row[place])) for row in (titles, *rows)) for place, title in enumerate(titles)}
    for number, title in enumerate(spare):
        if sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            return tuple(spare[:number])
        del widths[title]
    return tuple(spare)


def cut_line(line: Cell, width: int) -> Line:
    """Return `line` in at most `width` cells."""
    spans: list[Span] = []
    for span in spans_of(line):
        if (text := cut(span.text, width)) and width > 0:
            spans.append(Span(text, span.tone))
        width -= cells(span.text)
    return tuple(spans)


def wrapped(line: Cell, width: int | None) -> Iterator[Line]:
    """Yield a line of words in as many lines of at most `width` cells as it needs; what must be copied stays whole."""
    first, *others = spans_of(line)
    if width is None or cells(plain(line)) <= width:
        yield first, *others
        return
    text = plain(line)
    head, *rest = wrap(text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)
    yield first, Span(head.removeprefix(first.text))
    yield from ((Span(part),) for part in rest)


def shortened(lines: Sequence[Cell], kind: str, most: int | None) -> Iterator[Cell]:
    """Yield the first `most` lines, and how many more of their `kind` there are."""
    yield from lines[:most]
    if most is not None and len(lines) > most:
        yield Span(f"… {counted(len(lines) - most, f'more {kind}')}: --all shows them", "dim")


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
