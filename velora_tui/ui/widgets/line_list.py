"""A document of lines to read and move through, with a cursor, search and sideways scrolling."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from velora_tui.ui.movement import bound, movement
from velora_tui.ui.widgets.line_strip import BAR_CELLS, line_strip
from velora_tui.ui.widgets.line_view import LineView
from velora_tui.view.lines import Line, PackedLines
from velora_tui.view.text import cells

SIDE_STEP_CELLS = 8


class LineList(LineView):
    """Shows Lines; the cursor stops on those with a key, and stays with its key when other lines are shown.

    `empty_text` stands where there is no line.
    """

    ALLOW_SELECT = False

    STYLES = LineView.STYLES | {"lines--hit"}

    DEFAULT_CSS = """
    LineList > .lines--hit { color: $background; background: $warning 75%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *movement("lines", "line", sideways=True),
        bound("lines", "n", "next_hit", "Next", "To the next line found, else to the next landmark"),
        bound("lines", "N", "previous_hit", "Previous", "To the line found, or the landmark, before"),
        bound("lines", "enter", "open", "Open", "Open what the line stands for"),
        bound("lines", "y", "copy", "Copy", "Copy the line"),
    ]

    class LinesMessage(Message):
        """Something happened in `lines`; `key` is the current line's."""

        def __init__(self, lines: LineList, key: str | None) -> None:
            super().__init__()
            self.lines = lines
            self.key = key

        @property
        def control(self) -> LineList:
            return self.lines

    class Highlighted(LinesMessage):
        """The cursor is on another line."""

    class Opened(LinesMessage):
        """A line was opened with enter or a double click."""

    class SearchChanged(LinesMessage):
        """Other lines are found."""

    class CopyRequested(Message):
        """This text should be put on the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        *,
        empty_text: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.empty_text = empty_text
        self._lines: Sequence[Line] = ()
        self._keys: Sequence[str] = ()
        self._places: dict[str, int] = {}
        self._stops: list[int] = []
        self._cursor: str | None = None
        self._left = 0
        self._pattern: re.Pattern[str] | None = None
        self._hits: list[int] = []
        self._landmarks: tuple[str, ...] = ()

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    @property
    def cursor_key(self) -> str | None:
        """The key of the current line."""
        return self._cursor

    @property
    def cursor_place(self) -> int:
        """The place of the current line; 0 where there is none."""
        return self._places.get(self._cursor or "", 0)

    @property
    def hits(self) -> tuple[int, int]:
        """Return (which hit the current line is from 1 on, how many there are); 0 where it is none."""
        place = bisect_left(self._hits, self.cursor_place)
        is_hit = place < len(self._hits) and self._hits[place] == self.cursor_place
        return (place + 1 if is_hit else 0), len(self._hits)

    def show(self, lines: Iterable[Line], *, keep_place: bool = True, landmarks: Iterable[str] = ()) -> None:
        """Show these lines; unless `keep_place`, from their start.

        Where nothing is found, n and N go to the next and the previous of the keys `landmarks`.
        """
        old_place = self.cursor_place
        offset = old_place - self.scroll_offset.y
        self._lines = lines if isinstance(lines, PackedLines) else tuple(lines)
        self._keys = lines.keys if isinstance(lines, PackedLines) else [line.key for line in self._lines]
        self._stops = [place for place, key in enumerate(self._keys) if key]
        self._places = {self._keys[place]: place for place in self._stops}
        self._landmarks = tuple(landmarks)
        self.set_height(len(self._lines))
        if not keep_place:
            self._left = 0
            self._cursor = None
            self.jump(0)
        self._settle(old_place if keep_place else 0)
        if keep_place and self.cursor_place != old_place:
            self.jump(self.cursor_place - offset)
        self.find_hits()
        self.refresh()

    def _settle(self, old_place: int) -> None:
        """Keep the cursor on its key, or on the stop nearest to where it was."""
        if self._cursor in self._places:
            return
        after = bisect_left(self._stops, old_place)
        stop = self._stops[min(after, len(self._stops) - 1)] if self._stops else None
        self._cursor = self._keys[stop] if stop is not None else None
        self.post_message(self.Highlighted(self, self._cursor))

    def move_to(self, key: str, *, on_top: bool = False) -> bool:
        """Put the cursor on the line `key`, if asked at the top of the view; return whether there is one."""
        if key not in self._places:
            return False
        self._move_to_place(self._places[key])
        if on_top:
            self.jump(self._places[key])
        return True

    def move_to_any(self, keys: Sequence[str], *, forward: bool) -> bool:
        """Put the cursor on the next (or the previous) of the lines `keys`, around the end; False where none is."""
        places = sorted(self._places[key] for key in keys if key in self._places)
        if not places:
            return False
        here = self.cursor_place
        if forward:
            self._move_to_place(next((place for place in places if place > here), places[0]))
        else:
            self._move_to_place(next((place for place in reversed(places) if place < here), places[-1]))
        return True

    def search(self, pattern: re.Pattern[str] | None, *, jump: bool = True) -> None:
        """Mark the lines in which `pattern` occurs, and go to the next of them; None forgets the search."""
        self._pattern = pattern
        self.find_hits()
        if jump and self._hits and self.cursor_place not in self._hits:
            self.action_next_hit()
        self.refresh()

    def find_hits(self) -> None:
        """Look for the pattern in all lines."""
        pattern, lines = self._pattern, self._lines
        texts = lines.texts if isinstance(lines, PackedLines) else [line.text for line in lines] if pattern else []
        self._hits = [place for place in self._stops if pattern.search(texts[place])] if pattern else []
        self.post_message(self.SearchChanged(self, self._cursor))

    # Moving

    def _move_to_place(self, place: int) -> None:
        old_place, old_key = self.cursor_place, self._cursor
        self._cursor = self._keys[place]
        self._scroll_into_view(place)
        if self._cursor != old_key:
            self._refresh_line(old_place)
            self._refresh_line(place)
            self.post_message(self.Highlighted(self, self._cursor))

    def _move(self, stops: int) -> None:
        """Move the cursor by so many stops; where there is none further, show what lies beyond."""
        if not self._stops:
            self.jump(self.scroll_offset.y + stops)
            return
        here = bisect_left(self._stops, self.cursor_place)
        target = here + stops
        self._move_to_place(self._stops[max(0, min(target, len(self._stops) - 1))])
        if target < 0:
            self.jump(0)
        elif target >= len(self._stops):
            self.jump(self.max_scroll_y)

    def _move_lines(self, lines: int) -> None:
        """Move the cursor by so many lines, to the nearest stop."""
        if not self._stops:
            self.jump(self.scroll_offset.y + lines)
            return
        target = bisect_left(self._stops, max(0, self.cursor_place + lines))
        self._move(target - bisect_left(self._stops, self.cursor_place))

    def _scroll_into_view(self, place: int) -> None:
        top, page = self.scroll_offset.y, self._page
        if place < top:
            self.jump(place)
        elif place >= top + page:
            self.jump(place - page + 1)

    @property
    def _page(self) -> int:
        return max(1, self.size.height)

    def _refresh_line(self, place: int) -> None:
        self.refresh_line(place - self.scroll_offset.y)

    def action_down(self) -> None:
        self._move(1)

    def action_up(self) -> None:
        self._move(-1)

    def action_first(self) -> None:
        self._move(-len(self._lines))

    def action_last(self) -> None:
        self._move(len(self._lines))

    def action_page_down(self) -> None:
        self._move_lines(self._page)

    def action_page_up(self) -> None:
        self._move_lines(-self._page)

    def action_half_down(self) -> None:
        self._move_lines(max(1, self._page // 2))

    def action_half_up(self) -> None:
        self._move_lines(-max(1, self._page // 2))

    def action_left(self) -> None:
        self._left = max(0, self._left - SIDE_STEP_CELLS)
        self.refresh()

    def action_right(self) -> None:
        top = self.scroll_offset.y
        widest = max((cells(line.text) for line in self._lines[top : top + self._page]), default=0)
        self._left = max(self._left, min(self._left + SIDE_STEP_CELLS, widest - self.page_width + BAR_CELLS))
        self.refresh()

    def action_next_hit(self) -> None:
        self.move_to_any(self._jump_keys(), forward=True)

    def action_previous_hit(self) -> None:
        self.move_to_any(self._jump_keys(), forward=False)

    def _jump_keys(self) -> Sequence[str]:
        """Return the lines found, or the landmarks where there are none."""
        return [self._keys[place] for place in self._hits] or self._landmarks

    def action_open(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Opened(self, self._cursor))

    def action_copy(self) -> None:
        if self._cursor is not None:
            self.post_message(self.CopyRequested(self._lines[self.cursor_place].text.strip()))

    def on_click(self, event: events.Click) -> None:
        """Choose the line clicked; open it on a double click."""
        offset = event.get_content_offset(self)
        place = self.scroll_offset.y + offset.y if offset is not None else len(self._lines)
        if place < len(self._lines) and self._keys[place]:
            self._move_to_place(place)
            if event.chain == 2:
                self.action_open()

    def page_changed(self) -> None:
        """Keep the cursor in sight."""
        super().page_changed()
        self.set_height(len(self._lines))
        if self._cursor is not None and self.cursor_place >= self.scroll_offset.y + self._page:
            self._scroll_into_view(self.cursor_place)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        self.paint_count += 1
        width = self.page_width
        place = self.scroll_offset.y + y
        if place < len(self._lines):
            return self._draw(self._lines[place], width)
        return self.words_for_nothing("" if self._lines else self.empty_text, y - 1, width)

    def _draw(self, line: Line, width: int) -> Strip:
        is_current = bool(line.key) and line.key == self._cursor
        bar = ("ours" if self.has_focus else "dim") if is_current else ""
        hit = self.component("lines--hit")
        return line_strip(line, width, self.tone, bar, self._left, self._pattern, hit)
