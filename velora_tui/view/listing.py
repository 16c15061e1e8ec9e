"""Finished runs of the catalog as rows of a table, made cell by cell as they are looked at: there may be 10,000."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from velora_tui.domain.counting import tally
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import FIELDS, EndedRow, Group, ResultRow, select, sort_value
from velora_tui.view.cells import Cell, Row, Span, plain, spans_of
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry, SortKey
from velora_tui.view.filter import Term
from velora_tui.view.states import outcome_state
from velora_tui.view.task_names import short_task
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import cells, count, counted, duration, size
from velora_tui.view.trajectory_lines import dollars
from velora_tui.view.ungraded import unchecked

FILTER_KEYS = FIELDS
COLUMNS = (
    Column("task", "TASK", min_width=18, priority=10),
    Column("model", "MODEL", min_width=6, priority=9),
    Column("run", "RUN", 3, "right", priority=8),
    Column("outcome", "OUTCOME", 14, priority=9),
    Column("f2p", "F2P", None, "right", 5, priority=8),
    Column("p2p", "P2P", None, "right", 7, priority=6),
    Column("harness", "HARNESS", 12, priority=3),
    Column("quality", "QUALITY", 7, "right", priority=1),
    Column("patch", "PATCH", 6, "right", priority=4),
    Column("history", "HISTORY", 7, "right", priority=2),
    Column("time", "TIME", 7, "right", priority=3),
    Column("cost", "COST", 6, "right", priority=5),
    Column("date", "DATE", 10, priority=2),
    Column("origin", "FROM", 6, priority=1),
)
_NOTHING = Span("–", "dim")


Value = TypeVar("Value")


class _OnDemand(Mapping[str, Value]):
    """What there is to know of a row by column, made when asked for; what is None is not there."""

    __slots__ = ("makers", "row")

    def __init__(self, row: ResultRow, makers: Mapping[str, Callable[[ResultRow], Value | None]]) -> None:
        self.row = row
        self.makers = makers

    def __getitem__(self, name: str) -> Value:
        value = self.makers[name](self.row)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, maker in self.makers.items() if maker(self.row) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OnDemand) and self.makers is other.makers and self.row == other.row

    __hash__ = None  # type: ignore[assignment]


def _field(name: str) -> Callable[[ResultRow], str]:
    return lambda row: row.field(name)


def _sorted_by(column: str) -> Callable[[ResultRow], SortKey | None]:
    def key(row: ResultRow) -> SortKey | None:
        value = sort_value(row, column)
        if value is None:
            return None
        return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))

    return key


_FIELDS: dict[str, Callable[[ResultRow], str | None]] = {name: _field(name) for name in FIELDS}
_ORDERS = {
    name: _sorted_by(name)
    for name in ("task", "model", "run", "outcome", "f2p", "p2p", "quality", "patch", "history", "time", "cost", "date")
}


def _harness(row: ResultRow) -> Cell:
    """Return what the harness said: loud where we say otherwise, faint where nobody checked it."""
    if row.harness_resolved is None:
        return _NOTHING
    word = "resolved" if row.harness_resolved else "unresolved"
    if not row.is_verified:
        return Span("unchecked", "look")
    return Span(f"! {word}", "look") if row.verdicts_differ else Span("agrees", "dim")


def _task(row: ResultRow) -> Cell:
    name, short = row.repo.rpartition("/")[2], short_task(row)
    if not name or short.startswith(name):
        return row.task or _NOTHING
    return Span(f"{name} "), Span(short, "dim")


def _outcome(row: ResultRow) -> Cell:
    if isinstance(row, EndedRow) and row.ended:
        return Span("✗ failed", "bad") if row.ended == "failed" else Span(f"■ {row.ended}", "dim")
    state = outcome_state(row.outcome)
    return Span(f"{state.symbol} {state.word}", state.tone if row.is_valid else "bad")


def _marked_outcome(row: ResultRow) -> Cell:
    """Return the outcome, and a mark where the harness said otherwise: the column that says so may be left out."""
    return (*spans_of(_outcome(row)), Span(" !", "look")) if row.verdicts_differ else _outcome(row)


def _tests(passed: int | None, listed: int | None, *, is_fixing: bool) -> Cell:
    if passed is None or listed is None:
        return _NOTHING
    return fraction(passed, listed, is_fixing=is_fixing)


def _dim(text: str | None) -> Cell:
    return _NOTHING if not text else Span(text, "dim")


_CELLS: dict[str, Callable[[ResultRow], Cell | None]] = {
    "task": _task,
    "model": lambda row: Span(row.model, "model") if row.model else _NOTHING,
    "run": lambda row: Span("–" if row.run_number is None else str(row.run_number), "dim"),
    "attempt": lambda row: Span(str(row.attempt), "look" if row.attempt > 1 else "dim"),
    "outcome": _outcome,
    "f2p": lambda row: _tests(row.f2p_passed, row.f2p_listed, is_fixing=True),
    "p2p": lambda row: _tests(row.p2p_passed, row.p2p_listed, is_fixing=False),
    "harness": _harness,
    "quality": lambda row: Span(
        f"{row.quality_good}/{row.quality_checks}", "dim" if row.quality_good == row.quality_checks else "look"
    ),
    "patch": lambda row: size(row.patch_bytes) if row.patch_bytes else _NOTHING,
    "history": lambda row: _NOTHING if row.history is None else str(row.history),
    "time": lambda row: _dim(duration(row.seconds) if row.seconds is not None else None),
    "cost": lambda row: _dim(dollars(row.cost) if row.cost is not None else None),
    "date": lambda row: _dim((row.started_at or "")[:10]),
    "origin": lambda row: _dim("gone" if row.is_gone else "ours" if row.origin == "velora" else "import"),
}


class Listing:
    """Makes rows, with the fleet's names for models.

    Filter ten thousand before: `select(rows, parse_filter(text, FILTER_KEYS).terms)` looks at no cell.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._cells: dict[str, Callable[[ResultRow], Cell | None]] = {
            **_CELLS,
            "model": lambda row: Span(fleet.label(row.model), "model") if row.model else _NOTHING,
        }
        self._table_cells = {**self._cells, "outcome": _marked_outcome}

    def cells(self, row: ResultRow, columns: Iterable[str]) -> tuple[Cell, ...]:
        """Return what these columns show of a row."""
        return tuple(self._cells[column](row) or "" for column in columns)

    def row(self, row: ResultRow) -> Row:
        """Return a row of a table, keyed by the row's key."""
        return Row(row.key, _OnDemand(row, self._table_cells))

    def entries(self, rows: Iterable[ResultRow]) -> list[Entry]:
        """Return an entry for each row, keyed by the row's key."""
        return [Entry(self.row(row), _OnDemand(row, _FIELDS), _OnDemand(row, _ORDERS)) for row in rows]


