"""The order of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from velora_tui.view.entries import Entry


@dataclass(frozen=True, slots=True)
class Order:
    """By which column rows are sorted; None leaves them as they come."""

    column: str | None = None
    descending: bool = False

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries in this order; equal ones, and those that have nothing to sort by, keep theirs."""
        entries = list(entries)
        column = self.column
        if column is None:
            return entries
        known = [entry for entry in entries if column in entry.order]
        known.sort(key=lambda entry: entry.order[column], reverse=self.descending)
        return known + [entry for entry in entries if column not in entry.order]

    def turned(self, column: str) -> Order:
        """Return the order after a click on `column`: by it, then the other way round, then as they come."""
        if column != self.column:
            return Order(column)
        return Order() if self.descending else Order(column, descending=True)
