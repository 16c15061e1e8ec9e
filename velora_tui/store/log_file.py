"""Random access to the lines of a growing log of any size, with bounded memory."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.errors import StoreError
from velora_tui.store.log_index import Extent, LogIndex
from velora_tui.store.log_search import SearchBatch, search_index

DEFAULT_LINE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: 1-based `number`, `offset` of its first byte, `data` without the newline, `length` before cutting."""

    number: int
    offset: int
    data: bytes
    length: int

    @property
    def is_cut(self) -> bool:
        return len(self.data) < self.length


class LogFile:
    """Reads `path` line by line at any place; line numbers start at 1, sizes are bytes.

    Nothing is read before the first `refresh()`. `refresh` and `search` may run in threads while another thread reads
    lines. A missing file is an empty log. `generation` changes when the file was replaced or cut short.
    Reading raises StoreError where the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._index: LogIndex | None = None
        self._refreshing = threading.Lock()

    @property
    def exists(self) -> bool:
        """Whether the file was there at the last refresh."""
        return self._index is not None

    @property
    def size(self) -> int:
        """Bytes indexed so far."""
        return self._extent.size

    @property
    def line_count(self) -> int:
        """Lines indexed so far; a last line without a newline counts."""
        extent = self._extent
        return extent.tail_line + (extent.size > extent.tail_offset)

    @property
    def unread_bytes(self) -> int:
        """Bytes on disk that the next refresh will index."""
        index = self._index
        try:
            return max(0, (index.size_on_disk() if index else self.path.stat().st_size) - self.size)
        except OSError:
            return 0

    @property
    def _extent(self) -> Extent:
        return self._index.extent if self._index else Extent()

    def refresh(self, limit_bytes: int | None = None) -> bool:
        """Index what was appended, at most `limit_bytes`; return whether lines changed. Blocks; raises StoreError."""
        with self._refreshing:
            try:
                return self._refresh(limit_bytes)
            except OSError as error:
                raise StoreError(f"the log {self.path} cannot be read: {error.strerror}") from None

    def _refresh(self, limit_bytes: int | None) -> bool:
        replaced = self._reopen_if_replaced()
        index = self._index
        if index is None:
            return replaced
        before = index.extent.size
        size = index.size_on_disk()
        index.extend(size if limit_bytes is None else min(size, before + limit_bytes))
        return replaced or index.extent.size > before

    def _reopen_if_replaced(self) -> bool:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return self._use(None) if self._index else False
        index = self._index
        is_same_file = index is not None and index.identity == (status.st_dev, status.st_ino)
        if index and is_same_file and status.st_size >= index.extent.size and index.is_same_text():
            return False
        return self._use(LogIndex(self.path))

    def _use(self, index: LogIndex | None) -> bool:
        replaced = self._index is not None
        self._index = index
        self.generation += replaced
        return replaced

    def lines(self, start: int, count: int, max_line_bytes: int = DEFAULT_LINE_BYTES) -> list[LogLine]:
        """Return up to `count` lines from number `start` on, each cut to `max_line_bytes`."""
        index = self._index
        if index is None:
            return []
        try:
            return [
                self._read(index, number, offset, end, max_line_bytes)
                for number, offset, end in self._spans(index, max(1, start), count)
            ]
        except OSError as error:
            raise StoreError(f"the log {self.path} cannot be read: {error.strerror}") from None

    def line(self, number: int, max_line_bytes: int = DEFAULT_LINE_BYTES) -> LogLine | None:
        """Return the line with this number, or None where there is none."""
        found = self.lines(number, 1, max_line_bytes) if number >= 1 else []
        return found[0] if found else None

    def offset_of(self, number: int) -> int:
        """Return the byte offset at which line `number` starts; the log's size where there is no such line."""
        index = self._index
        if index is None:
            return 0
        return next((offset for _, offset, _ in self._spans(index, max(1, number), 1)), index.extent.size)

    def line_at(self, offset: int) -> int:
        """Return the number of the line that holds the byte at `offset`, within what is indexed; 0 in an empty log."""
        index = self._index
        if index is None or not index.extent.size:
            return 0
        offset = min(max(0, offset), index.extent.size - 1)
        stretch = index.stretch_with_offset(offset)
        return stretch.first_line + bisect_right(index.line_starts(stretch), offset)

    def search(self, pattern: str, start: int = 1) -> Iterator[SearchBatch]:
        """Yield the numbers of matching lines from `start` on, a batch per few hundred KB: stop iterating to cancel.

        `pattern` is a plain text or a regular expression, which looks at the first 1,000 characters of a line; all in
        lower case it ignores case. Raises UsageError for one that is wrong or could take for ever.
        """
        index = self._index
        if index is None:
            return iter(())
        return search_index(index, pattern, max(1, start), self.offset_of(start))

    def _spans(self, index: LogIndex, start: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Yield (number, first byte, end without newline) of up to `count` lines."""
        line, last = start - 1, start - 1 + count
        while line < last:
            stretch = index.stretch_with_line(line)
            starts = index.line_starts(stretch)
            for place in range(line - stretch.first_line, min(len(starts), last - stretch.first_line)):
                following = starts[place + 1] if place + 1 < len(starts) else stretch.end
                yield stretch.first_line + place + 1, starts[place], following - (following <= stretch.tail)
            if stretch.is_open:
                return
            line = stretch.first_line + len(starts)

    @staticmethod
    def _read(index: LogIndex, number: int, offset: int, end: int, max_line_bytes: int) -> LogLine:
        length = end - offset
        data = os.pread(index.fd, min(length, max_line_bytes), offset)
        if length > max_line_bytes and b"\r" in data:
            data = _last_states(os.pread(index.fd, max_line_bytes, end - max_line_bytes))
        return LogLine(number, offset, data, length)


def _last_states(tail: bytes) -> bytes:
    """Return what follows the first carriage return of a long redrawn line's tail: its latest whole states."""
    return tail[tail.find(b"\r") + 1 :]
