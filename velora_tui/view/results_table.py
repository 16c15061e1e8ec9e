"""What the Results table shows: rows filtered, put in order and grouped, each step again only when it has to be."""

from __future__ import annotations

from collections.abc import Sequence

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import SORT_KEYS, Group, ResultRow, order
from velora_tui.garbage import collection_held
from velora_tui.view.cells import Row
from velora_tui.view.columns import Column
from velora_tui.view.filter import Filter
from velora_tui.view.listing import Listing, chosen, content_widths, shown_columns
from velora_tui.view.results_rows import GROUP_PREFIX, grouped
from velora_tui.view.sort import Order


class ResultsTable:
    """`rows` are all, `found` what the filter lets through in their order, `shown` the table's rows.

    `groups` are by the keys of their headers. `columns` and `widths` suit all rows.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.rows: Sequence[ResultRow] = ()
        self.found: Sequence[ResultRow] = ()
        self.shown: list[Row] = []
        self.groups: dict[str, Group] = {}
        self.columns: tuple[Column, ...] = shown_columns((), {})
        self.widths: dict[str, int] = {}
        self.unfolded: set[str] = set()
        self._fleet = fleet
        self._listing = Listing(fleet)
        self._made: dict[str, tuple[ResultRow, Row]] = {}
        self._by_key: dict[str, ResultRow] = {}
        self._stands_for: tuple[object, ...] = ()

    def take(self, rows: Sequence[ResultRow]) -> None:
        """Show other rows."""
        self.rows = rows
        self._by_key = {row.key: row for row in rows}
        self._made = {key: made for key, made in self._made.items() if self._by_key.get(key) is made[0]}
        self.widths = content_widths(rows, self._fleet)
        self.columns = shown_columns(rows, self.widths)
        self._stands_for = ()

    def arrange(self, filter: Filter, by: Order, group: str) -> bool:
        """Filter, sort and group; return whether anything had to be done."""
        wanted = (filter.text, by, group, frozenset(self.unfolded))
        if wanted == self._stands_for:
            return False
        if wanted[:2] != self._stands_for[:2]:
            found: Sequence[ResultRow] = chosen(self.rows, filter.terms, self._fleet) if filter.terms else self.rows
            is_known = by.column in SORT_KEYS  # one that is remembered may be another version's
            self.found = order(found, by.column or "", descending=by.descending) if is_known else found
        self._stands_for = wanted
        if group:
            self.shown, self.groups = grouped(self.found, group, self.unfolded, self._row, self._fleet)
        else:
            with collection_held():
                self.shown, self.groups = [self._row(row) for row in self.found], {}
        return True

    def _row(self, row: ResultRow) -> Row:
        made = self._made.get(row.key)
        if made is None or made[0] is not row:
            made = self._made[row.key] = row, self._listing.row(row)
        return made[1]

    def row(self, key: str) -> ResultRow | None:
        """Return the run that a row of the table shows; None for the header of a group."""
        return self._by_key.get(key)

    def below(self, key: str) -> Sequence[ResultRow]:
        """Return the runs that a row of the table stands for: itself, or those of the group."""
        row = self._by_key.get(key)
        found = self.groups.get(key)
        return (row,) if row else found.rows if found else ()

    def fold(self, key: str) -> None:
        """Unfold a group, or fold it."""
        if key.startswith(GROUP_PREFIX):
            self.unfolded ^= {key}

    def fold_all(self) -> None:
        """Unfold all groups, or fold them where one is unfolded."""
        self.unfolded = set() if self.unfolded & self.groups.keys() else set(self.groups)
