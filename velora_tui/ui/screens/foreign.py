"""Somebody else's run on one of our instances: its log, read as it is written. Nothing here changes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.app import ComposeResult

from velora_tui.domain.events import LogGrew
from velora_tui.domain.names import is_safe_name
from velora_tui.domain.readiness import Holder
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.engine.foreign import Watched, WatchEnd
from velora_tui.errors import UsageError, VeloraError
from velora_tui.ui.outside import open_outside
from velora_tui.ui.screens.base import BaseScreen
from velora_tui.ui.widgets.filter_bar import FilterBar
from velora_tui.ui.widgets.log_status import search_words, status_words
from velora_tui.ui.widgets.log_view import LogView
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Span
from velora_tui.view.holders import holder_words

_ENDS: dict[WatchEnd, str] = {
    "given-back": "the instance was given back",
    "taken": "somebody else has the instance now",
    "left": "the Velora that drove it is gone, its lease is left",
}


class ForeignScreen(BaseScreen):
    """Follows the run of `holder` on `instance` from its opening until it is left, or the run is over."""

    NAME = "foreign"
    TAB = "fleet"
    FILTER_HELP = "words or a regular expression"

    def __init__(self, instance: str, holder: Holder) -> None:
        super().__init__()
        self._instance = instance
        self._holder = holder
        self._phases: list[str] = []
        self._phase: str | None = None
        self._standing = Span("● connecting …", "dim")

    def compose_body(self) -> ComposeResult:
        """Yield whose run it is, the log, and how that stands."""
        yield SplitLine(id="foreign-title")
        yield LogView(empty_text="its log comes as soon as the instance answers", id="foreign-log")
        yield SplitLine(id="log-status")

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Begin to follow."""
        self.log_view.focus()
        self.perform(self._follow(), group="follow")

    def refresh_snapshot(self, snapshot: FleetSnapshot) -> None:
        """Say whose run it is, and how it stands."""
        holder = self._holder
        left = (
            Span(f" {self._instance}", "strong"),
            Span(f"  {holder_words(holder, snapshot.at)}", "run"),
            Span(f"  run {holder.run} · attempt {holder.attempt} · read-only", "dim"),
        )
        self.query_one("#foreign-title", SplitLine).show(left, (self._standing, Span(" ")))

    # --- following

    async def _follow(self) -> None:
        for phase in await asyncio.to_thread(self._phases_at_home):
            self._learn(phase)
        self._stand(Span("● following", "good"))
        try:
            await self.dashboard.engine.follow_foreign(self._instance, self._watched)
        except VeloraError as error:
            self._stand(Span(f"✗ not followed: {error.title}", "bad"))
            self.log_view.say_where_empty(error.explain())
            raise
        if not self.dashboard.engine.read_only:
            await self.dashboard.engine.check([self._instance])

    def _watched(self, watched: Watched) -> None:
        if watched.end is not None:
            self._stand(Span(f"■ over: {_ENDS[watched.end]}", "look"))

    def _stand(self, standing: Span) -> None:
        self._standing = standing
        self._show_status()
        self.dashboard.refresh_now()

    def _phases_at_home(self) -> list[str]:
        """Return the phases whose logs were copied when the run was followed before, the oldest first."""
        if not is_safe_name(self._holder.run):
            return []
        try:
            logs = sorted(self._log("x").parent.glob("*.log"), key=lambda path: path.stat().st_mtime)
        except OSError:
            return []
        return [path.stem for path in logs]

    def _log(self, phase: str) -> Path:
        return self.dashboard.engine.layout.log(self._holder.run, self._holder.attempt, phase)

    def log_grew(self, notice: LogGrew) -> None:
        """Read on, or go on to a phase that began while one follows."""
        if not self.has_body or (notice.run, notice.attempt) != (self._holder.run, self._holder.attempt):
            return
        if notice.phase not in self._phases:
            self._learn(notice.phase)
        elif notice.phase == self._phase:
            self.log_view.notify_grown()

    def _learn(self, phase: str) -> None:
        self._phases.append(phase)
        if self._phase is None or self.log_view.following:
            self._show(phase)
        else:
            self._show_status()

    def _show(self, phase: str) -> None:
        self._phase = phase
        self.log_view.say_where_empty(f"{phase} has written nothing yet")
        self.log_view.open(self._log(phase))
        self._show_status()

    # --- keys

    def do_next_phase(self) -> None:
        self._step(1)

    def do_previous_phase(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        here = self._phases.index(self._phase) + by if self._phase in self._phases else -1
        if 0 <= here < len(self._phases):
            self._show(self._phases[here])
        else:
            self.say("no later phase has begun" if by > 0 else "this is the first phase", is_problem=True)

    def do_search(self) -> None:
        """Let one type what to look for."""
        self.query_one(FilterBar).open(self.log_view.status.pattern)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Look for what is typed as it is typed."""
        self._search(event.text)
        if event.kept:
            self.log_view.focus()

    def on_filter_bar_given_up(self, event: FilterBar.GivenUp) -> None:
        """Look for what was looked for before."""
        self._search(event.text)
        self.log_view.focus()

    def _search(self, text: str) -> None:
        bar = self.query_one(FilterBar)
        try:
            self.log_view.search(text)
            bar.show_problem("")
        except UsageError as error:
            bar.show_problem(error.message)

    def do_edit(self) -> None:
        """Open the copy of the log in the operator's editor."""
        if self._phase is None:
            self.say("there is no log to open here yet", is_problem=True)
        else:
            self.perform(open_outside(self.app, self._log(self._phase)), group="outside")

    def do_copy(self) -> None:
        """Copy the selected text, or the current line."""
        self.log_view.action_copy()

    def do_back(self) -> None:
        """End a search, else leave."""
        if self.log_view.status.pattern:
            self.log_view.clear_search()
        else:
            super().do_back()

    # --- what the log tells

    def on_log_view_status_changed(self) -> None:
        """Say how the log stands."""
        self._show_status()

    def on_log_view_copy_requested(self, event: LogView.CopyRequested) -> None:
        """Copy."""
        self.dashboard.copy_text(event.text)

    def on_log_view_not_found(self, event: LogView.NotFound) -> None:
        """Say what was not found."""
        self.say(event.what, is_problem=True)

    def _show_status(self) -> None:
        status = self.log_view.status
        is_last = bool(self._phases) and self._phase == self._phases[-1]
        grows = is_last and self._standing.tone == "good"
        later = Span("" if is_last or not self._phases else f"   {self._phases[-1]} has begun: }} shows it", "look")
        left = (Span(f" {self._phase or ''}", "strong"), *search_words(status), later)
        self.query_one("#log-status", SplitLine).show(left, status_words(status, grows=grows))