def chosen(rows: Iterable[ResultRow], terms: Iterable[Term], fleet: Fleet) -> list[ResultRow]:
    """Return the rows that a filter means; models are known by the fleet's names too."""
    found = list(rows)
    for term in terms:
        named = _named(found, term, fleet) if term.key in ("", "model") else frozenset()
        if not named:
            found = select(found, (term,))
            continue
        by_id = {row.key for row in select(found, (term,))}
        if term.is_not:
            found = [row for row in found if row.key in by_id and row.model not in named]
        else:
            found = [row for row in found if row.key in by_id or row.model in named]
    return found


def _named(rows: Iterable[ResultRow], term: Term, fleet: Fleet) -> frozenset[str]:
    """Return the models whose label, but not whose id, a term means."""
    labels = {model: fleet.label(model) for model in {row.model for row in rows}}
    return frozenset(
        model
        for model, label in labels.items()
        if any(pattern.search(label) and not pattern.search(model) for pattern in term.patterns)
    )


def shown_columns(rows: Sequence[ResultRow], widths: Mapping[str, int]) -> tuple[Column, ...]:
    """Return the columns that say something of these rows, whose cells are at most `widths` wide.

    What grows with its content gives way only so far: before that, others vanish.
    """
    has_harness = any(row.harness_resolved is not None for row in rows)
    has_imported = any(row.origin == "import" for row in rows)
    hidden = {*(() if has_harness else ("harness",)), *(() if has_imported else ("origin",))}
    return tuple(
        replace(column, min_width=max(column.min_width, min(widths.get(column.id, 0), _MOST_LEAST.get(column.id, 0))))
        for column in COLUMNS
        if column.id not in hidden
    )


_MOST_LEAST = {"task": 20, "model": 10, "f2p": 11, "p2p": 11}
"""The cells that these columns keep, if they need them, as long as there is another to drop."""


def content_widths(rows: Sequence[ResultRow], fleet: Fleet) -> dict[str, int]:
    """Return the widest cell of each column that grows with its content, without making all of them."""
    pairs = {(row.repo, row.task): row for row in rows}
    models = {row.model for row in rows}
    return {
        "task": max((cells(plain(_task(row))) for row in pairs.values()), default=0),
        "model": max((cells(fleet.label(model)) for model in models), default=0),
        "f2p": _fraction_cells(row.f2p_listed for row in rows),
        "p2p": _fraction_cells(row.p2p_listed for row in rows),
    }


def _fraction_cells(listed: Iterable[int | None]) -> int:
    """Return the cells of the widest "99/99"."""
    return 2 * len(count(max((number for number in listed if number is not None), default=0))) + 1


def group_words(group: Group) -> tuple[Span, ...]:
    """Return the heading of a group: "django  12 runs  5 resolved"."""
    found = tally(group.rows)
    return (
        Span(group.key or "–", "strong"),
        Span(f"  {counted(found.runs, 'run')}", "dim"),
        Span(f"  {count(found.resolved)}", "good" if found.resolved else "dim"),
        Span(" resolved", "dim"),
        Span(f"  {count(alone)} unchecked" if (alone := unchecked(group.rows)) else "", "look"),
    )
