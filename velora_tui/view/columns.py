"""Which columns fit a width, and how wide each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from velora_tui.view.text import cells

GAP_CELLS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` cells, or None to grow with its content from `min_width` on.

    Where not all fit, those with the smallest `priority` vanish first, of equals the rightmost.
    """

    id: str
    title: str
    width: int | None = None
    align: Literal["left", "right"] = "left"
    min_width: int = 4
    priority: int = 1

    @property
    def least(self) -> int:
        """The fewest cells the column can do with."""
        return self.width if self.width is not None else max(self.min_width, cells(self.title))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column is drawn: `width` cells from the cell `start` on."""

    column: Column
    start: int
    width: int

    @property
    def end(self) -> int:
        return self.start + self.width


def fit(columns: Sequence[Column], available: int, content: Mapping[str, int], start: int = 0) -> list[Place]:
    """Place the columns that fit in `available` cells from `start` on; `content` is the widest cell by column id."""
    shown = _that_fit(columns, available)
    widths = {column.id: column.least for column in shown}
    free = available - sum(widths.values()) - GAP_CELLS * (len(shown) - 1)
    for column_id, more in _share(shown, widths, content, free).items():
        widths[column_id] += more
    places = []
    for column in shown:
        width = min(widths[column.id], max(0, available))
        places.append(Place(column, start, width))
        start += width + GAP_CELLS
    return places


def _that_fit(columns: Sequence[Column], available: int) -> list[Column]:
    shown = list(columns)
    while len(shown) > 1 and sum(column.least + GAP_CELLS for column in shown) - GAP_CELLS > available:
        _, least_wanted = min((column.priority, -place) for place, column in enumerate(shown))
        del shown[-least_wanted]
    return shown


def _share(shown: Sequence[Column], widths: Mapping[str, int], content: Mapping[str, int], free: int) -> dict[str, int]:
    """Give the free cells to the growing columns, a cell each in turn, while their content is wider."""
    wanted = {
        column.id: content.get(column.id, 0) - widths[column.id]
        for column in shown
        if column.width is None and content.get(column.id, 0) > widths[column.id]
    }
    given = dict.fromkeys(wanted, 0)
    while free > 0 and (hungry := [column_id for column_id in wanted if given[column_id] < wanted[column_id]]):
        each = max(1, min(free // len(hungry), min(wanted[column_id] - given[column_id] for column_id in hungry)))
        for column_id in hungry[: free // each]:
            given[column_id] += each
            free -= each
    return given
