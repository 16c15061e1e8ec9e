"""The queue: what waits in its order, and what runs."""

from __future__ import annotations

from collections.abc import Sequence

from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.screens.table import TableScreen
from velora_tui.view.cells import Cell
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.queue_rows import COLUMNS, FILTER_KEYS, queue_entries, queue_summary


class QueueScreen(TableScreen):
    """Rows are runs."""

    NAME = "queue"
    FILTER_KEYS = FILTER_KEYS
    FILTER_HELP = "words  /regex/  !not  state:queued model:gpt repo:django instance:eval run:2"
    EMPTY_TEXT = "nothing waits and nothing runs — s starts a run"

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the active runs."""
        return queue_entries(snapshot)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return the columns."""
        return COLUMNS

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return how many wait and run."""
        return queue_summary(snapshot)

    def run_of(self, key: str) -> Run | None:
        """Return the run of the row."""
        return self.snapshot.runs.get(key) if self.snapshot else None
