"""A sparse index of line starts: what makes any line of any log a short read away."""

from __future__ import annotations

import os
import threading
import weakref
from array import array
from bisect import bisect_right
from dataclasses import dataclass

BLOCK_BYTES = 64 * 1024
_READ_BYTES = 1024 * 1024
_LONGEST_STRETCH_BYTES = 3 * BLOCK_BYTES  # a longer one is a single line
_FINGERPRINT_BYTES = 64
_RECENT_STRETCHES = 8


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file is indexed: `size` bytes, the last newline just before `tail_offset`, where `tail_line` starts."""

    size: int = 0
    tail_line: int = 0
    tail_offset: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bytes from one checkpoint to the next, or to the end; from `tail` to `end` they have no newline yet."""

    first_line: int
    start: int
    tail: int
    end: int
    is_open: bool


class LogIndex:
    """Line starts of one opened file: a checkpoint about every 64 KB, so 100 MB cost 25 KB of memory.

    A stretch between two checkpoints is one line of any length or less than three blocks long. Only `extend` writes,
    by appending and then replacing `extent`, so that other threads may read meanwhile.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.fd)
        status = os.fstat(self.fd)
        self.identity = (status.st_dev, status.st_ino)
        self.extent = Extent()
        self._offsets = array("Q", [0])
        self._lines = array("Q", [0])
        self._fingerprint = b""
        self._recent: dict[int, list[int]] = {}
        self._recent_lock = threading.Lock()

    def size_on_disk(self) -> int:
        """Return the file's size now, in bytes."""
        return os.fstat(self.fd).st_size

    def is_same_text(self) -> bool:
        """Return whether the file still ends, where the index ends, as it did: a log is only ever appended to."""
        start = self.extent.size - len(self._fingerprint)
        return os.pread(self.fd, len(self._fingerprint), start) == self._fingerprint

    def extend(self, end: int) -> None:
        """Index the bytes up to the offset `end`."""
        while self.extent.size < end:
            data = os.pread(self.fd, min(_READ_BYTES, end - self.extent.size), self.extent.size)
            if not data:
                return
            for start in range(0, len(data), BLOCK_BYTES):
                self._add_block(data[start : start + BLOCK_BYTES])
            self._fingerprint = (self._fingerprint + data)[-_FINGERPRINT_BYTES:]

    def _add_block(self, block: bytes) -> None:
        extent = self.extent
        size = extent.size + len(block)
        newlines = block.count(b"\n")
        if not newlines:
            self.extent = Extent(size, extent.tail_line, extent.tail_offset)
            return
        after_first = extent.size + block.index(b"\n") + 1
        if after_first - extent.tail_offset > BLOCK_BYTES:
            self._add_checkpoint(extent.tail_line, extent.tail_offset)
            self._add_checkpoint(extent.tail_line + 1, after_first)
        tail_line = extent.tail_line + newlines
        tail_offset = extent.size + block.rindex(b"\n") + 1
        if tail_offset - self._offsets[-1] >= BLOCK_BYTES:
            self._add_checkpoint(tail_line, tail_offset)
        self.extent = Extent(size, tail_line, tail_offset)

    def _add_checkpoint(self, line: int, offset: int) -> None:
        if offset > self._offsets[-1]:
            self._offsets.append(offset)
            self._lines.append(line)

    def stretch_with_line(self, line: int) -> Stretch:
        """Return the stretch in which the line with the 0-based index `line` starts."""
        return self._stretch(bisect_right(self._lines, line) - 1)

    def stretch_with_offset(self, offset: int) -> Stretch:
        """Return the stretch that holds the byte at `offset`."""
        return self._stretch(bisect_right(self._offsets, offset) - 1)

    def _stretch(self, position: int) -> Stretch:
        extent = self.extent
        first, start = self._lines[position], self._offsets[position]
        if position + 1 < len(self._lines):
            end = self._offsets[position + 1]
            return Stretch(first, start, end, end, is_open=False)
        return Stretch(first, start, extent.tail_offset, extent.size, is_open=True)

    def line_starts(self, stretch: Stretch) -> list[int]:
        """Return the offsets at which the lines of `stretch` start. Reads at most three blocks."""
        if stretch.is_open:
            unfinished = [stretch.tail] if stretch.end > stretch.tail else []
            return self._read_starts(stretch) + unfinished
        with self._recent_lock:
            starts = self._recent.pop(stretch.start, None)
        starts = starts or self._read_starts(stretch)
        with self._recent_lock:
            self._recent[stretch.start] = starts
            while len(self._recent) > _RECENT_STRETCHES:
                del self._recent[next(iter(self._recent))]
        return starts

    def _read_starts(self, stretch: Stretch) -> list[int]:
        if stretch.tail - stretch.start > _LONGEST_STRETCH_BYTES:
            return [stretch.start]
        return _starts_in(os.pread(self.fd, stretch.tail - stretch.start, stretch.start), stretch.start)


def _starts_in(data: bytes, offset: int) -> list[int]:
    """Return where the lines of `data` start, whose first byte is at `offset`; it ends in a newline or is empty."""
    starts = []
    position = 0
    while position < len(data):
        starts.append(offset + position)
        position = data.find(b"\n", position) + 1 or len(data)
    return starts
