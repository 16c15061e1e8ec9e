"""Finished attempts as lines of text: the list of `velora results`, and what stands behind one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow, group
from velora_tui.domain.result import AttemptResult
from velora_tui.view.cells import Cell, Span
from velora_tui.view.cli_text import cut_line, fitting, joined, shortened, wrapped
from velora_tui.view.cli_verdict import listed_lines
from velora_tui.view.columns import Column
from velora_tui.view.compare import flip_lines
from velora_tui.view.listing import COLUMNS, Listing, group_words

LINES_SHOWN = 20
TASK_CELLS = 34
_LEFT_OUT = {"origin", "time"}
_KEPT_PRIORITY = 8  # a narrow terminal goes without columns of a smaller one
_ATTEMPT = Column("attempt", "ATT", 3, "right", priority=_KEPT_PRIORITY)


def result_lines(
    rows: Sequence[ResultRow], fleet: Fleet, *, by: str | None = None, keys: bool = False, width: int | None = None
) -> Iterator[Cell]:
    """Yield a table of finished attempts, below headings where they are grouped `by` something.

    `keys` are those by which other commands know them, with the whole names of their tasks. On a terminal of `width`
    cells each row is one line.
    """
    listing, columns = Listing(fleet), _columns(rows)
    made = {row.key: _cells(row, listing, columns, keys, width) for row in rows}
    lines = fitting(
        [*(("KEY",) if keys else ()), *(column.title for column in columns)],
        made.values(),
        right=[column.title for column in columns if column.align == "right"],
        width=width,
        spare=_spare(columns),
    )
    yield lines[0]
    if by is None:
        yield from lines[1:]
        return
    by_key = dict(zip(made, lines[1:], strict=True))
    for found in group(rows, by):
        yield group_words(found) if width is None else cut_line(group_words(found), width)
        yield from (by_key[row.key] for row in found.rows)


def _columns(rows: Sequence[ResultRow]) -> list[Column]:
    """Return the columns that a list has, with the attempts' numbers where they tell rows apart."""
    shown = [column for column in COLUMNS if column.id not in _LEFT_OUT]
    if any(row.attempt > 1 for row in rows):
        shown.insert(1 + [column.id for column in shown].index("run"), _ATTEMPT)
    return shown


def _cells(
    row: ResultRow, listing: Listing, columns: Sequence[Column], keys: bool, width: int | None
) -> tuple[Cell, ...]:
    cells = listing.row(row).cells
    task: Cell = cells["task"] if width is None else cut_line(cells["task"], TASK_CELLS)
    if keys:
        task = row.task or task
    shown = {**{column.id: cells.get(column.id, "") for column in columns}, "task": task}
    return *((Span(row.key, "dim"),) if keys else ()), *(shown[column.id] for column in columns)


def _spare(columns: Sequence[Column]) -> list[str]:
    """Return the titles that a narrow terminal goes without, the first one first."""
    ranked = sorted(enumerate(columns), key=lambda placed: (placed[1].priority, -placed[0]))
    return [column.title for _, column in ranked if column.priority < _KEPT_PRIORITY]


def proof_lines(result: AttemptResult, *, everything: bool = False, width: int | None = None) -> Iterator[Cell]:
    """Yield what stands behind one result: what one should know of it first, then its tests, failures first.

    Long lists are cut, but for `everything`; words are broken to `width` cells, and the names of tests stay whole.
    """
    notes = [joined((Span(f"! {flag.id}", "look"), flag.test or "", flag.detail)) for flag in result.all_flags]
    notes += [
        joined((Span(f"✗ {check.id}", "bad" if check.level == "required" else "look"), check.detail))
        for check in result.summary.quality
        if not check.ok
    ]
    most = None if everything else LINES_SHOWN
    for lines, kind in ((notes, "note"), (list(flip_lines(result.flips)), "flip")):
        if lines:
            yield ""
            for line in shortened(lines, kind, most):
                yield from wrapped(line, width)
    if result.verdict is not None:
        yield ""
        yield from listed_lines(result.verdict, most)
