"""Readiness: instances by checks, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.ui.screens.table import TableScreen
from velora_tui.view.cells import Cell, Span
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.readiness_rows import FILTER_KEYS, readiness_columns, readiness_entries
from velora_tui.view.text import count


class ReadinessScreen(TableScreen):
    """Rows are instances."""

    NAME = "readiness"
    FILTER_KEYS = FILTER_KEYS
    FILTER_HELP = "words  /regex/  !not  state:ready check:disk instance:eval tag:gpu"
    EMPTY_TEXT = "the fleet has no instances — add [[instances]] to the fleet file"

    def entries(self, snapshot: FleetSnapshot) -> Sequence[Entry]:
        """Return the instances."""
        return readiness_entries(snapshot)

    def columns(self, snapshot: FleetSnapshot) -> Sequence[Column]:
        """Return a column a check."""
        return readiness_columns(snapshot)

    def summary(self, snapshot: FleetSnapshot) -> Cell:
        """Return how many are ready."""
        known = [row for row in snapshot.instances if row.readiness is not None]
        if not known:
            return Span("not checked yet: c checks ", "look")
        ready = sum(row.readiness.ready for row in known if row.readiness)
        return Span(count(ready), "good"), Span(f"/{count(len(snapshot.instances))} ready ", "dim")

    def run_of(self, key: str) -> Run | None:
        """Return the latest run on the instance."""
        row = self.instance_of(key)
        return row.run if row else None

    def instance_of(self, key: str) -> InstanceSnapshot | None:
        """Return the instance of the row."""
        return self.snapshot.instance(key) if self.snapshot else None
