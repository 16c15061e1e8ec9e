"""A table for things that change all the time: it repaints what changed and never loses the row one looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from velora_tui.ui.movement import bound, movement
from velora_tui.ui.widgets.line_view import LineView
from velora_tui.ui.widgets.row_strip import GUTTER_CELLS, header_strip, row_strip, stretched
from velora_tui.view.cells import Row, plain
from velora_tui.view.columns import Column, Place, fit
from velora_tui.view.text import cells

HEADER_LINES = 1
MARGIN_CELLS = 1


class TableMessage(Message):
    """Something happened in `table`."""

    def __init__(self, table: LiveTable) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> LiveTable:
        return self.table


class LiveTable(LineView):
    """Rows under a fixed header; the cursor and the marks belong to row keys, not to places.

    `empty_text` stands where there is no row.
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        *movement("table", "row"),
        bound("table", "enter", "open", "Open", "Open the row under the cursor"),
        bound("table", "space", "mark", "Mark", "Mark the row, or take its mark away"),
        bound("table", "V", "mark_range", "Mark range", "Mark from the row marked last to the cursor"),
        bound("table", "asterisk", "mark_all", "Mark all", "Mark all rows, or none"),
    ]

    class RowHighlighted(TableMessage):
        """The cursor is on another row; `key` is None where there is none."""

        def __init__(self, table: LiveTable, key: str | None) -> None:
            super().__init__(table)
            self.key = key

    class RowSelected(TableMessage):
        """A row was opened with enter or a double click."""

        def __init__(self, table: LiveTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    class HeaderClicked(TableMessage):
        """The header of a column was clicked."""

        def __init__(self, table: LiveTable, column: str) -> None:
            super().__init__(table)
            self.column = column

    class MarksChanged(TableMessage):
        """Other rows are marked; `keys` in the order shown."""

        def __init__(self, table: LiveTable, keys: tuple[str, ...]) -> None:
            super().__init__(table)
            self.keys = keys

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty_text: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.empty_text = empty_text
        self._columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self._index: dict[str, int] = {}
        self._cursor: str | None = None
        self._marks: set[str] = set()
        self._shown_marks: tuple[str, ...] = ()
        self._anchor: str | None = None
        self._sorted: tuple[str, bool] | None = None
        self._chosen = ""
        self._is_measured = False
        self._content: dict[str, int] = {}
        self._places: list[Place] = []

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._cursor

    @property
    def cursor_index(self) -> int:
        """The place of the row under the cursor; 0 in an empty table."""
        return self._index.get(self._cursor, 0) if self._cursor is not None else 0

    @property
    def marked(self) -> tuple[str, ...]:
        """The keys of the marked rows that are shown, in their order; a mark on a hidden row waits until it is back."""
        return tuple(row.key for row in self._rows if row.key in self._marks) if self._marks else ()

    @property
    def places(self) -> tuple[Place, ...]:
        """The columns that are shown, with where they are drawn."""
        return tuple(self._places)

    @property
    def row_cells(self) -> int:
        """How many cells there are for columns."""
        return self.page_width - GUTTER_CELLS - MARGIN_CELLS

    def show(self, rows: Iterable[Row]) -> None:
        """Show these rows in this order, painting only what differs. Raises ValueError for a double key."""
        before, self._rows = self._rows, tuple(rows)
        index = {row.key: place for place, row in enumerate(self._rows)}
        if len(index) != len(self._rows):
            raise ValueError("two rows have the same key")
        old_cursor = self.cursor_index
        self._index = index
        changed = self._differences(before)
        if not self._grow_columns(changed):
            self._repaint(before, changed)
        self.set_height(len(self._rows) + HEADER_LINES)
        self._keep_cursor(before, old_cursor)
        self._tell_marks()
        if not self._rows or not before:
            self.refresh()

    def set_columns(self, columns: Sequence[Column], content: Mapping[str, int] | None = None) -> None:
        """Show other columns.

        `content` is by column how wide it would grow: no cell is then made only to be measured.
        """
        self._columns = tuple(columns)
        self._is_measured = content is not None
        self._content = dict(content or {})
        self._grow_columns(range(len(self._rows)))
        self._place_columns()

    def show_sorting(self, column: str | None, *, descending: bool = False) -> None:
        """Point an arrow at the column by which the rows given are sorted."""
        self._sorted = (column, descending) if column else None
        self._refresh_lines_at(0, 1)

    def choose_column(self, column: str) -> None:
        """Set off a column's title, and its cell in the current row; "" is none."""
        if column != self._chosen:
            self._chosen = column
            self._refresh_lines_at(0, 1)
            self._refresh_row(self.cursor_index)

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row `key`; return whether there is one."""
        if key not in self._index:
            return False
        self._move(self._index[key])
        return True

    def mark(self, keys: Iterable[str]) -> None:
        """Mark these rows and no others."""
        self._anchor = None
        self._set_marks(set(keys))

    def _differences(self, before: tuple[Row, ...]) -> list[int]:
        """Return the places whose row is another or says something else."""
        same = min(len(before), len(self._rows))
        pairs = zip(before, self._rows, strict=False)
        changed = [place for place, (old, new) in enumerate(pairs) if old is not new and old != new]
        changed += range(same, max(len(before), len(self._rows)))
        return changed

    def _repaint(self, before: tuple[Row, ...], changed: Iterable[int]) -> None:
        top, height = self.scroll_offset.y, self.size.height
        for place in changed:
            if not top <= place < top + height:
                continue
            both = place < len(before) and place < len(self._rows)
            if both and before[place].key == self._rows[place].key:
                self._refresh_cells(place, before[place], self._rows[place])
            else:
                self._refresh_row(place)

    def _refresh_cells(self, place: int, old: Row, new: Row) -> None:
        """Repaint from the first cell that changed to the last."""
        changed = {
            column.column.id
            for column in self._places
            if old.cells.get(column.column.id) != new.cells.get(column.column.id)
        }
        if changed:
            drawn = [*stretched(old, self._places), *stretched(new, self._places)]
            start = min(column.start for column in drawn if column.column.id in changed)
            end = max(column.end for column in drawn if column.column.id in changed)
            self.refresh(Region(start, place - self.scroll_offset.y + HEADER_LINES, end - start, 1))

    def _refresh_row(self, place: int) -> None:
        y = place - self.scroll_offset.y + HEADER_LINES
        if HEADER_LINES <= y < self.size.height:
            self._refresh_lines_at(y, 1)

    def _refresh_lines_at(self, y: int, lines: int) -> None:
        self.refresh(Region(0, y, self.page_width, lines))

    def _grow_columns(self, changed: Iterable[int]) -> bool:
        """Widen growing columns for new content, never narrow them; return whether any moved."""
        if self._is_measured:
            return False
        wider = False
        for column in self._columns:
            if column.width is not None:
                continue
            texts = (self._rows[place].cells.get(column.id, "") for place in changed if place < len(self._rows))
            widest = max((cells(plain(cell)) for cell in texts), default=0)
            if widest > self._content.get(column.id, 0):
                self._content[column.id] = widest
                wider = True
        return wider and self._place_columns()

    def _place_columns(self) -> bool:
        places = fit(self._columns, self.row_cells, self._content, GUTTER_CELLS)
        moved = places != self._places
        self._places = places
        if moved:
            self.refresh()
        return moved

    def page_changed(self) -> None:
        """Fit the columns and keep the cursor in sight."""
        self._place_columns()
        self.set_height(len(self._rows) + HEADER_LINES)
        self._scroll_into_view(self.cursor_index)

    def _keep_cursor(self, before: tuple[Row, ...], old_place: int) -> None:
        """Leave the cursor on its row; if that is gone, on the nearest that followed it."""
        old_key = self._cursor
        if old_key not in self._index:
            followers = (row.key for row in before[old_place:] if row.key in self._index)
            last = self._rows[min(old_place, len(self._rows) - 1)].key if self._rows else None
            self._cursor = next(followers, last)
        place = self.cursor_index
        top = self.scroll_offset.y
        if top and place != old_place and top <= old_place < top + self._page:
            self.jump(top + place - old_place)
        self._scroll_into_view(place)
        if self._cursor != old_key:
            self._refresh_row(place)
            self.post_message(self.RowHighlighted(self, self._cursor))

    @property
    def _page(self) -> int:
        return max(1, self.size.height - HEADER_LINES)

    def _move(self, place: int) -> None:
        if not self._rows:
            return
        place = max(0, min(place, len(self._rows) - 1))
        old_place, old_key = self.cursor_index, self._cursor
        self._cursor = self._rows[place].key
        self._scroll_into_view(place)
        if self._cursor != old_key:
            self._refresh_row(old_place)
            self._refresh_row(place)
            self.post_message(self.RowHighlighted(self, self._cursor))

    def _scroll_into_view(self, place: int) -> None:
        top = self.scroll_offset.y
        if place < top:
            self.jump(place)
        elif place >= top + self._page:
            self.jump(place - self._page + 1)

    def action_down(self) -> None:
        self._move(self.cursor_index + 1)

    def action_up(self) -> None:
        self._move(self.cursor_index - 1)

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(len(self._rows) - 1)

    def action_page_down(self) -> None:
        self._move(self.cursor_index + self._page)

    def action_page_up(self) -> None:
        self._move(self.cursor_index - self._page)

    def action_half_down(self) -> None:
        self._move(self.cursor_index + max(1, self._page // 2))

    def action_half_up(self) -> None:
        self._move(self.cursor_index - max(1, self._page // 2))

    def action_open(self) -> None:
        if self._cursor is not None:
            self.post_message(self.RowSelected(self, self._cursor))

    def action_mark(self) -> None:
        if self._cursor is not None:
            self._anchor = self._cursor if self._cursor not in self._marks else None
            self._set_marks(self._marks ^ {self._cursor})

    def action_mark_range(self) -> None:
        if self._cursor is None:
            return
        anchor = self._index.get(self._anchor or self._cursor, self.cursor_index)
        low, high = sorted((anchor, self.cursor_index))
        self._anchor = self._cursor
        self._set_marks(self._marks | {row.key for row in self._rows[low : high + 1]})

    def action_mark_all(self) -> None:
        keys = self._index.keys()
        self._set_marks(self._marks - keys if keys <= self._marks else self._marks | keys)

    def _set_marks(self, marks: set[str]) -> None:
        for key in marks ^ self._marks:
            if key in self._index:
                self._refresh_row(self._index[key])
        self._marks = marks
        self._tell_marks()

    def _tell_marks(self) -> None:
        marked = self.marked
        if marked != self._shown_marks:
            self._shown_marks = marked
            self.post_message(self.MarksChanged(self, marked))

    def on_click(self, event: events.Click) -> None:
        """Choose the row clicked, open it on a double click, name the column on the header."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < HEADER_LINES:
            self._click_header(offset.x)
            return
        place = self.scroll_offset.y + offset.y - HEADER_LINES
        if place < len(self._rows):
            self._move(place)
            if event.chain == 2:
                self.action_open()

    def _click_header(self, x: int) -> None:
        for place in self._places:
            if place.start <= x <= place.end:
                self.post_message(self.HeaderClicked(self, place.column.id))

    def render_line(self, y: int) -> Strip:
        """Draw the header or one row."""
        self.paint_count += 1
        width = self.page_width
        if y < HEADER_LINES:
            return self._header(width)
        place = self.scroll_offset.y + y - HEADER_LINES
        if place < len(self._rows):
            return self._line(self._rows[place], width)
        if not self._rows:
            return self.words_for_nothing(self.empty_text, y - HEADER_LINES, width)
        return Strip.blank(width, self.tone(""))

    def _header(self, width: int) -> Strip:
        column, descending = self._sorted or ("", False)
        return header_strip(self._places, width, self.tone, column, descending, self._chosen)

    def _line(self, row: Row, width: int) -> Strip:
        is_current = row.key == self._cursor
        bar = "ours" if self.has_focus else "dim"
        bar = bar if is_current else ""
        return row_strip(row, self._places, width, self.tone, bar, row.key in self._marks, self._chosen)
