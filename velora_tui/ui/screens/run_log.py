"""A log of an attempt with its status line: the Log tab of a run's page, and the whole of the Log screen."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from textual.app import ComposeResult

from velora_tui.domain.events import LogGrew, PhaseState
from velora_tui.errors import VeloraError
from velora_tui.store.log_file import LogFile
from velora_tui.ui.screens.run_place import Place
from velora_tui.ui.screens.run_tab import RunTab
from velora_tui.ui.widgets.log_status import search_words, status_words
from velora_tui.ui.widgets.log_view import LogView
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Span


class LogTab(RunTab):
    """The log of a phase, or one file of the attempt's tree; it opens at the line of evidence if there is one."""

    TITLE = "Log"
    SEARCH = "Search the log"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._phase: str | None = None
        self._path: Path | None = None
        self._wanted: tuple[str | None, int | None] = (None, None)

    def compose(self) -> ComposeResult:
        """Yield the log, and the line that says how it stands."""
        yield LogView()
        yield SplitLine(id="log-status")

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def phase(self) -> str | None:
        """The phase whose log is shown, None where it is another file's."""
        return self._phase

    @property
    def path(self) -> Path | None:
        """The file that is shown."""
        return self._path

    def want(self, phase: str | None, line: int | None) -> None:
        """Open this phase at this line when the next attempt is shown, instead of what matters most."""
        self._wanted = phase, line

    def forget(self) -> None:
        """Show the next attempt as if none had been shown."""
        self.place = None

    def depends_on(self, place: Place) -> Hashable:
        """Return the attempt: a log that is open grows by itself."""
        return place.run.run, place.attempt.number

    def show_place(self, place: Place) -> None:
        """Show the attempt; where one follows a phase that is over, go on to the one that runs now."""
        is_new = self.place is None or self.depends_on(place) != self.depends_on(self.place)
        before, self.place = self.place, place
        if is_new:
            phase, line = self._wanted
            self._wanted = (None, None)
            if not place.phase_to_show():
                self.show_file(place.test_output, line)
                return
            self.show_phase(phase or place.phase_to_show(), line)
        elif before is not None and self._follows_end_of(before):
            self.show_phase(place.phase_to_show())
        else:
            self.notify_grown()
            self._show_status()

    def _follows_end_of(self, before: Place) -> bool:
        """Return whether one followed the phase that mattered, and another one does now."""
        if self.place is None or not self.log_view.following or self._phase != before.phase_to_show():
            return False
        return self.place.phase_to_show() != self._phase

    def show_phase(self, phase: str, line: int | None = None) -> None:
        """Show the log of a phase: at `line`, else at its failure's evidence, else at its end."""
        place = self.place
        if place is None:
            return
        failure = place.attempt.failure
        if line is None and failure is not None and failure.phase == phase:
            line = failure.line
        states = {known.name: known.state for known in place.attempt.phases}
        self._phase, self._path = phase, place.log(phase)
        self.log_view.say_where_empty(_why_empty(phase, states.get(phase)))
        self.log_view.open(LogFile(self._path), line=line)
        self._show_status()

    def show_file(self, path: Path, line: int | None = None) -> None:
        """Show any file of the attempt, from its start or at `line`."""
        phases = [phase.name for phase in self.place.attempt.phases] if self.place else []
        self._phase = next((name for name in phases if self.place and self.place.log(name) == path), None)
        self._path = path
        self.log_view.say_where_empty("this file is empty or gone: [ and ] lead to the other tabs")
        self.log_view.open(LogFile(path), line=line, follow=False)
        self._show_status()

    def close_file(self) -> None:
        """Show the log again next time, where a file was shown that is none."""
        if self.place is not None and self._phase is None and self._path != self.place.test_output:
            self.forget()

    def step_phase(self, by: int) -> str | None:
        """Show the log of the next or previous phase that has begun; return what is wrong where there is none."""
        if self.place is None:
            return "no run is shown"
        if not self.place.attempt.phases:
            return "an imported run has no logs of its phases: the Files tab has what it left"
        names = [phase.name for phase in self.place.attempt.phases if phase.state is not PhaseState.PENDING]
        here = names.index(self._phase) if self._phase in names else (-1 if by > 0 else len(names))
        if not 0 <= here + by < len(names):
            return "no later phase has begun" if by > 0 else "this is the first phase"
        self.show_phase(names[here + by])
        return None

    @property
    def _grows(self) -> bool:
        """Whether the phase that is shown runs."""
        phases = self.place.attempt.phases if self.place else ()
        return any(phase.name == self._phase and phase.state is PhaseState.RUNNING for phase in phases)

    def log_grew(self, notice: LogGrew) -> None:
        """Read on where the notice is about this log."""
        place = self.place
        if place and (notice.run, notice.attempt, notice.phase) == (
            place.run.run,
            place.attempt.number,
            self._phase,
        ):
            self.notify_grown()

    def notify_grown(self) -> None:
        """Read what was appended."""
        self.log_view.notify_grown()

    # Search

    @property
    def search_text(self) -> str:
        return self.log_view.status.pattern

    def search(self, text: str) -> None:
        """Search the log off the loop."""
        self.log_view.search(text)

    # What the view tells

    def on_log_view_status_changed(self, event: LogView.StatusChanged) -> None:
        """Say how the log stands."""
        self._show_status()

    def on_log_view_copy_requested(self, event: LogView.CopyRequested) -> None:
        """Copy."""
        self.host.dashboard.copy_text(event.text)

    def on_log_view_not_found(self, event: LogView.NotFound) -> None:
        """Say what was not found."""
        self.host.say(event.what, is_problem=True)

    def show_problem(self, error: VeloraError) -> None:
        """Say what is wrong."""
        self.host.show_error(error)

    def _show_status(self) -> None:
        status = self.log_view.status
        name = Span(f" {self._phase or (self._path.name if self._path else '')}", "strong")
        self.query_one("#log-status", SplitLine).show(
            (name, *search_words(status)), status_words(status, grows=self._grows)
        )


def _why_empty(phase: str, state: PhaseState | None) -> str:
    if state is PhaseState.PENDING:
        return f"{phase} has not begun yet"
    if state is PhaseState.SKIPPED:
        return f"{phase} was skipped: an earlier attempt did it, or there was nothing to do; p shows the attempt before"
    return f"{phase} has written nothing yet"
