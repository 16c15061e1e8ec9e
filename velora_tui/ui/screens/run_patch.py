"""The Patch tab: what the model changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from velora_tui.ui.screens.run_place import Place, read_patch
from velora_tui.ui.screens.run_tab import LinesTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Cell
from velora_tui.view.diff import Diff, file_lines, summary
from velora_tui.view.lines import Line


class PatchTab(LinesTab):
    """The patch under the list of its files; enter on a file goes to it, n and N go from hunk to hunk."""

    TITLE = "Patch"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._diff: Diff | None = None

    async def load(self, place: Place) -> None:
        """Read the patch and show it."""
        diff = await asyncio.to_thread(read_patch, place)
        if not self.is_current_place(place):
            return
        self._diff = diff
        if diff is None or not diff.lines:
            self.show_nothing(_why_none(place))
            return
        files = file_lines(diff)
        marks = [diff.lines[start].key for start in diff.hunk_starts]
        self.lines.show([*files, *([Line()] if files else []), *diff.lines], keep_place=False, landmarks=marks)
        self.say_status(self.summary_with_hits())

    @property
    def path(self) -> Path | None:
        return self.place.patch if self.place and self._diff else None

    def summary(self) -> Cell:
        """Return size, files and changes."""
        return summary(self._diff) if self._diff else ""

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Go to the file chosen."""
        number = (event.key or "").removeprefix("file:")
        diff = self._diff
        if diff and number != event.key and int(number) < len(diff.file_starts):
            self.lines.move_to(diff.lines[diff.file_starts[int(number)]].key, on_top=True)


def _why_none(place: Place) -> str:
    if not place.attempt.state.is_over:
        return "no patch yet: it comes when the evaluation has been collected"
    if place.attempt.outcome is not None:
        return "the model left no patch: the Trajectory tab shows what it did"
    return "the attempt ended before a patch was collected: the Log tab shows why, r retries"
