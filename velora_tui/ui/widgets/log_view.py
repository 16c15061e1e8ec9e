"""A log one can read, search and copy from while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.selection import Selection

from velora_tui.errors import StoreError
from velora_tui.store.log_file import LogFile
from velora_tui.ui.movement import bound
from velora_tui.ui.widgets.log_moves import LogMoves
from velora_tui.ui.widgets.log_search import LogSearch, take_slice
from velora_tui.ui.widgets.log_status import LogStatus
from velora_tui.view.log_line import ERROR_PATTERN


class LogView(LogMoves):
    """Shows a LogFile of any size, line by line, with search; it moves only when it follows or is told to.

    `empty_text` stands where the log is missing or empty.
    """

    ALLOW_SELECT = True

    BINDINGS: ClassVar[list[BindingType]] = [
        bound("log", "n", "next_hit", "Next hit", "To the next line found"),
        bound("log", "N", "previous_hit", "Previous hit", "To the line found before"),
        bound("log", "E", "next_error", "Next error", "To the next line that tells of an error"),
        bound("log", "t", "stamps", "Times", "Times as they are, since the start, or none"),
        bound("log", "y", "copy", "Copy", "Copy the selected text, or the current line"),
    ]

    class LogMessage(Message):
        """Something happened in `log_view`."""

        def __init__(self, log_view: LogView) -> None:
            super().__init__()
            self.log_view = log_view

        @property
        def control(self) -> LogView:
            return self.log_view

    class StatusChanged(LogMessage):
        """What a title line says has changed."""

        def __init__(self, log_view: LogView, status: LogStatus) -> None:
            super().__init__(log_view)
            self.status = status

    class CopyRequested(LogMessage):
        """This text should be put on the clipboard."""

        def __init__(self, log_view: LogView, text: str) -> None:
            super().__init__(log_view)
            self.text = text

    class NotFound(LogMessage):
        """What was looked for is not in the log; `what` says it in words."""

        def __init__(self, log_view: LogView, what: str) -> None:
            super().__init__(log_view)
            self.what = what

    def __init__(
        self,
        *,
        empty_text: str = "no log yet",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(empty_text=empty_text, name=name, id=id, classes=classes)
        self._search: LogSearch | None = None
        self._jump_from: int | None = None
        self._told: LogStatus | None = None
        self._old_bytes = 0  # what was on the disk when the log was opened is nothing new

    @property
    def log_file(self) -> LogFile | None:
        """The log that is shown."""
        return self._lines.log if self._lines else None

    @property
    def following(self) -> bool:
        """Whether the view stays at the end of the log."""
        return self._following

    @property
    def current_line(self) -> int | None:
        """The number of the line with the bar."""
        return self._current

    @property
    def status(self) -> LogStatus:
        """What a title line says now."""
        search = self._search
        return LogStatus(
            following=self._following,
            new_lines=0 if self._following else max(0, self._count - self._count_when_stopped),
            line_count=self._count,
            size_bytes=self._size_bytes,
            pattern=search.pattern if search else "",
            hit=search.place_of(self._current) if search else 0,
            hits=len(search.hits) if search else 0,
            searching=search.running if search else False,
            wraps=self._wraps,
            stamps=self._lines.stamps if self._lines else "absolute",
            reading=self._indexing,
            problem=self._problem,
        )

    def open(self, log: LogFile | Path | None, *, line: int | None = None, follow: bool | None = None) -> None:
        """Show `log` (None: nothing), at `line` with the bar if given, else at its end if `follow`, else its start.

        `follow` is True unless a line is given. A search goes on in the new log.
        """
        self._following = (line is None) if follow is None else follow
        self._count_when_stopped = 0
        self._old_bytes = 0
        self._wanted = (line, True) if line is not None else None
        pattern = self._search.pattern if self._search else ""
        self._search = self._jump_from = None
        self.open_log(log)
        self._old_bytes = self._size_bytes + (self.log_file.unread_bytes if self.log_file else 0)
        if not self._following:
            self._count_when_stopped = self._count
            if line is None:
                self._place(1)
        if pattern:
            self.search(pattern, jump=False)

    def search(self, pattern: str, *, jump: bool = True) -> None:
        """Look for a regular expression off the loop; all in lower case it finds either case. UsageError if wrong.

        The view jumps to the first hit from its top line on. A new search ends the one before; an empty one clears it.
        """
        if not pattern:
            self.clear_search()
            return
        self._search = LogSearch(pattern)
        self._jump_from = (self._current or self.top_line) if jump else None
        self.refresh()
        self._search_on()

    def clear_search(self) -> None:
        """Forget what was searched for, and end a search that runs."""
        self.workers.cancel_group(self, "search")
        self._search = self._jump_from = None
        self.refresh()
        self._tell()

    def _search_on(self) -> None:
        """Search what has not been searched yet."""
        search, log = self._search, self.log_file
        if search and log and not search.running and not search.is_full and self._size_bytes > search.searched_bytes:
            search.running = True
            self.run_worker(self._run_search(search, log), group="search", exclusive=True, exit_on_error=False)
        self._tell()

    async def _run_search(self, search: LogSearch, log: LogFile) -> None:
        size, last = log.size, log.line_count
        try:
            batches = log.search(search.pattern, search.next_line)
            done = False
            while not done and not search.is_full:
                lines, done = await asyncio.to_thread(take_slice, batches)
                search.add(lines)
                if search is self._search and lines:
                    self._paint_hits(lines[0], lines[-1])
                self._jump_to_hit(search, done)
                self._tell()
            search.next_line, search.searched_bytes = max(1, last), size
        except StoreError as error:
            self._problem = str(error)
        finally:
            search.running = False
            self._tell()

    def _paint_hits(self, first: int, last: int) -> None:
        rows = self.screen_rows()
        if rows and first <= rows[-1].number and last >= rows[0].number:
            self.refresh()

    def _jump_to_hit(self, search: LogSearch, done: bool) -> None:
        """Go to the first hit where the search was asked for, once it is known."""
        if self._jump_from is None or search is not self._search:
            return
        hit = search.at_or_after(self._jump_from) or (search.at_or_after(1) if done else None)
        if hit:
            self._jump_from = None
            self.go_to(hit)
        elif done:
            self._jump_from = None
            self.post_message(self.NotFound(self, f"nothing matches {search.pattern}"))

    def grown(self, old_count: int) -> None:
        """Go where one wanted to be as soon as it is there, and search what is new."""
        if not self._following and self._size_bytes <= self._old_bytes:
            self._count_when_stopped = self._count
        if self._search and self._size_bytes < self._search.searched_bytes:
            self._search = LogSearch(self._search.pattern)
        if self._wanted and self._wanted[0] <= self._count:
            self.go_to(*self._wanted)
        self._search_on()

    def moved(self) -> None:
        """Tell how the log stands."""
        self._tell()

    def _tell(self) -> None:
        status = self.status
        if status != self._told:
            self._told = status
            self.post_message(self.StatusChanged(self, status))

    def hit_spans(self, number: int, text: str) -> Sequence[tuple[int, int]]:
        """Return where a line that was found has what is searched for."""
        return self._search.spans(text) if self._search and self._search.place_of(number) else ()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text selected with the mouse."""
        if self._lines is None or not self._count:
            return None
        first = selection.start.y + 1 if selection.start else 1
        last = selection.end.y + 1 if selection.end else self._count
        lines = self._lines.text_to_copy(first, min(last, self._count))
        if lines and selection.end and first + len(lines) - 1 == last:
            lines[-1] = lines[-1][: selection.end.x]
        if lines and selection.start:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines), "\n"

    def on_click(self, event: events.Click) -> None:
        """Put the bar on the line clicked."""
        offset = event.get_content_offset(self)
        rows = self.screen_rows()
        if offset is not None and offset.y < len(rows) and self.text_selection is None:
            self._current = rows[offset.y].number
            self.refresh()
            self._tell()

    def action_stamps(self) -> None:
        if self._lines and self._lines.next_stamps():
            self._rows = None
            self.refresh()
            self._tell()
        else:
            self.post_message(self.NotFound(self, "the lines of this log carry no time"))

    def action_next_hit(self) -> None:
        self._go_to_hit(self._search.next(self._current or self.top_line - 1) if self._search else None)

    def action_previous_hit(self) -> None:
        self._go_to_hit(self._search.previous(self._current or self.top_line) if self._search else None)

    def _go_to_hit(self, hit: int | None) -> None:
        if hit is not None:
            self.go_to(hit)
        else:
            self.post_message(self.NotFound(self, "nothing found" if self._search else "no search: / starts one"))

    def action_next_error(self) -> None:
        log = self.log_file
        if log is not None:
            start = (self._current or self.top_line - 1) + 1
            self.run_worker(self._find_error(log, start), group="error", exclusive=True, exit_on_error=False)

    async def _find_error(self, log: LogFile, start: int) -> None:
        """Go to the first error from line `start` on, else from the first line on."""
        for first in dict.fromkeys((start, 1)):
            batches = log.search(ERROR_PATTERN, first)
            done = False
            while not done:
                lines, done = await asyncio.to_thread(take_slice, batches)
                if lines:
                    self.go_to(lines[0])
                    return
        self.post_message(self.NotFound(self, "no line tells of an error"))

    def action_copy(self) -> None:
        selection = self.text_selection
        if selection is not None and (selected := self.get_selection(selection)):
            self.post_message(self.CopyRequested(self, selected[0]))
        elif self._lines and self._count:
            number = self._current or self.top_line
            self.post_message(self.CopyRequested(self, "\n".join(self._lines.text_to_copy(number, number))))
