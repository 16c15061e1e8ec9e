"""The Patch tab: what the model changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from velora_tui.ui.screens.run_place import Place, read_patch
from velora_tui.ui.screens.run_tab import LinesTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Cell
from velora_tui.view.diff import Diff, file_lines, summary
from velora_tui.view.diff_layout import DiffLayout, lay_out
from velora_tui.view.lines import Line, PackedLines

HALVED_CELLS = 140


class PatchTab(LinesTab):
    """The patch under the list of its files; enter on a file goes to it, n and N go from hunk to hunk."""

    TITLE = "Patch"
    SEARCH = "Search the patch"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "d",
            "halve",
            "Side by side",
            show=False,
            id="patch.halve",
            tooltip="What was and what is side by side, or below each other",
        ),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._diff: Diff | None = None
        self._layout: DiffLayout | None = None
        self._wants_halves: bool | None = None
        self._shows_halves = False

    async def load(self, place: Place) -> None:
        """Read the patch and show it."""
        diff = await asyncio.to_thread(read_patch, place)
        if not self.is_current_place(place):
            return
        self._diff = diff
        if diff is None or not diff.lines:
            self._layout = None
            self.show_nothing(_why_none(place))
            return
        layout = await asyncio.to_thread(lay_out, diff)
        if self.is_current_place(place):
            self._layout = layout
            self._draw(keep_place=False)

    @property
    def _is_halved(self) -> bool:
        return self.size.width >= HALVED_CELLS if self._wants_halves is None else self._wants_halves

    def _draw(self, *, keep_place: bool) -> None:
        """Show the files, and below them the patch as there is room for it."""
        diff, layout = self._diff, self._layout
        if diff is None or layout is None:
            return
        self._shows_halves = self._is_halved
        files = file_lines(diff)
        body = layout.halved if self._shows_halves else layout.unified
        marks = [diff.lines.keys[start] for start in diff.hunk_starts]
        shown = PackedLines([*files, *([Line()] if files else [])])
        shown.extend(body)
        self.lines.show(shown, keep_place=keep_place, landmarks=marks)
        self.say_status(self.summary_with_hits())

    def on_resize(self) -> None:
        """Lay it out anew where it goes from narrow to wide, or back."""
        if self._is_halved != self._shows_halves:
            self._draw(keep_place=True)

    def action_halve(self) -> None:
        self._wants_halves = not self._is_halved
        self._draw(keep_place=True)

    @property
    def path(self) -> Path | None:
        return self.place.patch if self.place and self._diff else None

    def text_to_copy(self, shown: str) -> str:
        """Return the line as the patch has it; of two halves the code alone, the new one where there is one."""
        key = self.lines.cursor_key or ""
        if self._diff is None or not key.isdigit():
            return shown
        raw = self._diff.lines[int(key)].left[0].text.rstrip("\r")
        return raw[1:] if self.lines.lines[self.lines.cursor_place].halved else raw

    def summary(self) -> Cell:
        """Return size, files and changes."""
        return summary(self._diff) if self._diff else ""

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Go to the file chosen."""
        number = (event.key or "").removeprefix("file:")
        diff = self._diff
        if diff and number != event.key and int(number) < len(diff.file_starts):
            self.lines.move_to(diff.lines.keys[diff.file_starts[int(number)]], on_top=True)


def _why_none(place: Place) -> str:
    if not place.attempt.state.is_over:
        return "no patch yet: it comes when the evaluation has been collected"
    if place.attempt.outcome is not None:
        return "the model left no patch: the Trajectory tab shows what it did"
    return "the attempt ended before a patch was collected: the Log tab shows why, r retries"
