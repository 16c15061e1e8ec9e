"""A critical file of one instance against its good copy: what a push would change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult

from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import VeloraError
from velora_tui.readiness.repairs.push_files import PUSH_FILES
from velora_tui.ui.keys import Targets
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span
from velora_tui.view.diff import Diff, read_diff, summary
from velora_tui.view.files_rows import first_odd
from velora_tui.view.remedies import Remedy


class FileDiffScreen(BaseScreen):
    """Without a `path`, of the first file that is odd on the instance."""

    NAME = "file_diff"
    TAB = "readiness"

    def __init__(self, instance: str, path: str | None = None) -> None:
        super().__init__()
        self._instance = instance
        self._path = path
        self._status: Cell = Span("… asking", "run")

    def compose_body(self) -> ComposeResult:
        """Yield whose file it is, and the difference."""
        yield SplitLine(id="diff-title")
        yield LineList(id="diff-lines")

    @property
    def lines(self) -> LineList:
        """The difference."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Ask."""
        self.lines.focus()
        self.do_compare_again()

    def do_compare_again(self) -> None:
        """Read the instance's file again."""
        self.perform(self._load(), group="diff")

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Say whose file it is."""
        arrow = Span(" → good copy", "dim")
        left = (Span(f" {self._instance}", "strong"), Span(f"  {self._path or ''}"), arrow)
        self.query_one("#diff-title", SplitLine).show(left, self._status)

    async def _load(self) -> None:
        self._say(Span("… asking ", "run"), f"reading the file on {self._instance} …")
        try:
            path = self._path = self._path or await self._first_odd()
            text = await self.dashboard.engine.file_diff(self._instance, path) if path else ""
        except VeloraError as error:
            self.lines.show(())
            self._say(Span("✗ not compared ", "bad"), f"{error.explain()}   R pushes the good copy   c asks again")
            return
        if not text:
            self.lines.show(())
            words = "the same as the good copy" if path else "no critical file is odd here"
            self._say(Span(f"✓ {words} ", "good"), f"{words}: there is nothing to push   esc goes back")
            return
        self._show(await asyncio.to_thread(read_diff, text))

    async def _first_odd(self) -> str | None:
        return first_odd(await self.dashboard.engine.file_report([self._instance]), self._instance)

    def _show(self, diff: Diff) -> None:
        marks = [diff.lines[start].key for start in diff.hunk_starts]
        self.lines.show(diff.lines, keep_place=False, landmarks=marks)
        self._say((*summary(diff), Span(" ")), "")

    def _say(self, status: Cell, where_empty: str) -> None:
        self._status = status
        self.lines.empty_text = where_empty
        self.lines.refresh()
        self.dashboard.refresh_now()

    def targets(self) -> Targets:
        """Return the instance."""
        targets = super().targets()
        row = self.snapshot.instance(self._instance) if self.snapshot else None
        instances = (row,) if row else ()
        return Targets(instances=instances, is_live=targets.is_live, read_only=targets.read_only)

    def remedies(self) -> Sequence[Remedy]:
        """Return the push of the good copies."""
        return (Remedy(PUSH_FILES.id, (self._instance,), f"{self._path} differs"),)

    def do_push(self) -> None:
        """Show what a push of the good copies would do, ask, and do it."""
        self.do_repair()

    def forget_marks(self) -> None:
        """See what the file is like now."""
        self.do_compare_again()

    def do_copy(self) -> None:
        """Copy the whole difference."""
        self.dashboard.copy_text("\n".join(line.text for line in self.lines.lines))

    def on_line_list_copy_requested(self, event: LineList.CopyRequested) -> None:
        """Copy the line."""
        self.dashboard.copy_text(event.text)
