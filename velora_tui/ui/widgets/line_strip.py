"""How one line of a document is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from velora_tui.ui.widgets.log_strip import StyledSpan, styled_strip
from velora_tui.ui.widgets.row_strip import CURRENT_CLASS, Toner, cut_spans
from velora_tui.view.cells import Span, spans_of
from velora_tui.view.lines import Line

BAR_CELLS = 1
_MOST_HITS_IN_LINE = 100


def line_strip(
    line: Line, width: int, tone: Toner, bar: str, skipped: int, pattern: re.Pattern[str] | None, hit: Style
) -> Strip:
    """Draw `line`; `bar` is the tone of the bar of the current line, `skipped` characters are left out.

    What `pattern` matches stands out in the style `hit`.
    """
    ground = CURRENT_CLASS if bar else _ground(line.ground)
    blank = tone("", ground)
    right_ground = _ground(line.right_ground) if line.halved and not bar else ground
    right = _right(line, width // 2, tone, right_ground, skipped, pattern, hit)
    margin = Strip([Segment(" ", tone("", right_ground))], 1)
    room = max(0, width - BAR_CELLS - right.cell_length - margin.cell_length)
    left = _strip(cut_spans(_from_left(line.left, line.head, skipped), room), tone, ground, pattern, hit)
    start = Strip([Segment("▌" if bar else " ", tone(bar, ground))], BAR_CELLS)
    return Strip.join([start, left.adjust_cell_length(room, blank), right, margin]).adjust_cell_length(
        width, tone("", right_ground)
    )


def _ground(ground: str) -> str:
    return f"ground--{ground}" if ground else ""


def _right(
    line: Line, room: int, tone: Toner, ground: str, skipped: int, pattern: re.Pattern[str] | None, hit: Style
) -> Strip:
    """Draw what stands at the right edge in at most `room` cells, or in all of them."""
    if not line.halved:
        return _strip(cut_spans(spans_of(line.right), room), tone, ground, None, hit)
    half = _strip(cut_spans(_from_left(line.right, line.head, skipped), room), tone, ground, pattern, hit)
    return half.adjust_cell_length(room, tone("", ground))


def _from_left(cell: tuple[Span, ...], head: int, skipped: int) -> list[Span]:
    """Return the spans without the first characters behind the line's head."""
    spans = list(spans_of(cell))
    kept = spans[:head]
    for span in spans[head:]:
        kept.append(Span(span.text[skipped:], span.tone))
        skipped = max(0, skipped - len(span.text))
    return kept


def _strip(spans: Sequence[Span], tone: Toner, ground: str, pattern: re.Pattern[str] | None, hit: Style) -> Strip:
    text = "".join(span.text for span in spans)
    styled: list[StyledSpan] = []
    at = 0
    for span in spans:
        styled.append(StyledSpan(at, at + len(span.text), tone(span.tone, ground)))
        at += len(span.text)
    styled += [StyledSpan(start, end, hit) for start, end in _hits(pattern, text)]
    return styled_strip(text, 0, len(text), tone("", ground), styled)


def _hits(pattern: re.Pattern[str] | None, text: str) -> Iterator[tuple[int, int]]:
    if pattern is None:
        return
    for number, match in enumerate(pattern.finditer(text)):
        if number >= _MOST_HITS_IN_LINE:
            return
        if match.end() > match.start():
            yield match.span()
