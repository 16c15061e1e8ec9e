"""How one moves through a log: by keys, to a line, along with its end."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from velora_tui.ui.movement import bound, movement
from velora_tui.ui.widgets.log_pane import LogPane

_LEFT_STEP_CELLS = 8
_STOPS = "; stops following"


class LogMoves(LogPane):
    """A log pane with the keys that move in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *movement(
            "log",
            "line",
            sideways=True,
            also={"up": _STOPS, "page_up": _STOPS, "half_up": _STOPS, "last": ", and follow the log"},
        ),
        bound("log", "f", "follow", "Follow", "Follow the log, or stop"),
        bound("log", "w", "wrap", "Wrap", "Wrap long lines, or cut them"),
    ]

    def go_to(self, line: int, highlight: bool = True) -> None:
        """Bring a line into sight, with the bar if `highlight`; where it is not read yet, as soon as it is."""
        if line > self._count:
            self._wanted = (line, highlight)
            return
        line = max(1, line)
        self._stop_following()
        self._wanted = None
        if highlight:
            self._current = line
        if line not in {row.number for row in self.screen_rows()[:-1]}:
            self._place(max(1, line - self.size.height // 3))
        self.refresh()
        self.moved()

    def follow(self, on: bool = True) -> None:
        """Show the end and what comes, or let the view stand."""
        if on:
            self._following, self._wanted = True, None
            self._to_end()
            self.notify_grown()
        else:
            self._stop_following()
        self.moved()

    def action_down(self) -> None:
        self._scroll_rows(1)

    def action_up(self) -> None:
        self._scroll_rows(-1)

    def action_page_down(self) -> None:
        self._scroll_rows(max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        self._scroll_rows(-max(1, self.size.height - 1))

    def action_half_down(self) -> None:
        self._scroll_rows(max(1, self.size.height // 2))

    def action_half_up(self) -> None:
        self._scroll_rows(-max(1, self.size.height // 2))

    def action_first(self) -> None:
        self._stop_following()
        self._place(1)

    def action_last(self) -> None:
        self.follow()

    def action_follow(self) -> None:
        self.follow(not self._following)

    def action_left(self) -> None:
        self._left = max(0, self._left - _LEFT_STEP_CELLS)
        self.refresh()

    def action_right(self) -> None:
        if not self._wraps:
            furthest = max(0, self.widest_on_screen() - self.text_width)
            self._left = max(self._left, min(self._left + _LEFT_STEP_CELLS, furthest))
            self.refresh()

    def action_wrap(self) -> None:
        top = self.top_line
        self._wraps, self._left, self._top_row, self._rows = not self._wraps, 0, 0, None
        self._fit_height()
        if self._following:
            self._to_end()
        else:
            self._place(top)
        self.moved()
