"""Why runs failed: the failures of the fleet by their causes, each to be mended and retried at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.failure import FailedAttempt, FailureGroup
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.engine.diagnosis import diagnose_attempt
from velora_tui.ui.cause_targets import failed_targets, remedy_of
from velora_tui.ui.causes import Causes
from velora_tui.ui.keys import Targets
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.causes import (
    CauseKey,
    cause_key,
    cause_lines,
    excerpt_lines,
    excerpt_title,
    line_key,
    member_key,
)
from velora_tui.view.cells import Span
from velora_tui.view.remedies import Remedy
from velora_tui.view.text import count

_NOTHING = "no run has failed: what fails is brought together here by its cause"


class CausesScreen(BaseScreen):
    """A cause's keys are about all its members, a member's about that one."""

    NAME = "causes"
    TAB = "fleet"

    def __init__(self, cause: CauseKey | None = None) -> None:
        super().__init__()
        self._wanted = cause
        self._causes = Causes()
        self._is_counted = False
        self._catalog_version = -1
        self._excerpt_of: FailedAttempt | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the causes, and below them the log around the evidence."""
        yield LineList(empty_text="bringing failures together …", id="causes")
        with Vertical(id="pane"):
            yield SplitLine(id="pane-title")
            yield LineList(id="excerpt")

    @property
    def lines(self) -> LineList:
        """The causes."""
        return self.query_one("#causes", LineList)

    def on_mount(self) -> None:
        """Give the keys to the causes."""
        self.query_one("#excerpt", LineList).can_focus = False
        self.lines.focus()
        self.dashboard.catalog.open()

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Count anew where a run has changed, or the catalog."""
        if self._catalog_version != self.dashboard.catalog.version:
            self._catalog_version = self.dashboard.catalog.version
            self._is_counted = False
        if not self._is_counted or self._causes.are_old(snapshot.runs):
            self.perform(self._count(snapshot), group="causes")

    async def _count(self, snapshot: FleetSnapshot) -> None:
        is_other = await self._causes.count(snapshot.runs)
        if not is_other and self._is_counted:
            return
        self._is_counted = True
        groups = self._causes.groups
        self.lines.empty_text = f"{_NOTHING}{self._void_words()}"
        self.lines.show(cause_lines(groups, snapshot.fleet))
        if self._wanted is not None:
            wanted = next((group for group in groups if cause_key(group) == self._wanted), None)
            self._wanted = None
            if wanted is not None:
                self.lines.move_to(line_key(wanted), on_top=True)
        failures = sum(len(group.members) for group in groups)
        words = f"{count(failures)} failed, {count(len(groups))} cause{'' if len(groups) == 1 else 's'} "
        self.show_status(Span(words if groups else "", "dim"))
        self._show_excerpt()
        self.refresh_footer()

    def _void_words(self) -> str:
        """Return what one should know of imported runs, which don't fail here; "" where all prove something."""
        void = sum(row.origin == "import" and not row.is_valid for row in self.dashboard.catalog.rows)
        prove = "imported run proves" if void == 1 else "imported runs prove"
        return f" · {count(void)} {prove} nothing of the model: in Results, / origin:import valid:no" if void else ""

    # --- what is at hand

    def _at_hand(self) -> tuple[FailureGroup | None, tuple[FailedAttempt, ...]]:
        """Return the cause the cursor is in, and the members that are meant: all, or the one under the cursor."""
        key = self.lines.cursor_key
        for group in self._causes.groups:
            if key == line_key(group):
                return group, group.members
            for member in group.members:
                if key == member_key(group, member):
                    return group, (member,)
        return None, ()

    def targets(self) -> Targets:
        """Return the runs and instances of the members that are meant."""
        targets = super().targets()
        if not self.has_body or self.snapshot is None:
            return targets
        return failed_targets(self._at_hand()[1], targets, self.snapshot)

    def remedies(self) -> Sequence[Remedy]:
        """Return the repair of the cause, on the instances of the members that are meant."""
        group, members = self._at_hand()
        remedy = remedy_of(group, members) if group is not None else None
        return (remedy,) if remedy is not None else super().remedies()

    def on_line_list_highlighted(self) -> None:
        """Show the log of the line one came to."""
        self._show_excerpt()
        self.refresh_footer()

    def on_line_list_opened(self) -> None:
        """Open the run at its line of evidence; of a cause, that of its latest member."""
        member = self._shown_member()
        if member is not None:
            failure = member.failure
            self.dashboard.open_run(member.run, member.attempt, failure.phase, failure.line)

    def do_log(self) -> None:
        """Show the log at the line of evidence."""
        member = self._shown_member()
        if member is not None:
            self.dashboard.open_log(member.run, member.attempt, member.failure.phase, member.failure.line)

    def on_line_list_copy_requested(self, event: LineList.CopyRequested) -> None:
        """Copy the line."""
        self.dashboard.copy_text(event.text)

    def do_copy(self) -> None:
        self.lines.action_copy()

    # --- the log around the evidence

    def _shown_member(self) -> FailedAttempt | None:
        _, members = self._at_hand()
        return members[-1] if members else None

    def _show_excerpt(self) -> None:
        member = self._shown_member()
        if member == self._excerpt_of:
            return
        self._excerpt_of = member
        self.query_one("#pane-title", SplitLine).show(excerpt_title(member))
        run = self.snapshot.runs.get(member.run) if member and self.snapshot else None
        if member is None or run is None:
            self.query_one("#excerpt", LineList).show(())
        else:
            self.perform(self._read_excerpt(member, run), group="excerpt")

    async def _read_excerpt(self, member: FailedAttempt, run: Run) -> None:
        found = await asyncio.to_thread(diagnose_attempt, self.dashboard.engine.layout, run, member.attempt)
        if member != self._excerpt_of or not self.is_attached:
            return
        excerpt = self.query_one("#excerpt", LineList)
        excerpt.empty_text = "no log of it is here" if found.log is None else "its log is empty"
        excerpt.show(excerpt_lines(found.around, found.failure.line if found.failure else None), keep_place=False)
