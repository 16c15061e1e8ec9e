"""The lines near the ones on the screen, ready to draw."""

from __future__ import annotations

from collections import OrderedDict

from velora_tui.store.log_file import LogFile
from velora_tui.view.log_line import STAMP_MODES, ShownLine, StampMode, shown_line, stamp_seconds
from velora_tui.view.text import clean_line

SHOWN_LINE_BYTES = 16 * 1024
COPIED_LINE_BYTES = 1024 * 1024
COPIED_LINES = 10_000
_FETCHED_LINES = 16
_KEPT_LINES = 512
_KEPT_BYTES = 4 * 1024 * 1024
_ORIGIN_LINES = 50


class LogLines:
    """Clean lines of a LogFile by number, read some at a time; a bounded number is kept."""

    def __init__(self, log: LogFile) -> None:
        self.log = log
        self.stamps: StampMode = "absolute"
        self._origin_seconds: int | None = None
        self._kept: OrderedDict[int, ShownLine] = OrderedDict()
        self._kept_characters = 0

    def get(self, number: int) -> ShownLine:
        """Return line `number` as it is shown; empty where there is none. Reads from disk where need be."""
        line = self._kept.get(number)
        if line is None:
            self._fetch(number)
            line = self._kept.get(number, ShownLine(""))
        return line

    def _fetch(self, number: int) -> None:
        for line in self.log.lines(number, _FETCHED_LINES, SHOWN_LINE_BYTES):
            if line.number not in self._kept:
                shown = shown_line(line.data, line.length, self.stamps, self._origin_seconds)
                self._kept[line.number] = shown
                self._kept_characters += len(shown.text)
            if line.number - number >= 1 and self._kept_characters > _KEPT_BYTES:
                break
        while len(self._kept) > _KEPT_LINES or (self._kept_characters > _KEPT_BYTES and len(self._kept) > 2):
            _, dropped = self._kept.popitem(last=False)
            self._kept_characters -= len(dropped.text)

    def forget(self, number: int | None = None) -> None:
        """Read line `number` anew, for it grew, or all lines."""
        if number is None:
            self._kept.clear()
            self._kept_characters = 0
        elif (dropped := self._kept.pop(number, None)) is not None:
            self._kept_characters -= len(dropped.text)

    def next_stamps(self) -> bool:
        """Show the lines' times another way; return False where the lines near the start carry none."""
        starts = self.log.lines(1, _ORIGIN_LINES, 200)
        times = (stamp_seconds(clean_line(line.data)) for line in starts)
        self._origin_seconds = next((seconds for seconds in times if seconds is not None), None)
        if self._origin_seconds is None:
            return False
        self.stamps = STAMP_MODES[(STAMP_MODES.index(self.stamps) + 1) % len(STAMP_MODES)]
        self.forget()
        return True

    def text_to_copy(self, first: int, last: int) -> list[str]:
        """Return the whole text of the lines from `first` to `last`, at most ten thousand."""
        count = min(last - first + 1, COPIED_LINES)
        lines = self.log.lines(first, count, COPIED_LINE_BYTES if count < 20 else SHOWN_LINE_BYTES)
        return [shown_line(line.data, len(line.data), self.stamps, self._origin_seconds).text for line in lines]
