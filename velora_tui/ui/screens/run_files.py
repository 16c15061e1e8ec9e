"""The Files tab: what lies in the attempt's folder."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from velora_tui.errors import StoreError
from velora_tui.ui.screens.run_place import MOST_FILES, Place, is_text, list_files
from velora_tui.ui.screens.run_tab import LinesTab, RunTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Cell, Span
from velora_tui.view.lines import Line
from velora_tui.view.text import count, size


class FilesTab(LinesTab):
    """The harness's tree with sizes; enter shows a text."""

    TITLE = "Files"
    SEARCH = "Find files by name"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._files: list[tuple[str, int]] = []

    async def load(self, place: Place) -> None:
        """List the files and show them."""
        files = await asyncio.to_thread(list_files, place.folder)
        if not self.is_current_place(place):
            return
        self._files = files
        if files:
            self.lines.show(_tree(files), keep_place=False)
            self.say_status(self.summary_with_hits())
        else:
            self.show_nothing(_why_none(place))

    def summary(self) -> Cell:
        """Return how many files there are and how large they are."""
        number = f"{count(len(self._files))}{'+' if len(self._files) == MOST_FILES else ''}"
        return (
            Span(number, "strong"),
            Span(" files  ", "dim"),
            Span(size(sum(length for _, length in self._files)), "dim"),
        )

    @property
    def path(self) -> Path | None:
        """The file under the cursor."""
        key = self.lines.cursor_key
        return self.place.folder / key.removeprefix("file:") if self.place and key else None

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Show the file chosen."""
        if self.path is not None:
            self.host.perform(self._open(self.path))

    async def _open(self, path: Path) -> None:
        try:
            shows = await asyncio.to_thread(is_text, path)
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from None
        if shows:
            self.post_message(RunTab.FileWanted(path))
        else:
            self.host.say(f"{path.name} is no text: e opens it in $EDITOR or $PAGER")


def _tree(files: list[tuple[str, int]]) -> list[Line]:
    """Return the files under the folders they are in."""
    lines: list[Line] = []
    folder = PurePosixPath()
    for name, length in files:
        path = PurePosixPath(name)
        if path.parent != folder:
            folder = path.parent
            lines.append(Line((Span(f"   {folder}/", "dim"),)))
        indent = "     " if path.parent.parts else "   "
        lines.append(Line((Span(f"{indent}{path.name}"),), (Span(size(length), "dim"),), key=f"file:{name}"))
    return lines


def _why_none(place: Place) -> str:
    if not place.attempt.state.is_over:
        return "no files yet: they come with the phase collect"
    return "the attempt ended before its files were collected: the Log tab shows why, r retries"
