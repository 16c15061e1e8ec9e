"""The body of the log view: the lines on the screen, how they are drawn, and how it keeps up with a growing log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.segment import Segment
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from velora_tui.errors import StoreError
from velora_tui.store.log_file import LogFile
from velora_tui.ui.widgets.line_view import CURRENT_CLASS, LineView
from velora_tui.ui.widgets.log_lines import LogLines
from velora_tui.ui.widgets.log_strip import StyledSpan, selectable, styled, window, wrapped
from velora_tui.view.text import cells, pad

GROWTH_SECONDS = 0.05
INLINE_BYTES = 256 * 1024
INDEX_SLICE_BYTES = 16 * 1024 * 1024
_NUMBER_DIGITS = 5


@dataclass(frozen=True, slots=True)
class ScreenRow:
    """One row on the screen: the characters from `start` to before `end` of line `number`; None is its end."""

    number: int
    start: int = 0
    end: int | None = None


class LogPane(LineView):
    """Draws the visible lines of a LogFile and follows it; the view moves only when it follows or is told to."""

    STYLES = LineView.STYLES | {"log--hit", "log--hit-current"}

    DEFAULT_CSS = """
    LogPane {
        & > .log--hit { color: $background; background: $warning 75%; }
        & > .log--hit-current { color: $background; background: $warning; text-style: bold; }
        &:ansi > .log--hit { color: ansi_black; background: ansi_yellow; }
        &:ansi > .log--hit-current { color: ansi_black; background: ansi_bright_yellow; }
    }
    """

    def __init__(
        self,
        *,
        empty_text: str = "no log yet",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.empty_text = empty_text
        self._lines: LogLines | None = None
        self._count = 0
        self._size_bytes = 0
        self._generation = 0
        self._following = True
        self._count_when_stopped = 0
        self._wraps = False
        self._current: int | None = None
        self._wanted: tuple[int, bool] | None = None  # a line to go to once it is there, and whether to mark it
        self._left = 0
        self._top_row = 0
        self._moves_itself = False
        self._rows: list[ScreenRow] | None = None
        self._timer: Timer | None = None
        self._indexing = False
        self._problem = ""

    # What is open, and how it grows

    def open_log(self, log: LogFile | Path | None) -> None:
        """Show this log from now on, or none."""
        self.workers.cancel_node(self)
        self._indexing = False
        if isinstance(log, Path):
            log = LogFile(log)
        self._lines = LogLines(log) if log else None
        self._count, self._size_bytes, self._generation = 0, 0, log.generation if log else 0
        self._current, self._left, self._top_row, self._problem = None, 0, 0, ""
        self._rows = None
        self._fit_height()
        self.refresh()
        self._show_growth()
        self._catch_up()

    def say_where_empty(self, words: str) -> None:
        """Show `words` where the log is missing or empty."""
        if words != self.empty_text:
            self.empty_text = words
            if not self._count:
                self.refresh()

    def notify_grown(self) -> None:
        """Tell that the log may have grown. Cheap and coalesced: call it as often as you like, on the loop."""
        if self._timer is None and self._lines is not None and self.is_running:
            self._timer = self.set_timer(GROWTH_SECONDS, self._catch_up)

    def _catch_up(self) -> None:
        """Index what is new, a little at once, much in a thread."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._lines is None or self._indexing:
            return
        if self._lines.log.unread_bytes > INLINE_BYTES:
            self._indexing = True
            self.run_worker(self._index(self._lines.log), group="index", exclusive=True, exit_on_error=False)
            return
        self._refresh_log(self._lines.log)

    def _refresh_log(self, log: LogFile) -> None:
        try:
            log.refresh()
        except StoreError as error:
            self._problem = str(error)
        self._show_growth()

    async def _index(self, log: LogFile) -> None:
        try:
            while await asyncio.to_thread(log.refresh, INDEX_SLICE_BYTES) and log.unread_bytes > INLINE_BYTES:
                self._show_growth()
        except StoreError as error:
            self._problem = str(error)
        finally:
            if self._lines and self._lines.log is log:
                self._indexing = False
        self._show_growth()
        self.notify_grown()

    def _show_growth(self) -> None:
        """Show what the log has become since."""
        log = self._lines.log if self._lines else None
        count, size = (log.line_count, log.size) if log else (0, 0)
        is_new = log is not None and log.generation != self._generation
        if (count, size) == (self._count, self._size_bytes) and not is_new:
            self.grown(count)
            if not count:
                self.refresh()
            return
        if self._lines:
            self._lines.forget(None if is_new else self._count)
        if log and is_new:
            self._generation = log.generation
            self._current = None
            self._count_when_stopped = min(self._count_when_stopped, count)
        old, self._count, self._size_bytes = self._count, count, size
        self._rows = None
        self._show_lines_after(old, is_new)
        self.grown(old)

    def _show_lines_after(self, old_count: int, is_new: bool) -> None:
        self._fit_height()
        if self._following:
            self._to_end()
        elif is_new:
            self._place(self.top_line)
        if self._following or is_new or old_count <= self.scroll_offset.y + self.size.height:
            self.refresh()

    def grown(self, old_count: int) -> None:
        """Called when the log was read again, with the number of lines there were before."""

    # Where the view is

    @property
    def top_line(self) -> int:
        """The number of the first line on the screen."""
        return self.scroll_offset.y + 1

    def _fit_height(self) -> None:
        beyond = max(0, self.size.height - 1) if self._wraps else 0
        self.set_height(self._count + beyond if self._count else 0)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up stops the following, whatever it was done with; a window that became taller does not."""
        super().watch_scroll_y(old_value, new_value)
        self._rows = None
        if not self._moves_itself:
            self._top_row = 0
            if new_value < min(old_value, self.max_scroll_y):
                self._stop_following()

    def _stop_following(self) -> None:
        if self._following:
            self._following = False
            self._count_when_stopped = self._count
            self.moved()

    def moved(self) -> None:
        """Called when the view follows no more, or stands elsewhere."""

    def _place(self, top: int, row: int = 0) -> None:
        """Put line `top` (its row `row`, where lines are wrapped) on the first row of the screen."""
        self._moves_itself = True
        try:
            self.jump(top - 1)
        finally:
            self._moves_itself = False
        self._top_row = row if self._wraps else 0
        self._rows = None
        self.refresh()

    def _to_end(self) -> None:
        """Show the last lines."""
        height = max(1, self.size.height)
        if not self._wraps:
            self._place(max(1, self._count - height + 1))
            return
        number, needed = max(1, self._count), height
        while number > 1 and (rows := len(self._wrapped(number))) < needed:
            needed -= rows
            number -= 1
        self._place(number, max(0, len(self._wrapped(number)) - needed))

    def _scroll_rows(self, rows: int) -> None:
        """Move the view by so many rows of the screen."""
        if rows < 0:
            self._stop_following()
        if not self._wraps:
            self._place(max(1, self.top_line + rows))
            return
        line, row = self.top_line, self._top_row + rows
        while row < 0 and line > 1:
            line -= 1
            row += len(self._wrapped(line))
        while row >= (have := len(self._wrapped(line))) and line < self._count:
            row -= have
            line += 1
        self._place(line, max(0, min(row, len(self._wrapped(line)) - 1)))

    # What is on the screen

    @property
    def _number_width(self) -> int:
        return max(_NUMBER_DIGITS, len(str(self._count)))

    @property
    def gutter_width(self) -> int:
        """The cells left of the text: bar, line number, two blanks."""
        return self._number_width + 3

    @property
    def text_width(self) -> int:
        """The cells a line has."""
        return max(1, self.page_width - self.gutter_width)

    def _text(self, number: int) -> str:
        return self._lines.get(number).text if self._lines else ""

    def _wrapped(self, number: int) -> list[tuple[int, int]]:
        return wrapped(self._text(number), self.text_width)

    def screen_rows(self) -> list[ScreenRow]:
        """Return the rows on the screen from the top, no more than there are lines."""
        if self._rows is None:
            self._rows = self._lay_out()
        return self._rows

    def _lay_out(self) -> list[ScreenRow]:
        top, height = self.top_line, self.size.height
        if not self._wraps:
            return [ScreenRow(number) for number in range(top, min(self._count, top + height - 1) + 1)]
        rows: list[ScreenRow] = []
        for number in range(top, self._count + 1):
            rows += [ScreenRow(number, start, end) for start, end in self._wrapped(number)]
            if len(rows) - self._top_row >= height:
                break
        return rows[self._top_row : self._top_row + height]

    def widest_on_screen(self) -> int:
        """Return the cells of the widest line on the screen."""
        return max((cells(self._text(row.number)) for row in self.screen_rows()), default=0)

    def page_changed(self) -> None:
        """Wrap anew; where the view follows, stay at the end."""
        self._rows = None
        self._top_row = 0
        self._fit_height()
        if self._following:
            self._to_end()
        self.refresh()

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint what is selected with the mouse."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row: bar, number, text."""
        self.paint_count += 1
        rows = self.screen_rows()
        width = self.page_width
        if y < len(rows):
            return self._draw(rows[y])
        if y == 0:
            return Strip([Segment(pad("   " + self._empty_words(), width), self.tone("dim"))], width)
        return Strip.blank(width, self.tone(""))

    def _empty_words(self) -> str:
        if self._problem:
            return self._problem
        return "reading the log …" if self._indexing else self.empty_text

    def _draw(self, row: ScreenRow) -> Strip:
        is_current = row.number == self._current
        ground = CURRENT_CLASS if is_current else ""
        number = "" if row.start else str(row.number)
        segments = [
            Segment("▌" if is_current else " ", self.tone("ours", ground)),
            Segment(f"{number:>{self._number_width}}  ", self.tone("dim" if is_current else "faint", ground)),
            *self._draw_text(row, ground),
        ]
        free = self.page_width - sum(cells(segment.text) for segment in segments)
        segments.append(Segment(" " * free, self.tone("", ground)))
        return Strip(segments, self.page_width) if free >= 0 else Strip(segments).crop(0, self.page_width)

    def _draw_text(self, row: ScreenRow, ground: str) -> list[Segment]:
        text, base = self._text(row.number), self.tone("", ground)
        spans = self._spans(row.number, text, ground)
        if row.end is not None:
            return selectable(styled(text, row.start, row.end, base, spans), row.start, row.number - 1)
        view = window(text, self._left, self.text_width)
        segments = selectable(styled(text, view.start, view.end, base, spans), view.start, row.number - 1)
        before = "…" * view.goes_on_left + " " * view.blanks
        more = self.tone("dim", ground)
        if view.goes_on_right:
            free = self.text_width - 1 - cells(before) - cells(text[view.start : view.end])
            segments += [Segment(" " * free, base), Segment("…", more)]
        return [Segment(before, more), *segments]

    def _spans(self, number: int, text: str, ground: str) -> list[StyledSpan]:
        """Return the styles over the line, later ones on top: meaning, hits, what is selected."""
        tones = self._lines.get(number).tones if self._lines else ()
        spans = [StyledSpan(start, end, self.tone(tone, ground)) for start, end, tone in tones]
        hit = self.component("log--hit-current" if ground else "log--hit")
        spans += [StyledSpan(start, end, hit) for start, end in self.hit_spans(number, text)]
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number - 1)) is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            spans.append(StyledSpan(start, len(text) if end == -1 else end, style))
        return spans

    def hit_spans(self, number: int, text: str) -> Sequence[tuple[int, int]]:
        """Return where the text of line `number` is what is searched for."""
        return ()
