"""Where things lie on the operator's machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from velora_tui.domain.run import Run


@dataclass(frozen=True)
class Layout:
    """The folders of one operator: state (journal, logs, tasks) and results."""

    state: Path
    results: Path

    @classmethod
    def under(cls, state: Path, results: Path | None = None) -> Layout:
        """Return the layout of `state`, with results beside the journal unless named elsewhere."""
        return cls(state, results or state / "results")

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def tasks(self) -> Path:
        return self.state / "tasks"

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    @property
    def form(self) -> Path:
        """What the start form was last filled in with."""
        return self.state / "start-form.json"

    @property
    def views(self) -> Path:
        """The filters and orders in which the dashboard's tables were left."""
        return self.state / "views.json"

    @property
    def error_log(self) -> Path:
        return self.state / "velora-errors.log"

    def log(self, run: str, attempt: int, phase: str) -> Path:
        return self.state / "logs" / run / str(attempt) / f"{phase}.log"

    def progress(self, run: str) -> Path:
        """Where the process that drives a run says how far it is, for the other ones that show it."""
        return self.state / "progress" / f"{run}.json"

    def work(self, run: str, attempt: int) -> Path:
        """Return the folder where an attempt's files are prepared before they are sent."""
        return self.state / "work" / f"{run}.{attempt}"

    def attempt_results(self, run: Run, attempt: int) -> Path:
        return self.results / run.task / run.model / f"run_{run.run_number}" / f"attempt_{attempt}"
