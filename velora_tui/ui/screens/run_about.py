"""The About tab: where an attempt comes from, how good it is, what happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from pathlib import Path

from velora_tui.domain.events import AnyEvent
from velora_tui.errors import VeloraError
from velora_tui.ui.screens.run_place import Catalogued, Place, read_findings, read_result
from velora_tui.ui.screens.run_tab import LinesTab, RunTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.imported import catalogued_lines, findings_section
from velora_tui.view.quality import about_lines


class AboutTab(LinesTab):
    """Provenance, phases, quality, flags, paths and events; enter on a phase shows its log, on a path the file."""

    TITLE = "About"
    SEARCH = "Search what is said here"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._shown: tuple[str, int] | None = None

    def depends_on(self, place: Place) -> Hashable:
        """Return all that is told of the attempt."""
        return place.attempt.model_dump_json()

    async def load(self, place: Place) -> None:
        """Read result and events and show them."""
        if place.catalogued is not None:
            await self._load_catalogued(place, place.catalogued)
            return
        engine = self.host.dashboard.engine
        result = await asyncio.to_thread(read_result, place)
        events: list[AnyEvent] = []
        try:
            events = await engine.history(place.run.run)
        except VeloraError as error:
            self.host.show_error(error)
        if not self.is_current_place(place):
            return
        paths = [
            ("results", place.folder),
            ("logs", place.log("x").parent),
            ("result", place.result),
            ("test output", place.test_output),
        ]
        identity = place.run.run, place.attempt.number
        found = await asyncio.to_thread(read_findings, place) if result else ()
        if not self.is_current_place(place):
            return
        lines = [*findings_section(found), *about_lines(place.run, place.attempt, result, paths, events)]
        self.lines.show(lines, keep_place=identity == self._shown)
        self._shown = identity

    async def _load_catalogued(self, place: Place, known: Catalogued) -> None:
        """Show what the catalog knows of a run, and what is suspicious about it."""
        found = await asyncio.to_thread(read_findings, place)
        if self.is_current_place(place):
            paths = [("folder", place.folder), ("test output", known.test_output), ("record", known.record)]
            there = [(label, path) for label, path in paths if path is not None]
            self.lines.show(catalogued_lines(known.row, known.result, there, found), keep_place=False)

    @property
    def path(self) -> Path | None:
        """The path under the cursor, else the result."""
        key = self.lines.cursor_key or ""
        if key.startswith("path:"):
            return Path(key.removeprefix("path:"))
        return self.place.result if self.place else None

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Show the log of a phase, or a file."""
        kind, _, rest = (event.key or "").partition(":")
        if kind == "phase" and self.place:
            self.post_message(RunTab.FileWanted(self.place.log(rest)))
        elif kind == "path" and not Path(rest).is_dir():
            self.post_message(RunTab.FileWanted(Path(rest)))
        elif kind == "line" and self.place:
            self.post_message(RunTab.FileWanted(self.place.test_output, int(rest)))
