"""The state of a search through a log, and the slices in which it runs off the loop."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from velora_tui.store.log_search import REGEX_LINE_CHARACTERS, SearchBatch, compile_pattern, is_plain

SLICE_SECONDS = 0.03
MAX_HITS = 1_000_000
_MAX_SPANS_IN_LINE = 100


class LogSearch:
    """The hits of one pattern so far: line numbers, rising. Raises UsageError for a wrong pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.hits = array("Q")
        self.running = False
        self.next_line = 1  # the first line that was not searched, or not to its end
        self.searched_bytes = 0
        self._compiled = compile_pattern(pattern)

    @property
    def is_full(self) -> bool:
        """Whether no more hits are kept."""
        return len(self.hits) >= MAX_HITS

    def add(self, lines: Sequence[int]) -> None:
        """Add hits; the first may be known already, found when the line was not finished."""
        if lines and self.hits and lines[0] <= self.hits[-1]:
            lines = lines[bisect_right(lines, self.hits[-1]) :]
        self.hits.extend(lines[: MAX_HITS - len(self.hits)])

    def at_or_after(self, line: int) -> int | None:
        """Return the first hit from `line` on."""
        place = bisect_left(self.hits, line)
        return self.hits[place] if place < len(self.hits) else None

    def next(self, line: int) -> int | None:
        """Return the hit after `line`, from the end on to the first one; None where there is none."""
        return self.at_or_after(line + 1) or self.at_or_after(1)

    def previous(self, line: int) -> int | None:
        """Return the hit before `line`, from the start on to the last one; None where there is none."""
        return self.hits[bisect_left(self.hits, line) - 1] if self.hits else None

    def place_of(self, line: int | None) -> int:
        """Return which hit `line` is, counted from 1; 0 where it is none."""
        place = bisect_left(self.hits, line) if line is not None else len(self.hits)
        return place + 1 if place < len(self.hits) and self.hits[place] == line else 0

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where in a line the pattern matches."""
        found = []
        end = len(text) if is_plain(self.pattern) else REGEX_LINE_CHARACTERS
        for match in self._compiled.finditer(text, 0, end):
            if match.end() > match.start():
                found.append(match.span())
            if len(found) >= _MAX_SPANS_IN_LINE:
                break
        return found


def take_slice(batches: Iterator[SearchBatch]) -> tuple[list[int], bool]:
    """Search for a short while, in a thread; return the lines found and whether the end is reached."""
    lines: list[int] = []
    deadline = time.monotonic() + SLICE_SECONDS
    for batch in batches:
        lines += batch.lines
        if time.monotonic() >= deadline:
            return lines, False
    return lines, True
