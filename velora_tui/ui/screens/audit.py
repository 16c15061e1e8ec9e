"""Everything that Velora did on instances, the latest first, with the exact commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from textual.app import ComposeResult
from textual.containers import Vertical

from velora_tui.domain.events import AnyEvent
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import VeloraError
from velora_tui.ui.screens.table import TableScreen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.view.audit_rows import COLUMNS, FILTER_KEYS, audit_entries, deed_lines, deed_of
from velora_tui.view.cells import Cell, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.text import count

LOOK_AGAIN_SECONDS = 2.0


class AuditScreen(TableScreen):
    """Of the instances named, or of all; what is done meanwhile comes on top."""

    NAME = "audit"
    TAB = "readiness"
    FILTER_KEYS = FILTER_KEYS
    ENTER = "details"
    FILTER_HELP = "words  /regex/  !not  kind:command,repair,run instance:eval what:push by:me"

    def __init__(self, instances: Sequence[str]) -> None:
        super().__init__()
        self._named = tuple(instances)
        self._instances = self._named
        self._events: list[AnyEvent] | None = None
        self._problem = ""
        self._entries: list[Entry] = []
        self._made_of: tuple[list[AnyEvent] | None, date] | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the table, and below it the deed under the cursor in full."""
        yield LiveTable((), id="table")
        with Vertical(id="pane"):
            yield LineList(id="deed-lines")

    @property
    def lines(self) -> LineList:
        """The deed in full."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Read the journal, and what comes into it later."""
        self.set_interval(LOOK_AGAIN_SECONDS, self._look_again)
        self._look_again()

    def _look_again(self) -> None:
        if self.is_current and self.dashboard.is_live:
            self.perform(self._read(self._instances), group="read")

    async def _read(self, instances: tuple[str, ...]) -> None:
        known = self._events or []
        try:
            after = known[-1].seq if known else 0
            found = await self.dashboard.engine.audit(instances, after=after)
        except VeloraError as error:
            self._problem = error.explain()
        else:
            self._problem = ""
            if instances == self._instances and known == (self._events or []) and (found or self._events is None):
                self._events = [*known, *found]
        self.dashboard.refresh_now()

    def do_audit_all(self) -> None:
        """Show what was done on all instances, or again on those named."""
        self._instances = () if self._instances else self._named
        self._events = None
        self._look_again()

    # --- rows

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the deeds; their rows change with the events alone, and with the day."""
        made_of = self._events, snapshot.at.astimezone().date()
        if self._made_of is None or self._made_of[0] is not made_of[0] or self._made_of[1] != made_of[1]:
            self._made_of = made_of
            self._entries = audit_entries(self._events or (), snapshot.runs, snapshot.at)
        return self._entries

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return when, where, what, how, by whom."""
        return COLUMNS

    def _empty_text(self, entries: Sequence[Entry]) -> str:
        if self._problem:
            return f"✗ {self._problem}"
        if self._events is None:
            return "reading the journal …"
        if entries:
            return super()._empty_text(entries)
        return f"Velora has done nothing on {self._where} yet: checks only look"

    @property
    def _where(self) -> str:
        names = self._instances
        if not names:
            return "the fleet"
        return ", ".join(names) if len(names) <= 3 else f"{count(len(names))} instances"

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return whose deeds they are."""
        return Span("audit of ", "dim"), Span(f"{self._where} ", "strong")

    def run_of(self, key: str) -> Run | None:
        """Return none: rows stand for deeds."""
        return None

    # --- the deed in full

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Show the rows, and the one under the cursor in full."""
        super().refresh_snapshot(snapshot)
        self._show_deed()

    def on_live_table_row_highlighted(self) -> None:
        """Show the deed one came to."""
        super().on_live_table_row_highlighted()
        self.call_after_refresh(self._show_deed)

    def _current(self) -> AnyEvent | None:
        key = self.table.cursor_key
        return next((event for event in self._events or () if str(event.seq) == key), None)

    def _show_deed(self) -> None:
        event = self._current()
        runs = self.snapshot.runs if self.snapshot else {}
        lines = deed_lines(event, runs) if event is not None else []
        if lines != list(self.lines.lines):
            self.lines.show(lines, keep_place=False)

    def do_details(self) -> None:
        """Go into the deed in full."""
        self.lines.focus()

    def do_copy(self) -> None:
        """Copy the exact commands of the marked rows, or of the one under the cursor; what has none, its words."""
        keys = set(self.target_keys)
        deeds = [
            deed_of(event, self.snapshot.runs if self.snapshot else {})
            for event in self._events or ()
            if str(event.seq) in keys
        ]
        text = "\n".join(deed.command.strip("\n") or deed.what for deed in deeds if deed is not None)
        if text:
            self.dashboard.copy_text(text)

    def on_line_list_copy_requested(self, event: LineList.CopyRequested) -> None:
        """Copy the line."""
        self.dashboard.copy_text(event.text)

    def do_back(self) -> None:
        """Leave the deed, then as any table."""
        if self.lines.has_focus:
            self.table.focus()
        else:
            super().do_back()
