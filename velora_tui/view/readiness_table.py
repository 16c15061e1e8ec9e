"""The readiness screen's table: what is made of an answer is kept until the next, for answers come in floods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import BUILT_IN_CHECKS, Readiness
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Row, Span, spans_of
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry, SortKey
from velora_tui.view.readiness_rows import (
    CHECK_COLUMN,
    NARROW_CELLS,
    WIDE_CELLS,
    badness,
    check_cell,
    fields_of,
    importance,
    rank,
    ready_cell,
    short_title,
    state_of,
)
from velora_tui.view.text import age, cells


@dataclass(frozen=True, slots=True)
class _Answers:
    """What an instance's checks look like: by column the cells and what they are sorted by; by check the rest."""

    readiness: Readiness
    cells: Mapping[str, Cell]
    order: Mapping[str, SortKey]
    widths: Mapping[str, int]
    importance: Mapping[str, int]

    @classmethod
    def of(cls, readiness: Readiness) -> _Answers:
        shown = {check.id: check_cell(check, readiness) for check in readiness.checks}
        return cls(
            readiness,
            {f"{CHECK_COLUMN}{name}": spans for name, spans in shown.items()},
            {f"{CHECK_COLUMN}{check.id}": (badness(check), check.detail) for check in readiness.checks},
            {name: sum(cells(span.text) for span in spans) for name, spans in shown.items()},
            {check.id: importance(check) for check in readiness.checks},
        )


class ReadinessTable:
    """Instances by checks, the worst first; rows in which nothing has changed are the same objects as before."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answers] = {}
        self._entries: dict[str, tuple[tuple[object, ...], Entry]] = {}

    def check_ids(self, snapshot: FleetSnapshot) -> tuple[str, ...]:
        """Return the checks that any instance has answered, in the order in which people read them."""
        return _in_order(self._all_answers(snapshot), snapshot.fleet)

    def columns(self, snapshot: FleetSnapshot, width: int = 160) -> tuple[Column, ...]:
        """Return a column for each check; where not all fit, those stay that show trouble or block."""
        answers = self._all_answers(snapshot)
        return (
            Column("instance", "INSTANCE", min_width=8, priority=19),
            *(_check_column(name, answers) for name in _in_order(answers, snapshot.fleet)),
            Column("age", "AGE", 5, "right", priority=5),
            Column("ready", "READY", min_width=_ready_cells(width), priority=19),
        )

    def entries(self, snapshot: FleetSnapshot, width: int = 160) -> list[Entry]:
        """Return a row for each instance; its key is the instance's name."""
        ranked = sorted(enumerate(snapshot.instances), key=lambda pair: (rank(pair[1]), pair[0]))
        return [self._entry(row, snapshot, narrow=width < WIDE_CELLS) for _, row in ranked]

    def _all_answers(self, snapshot: FleetSnapshot) -> list[_Answers]:
        return [self._answers_of(row, row.readiness) for row in snapshot.instances if row.readiness is not None]

    def _answers_of(self, row: InstanceSnapshot, readiness: Readiness) -> _Answers:
        kept = self._answers.get(row.instance.name)
        if kept is None or kept.readiness is not readiness:
            kept = self._answers[row.instance.name] = _Answers.of(readiness)
        return kept

    def _entry(self, row: InstanceSnapshot, snapshot: FleetSnapshot, *, narrow: bool) -> Entry:
        since = age((snapshot.at - row.readiness.at).total_seconds()) if row.readiness else ""
        stands_for = row, since, narrow, snapshot.at.astimezone().date()  # words say the day of what is not of today
        kept = self._entries.get(row.instance.name)
        if kept is None or kept[0] != stands_for:
            kept = self._entries[row.instance.name] = stands_for, self._made(row, snapshot, since, narrow=narrow)
        return kept[1]

    def _made(self, row: InstanceSnapshot, snapshot: FleetSnapshot, since: str, *, narrow: bool) -> Entry:
        name, readiness = row.instance.name, row.readiness
        word, state = state_of(row)
        shown: dict[str, Cell] = {"instance": name, "ready": state}
        order: dict[str, SortKey] = {"instance": (0.0, name), "ready": (float(rank(row)), "")}
        if readiness is not None:
            answers = self._answers_of(row, readiness)
            shown |= answers.cells
            shown["age"] = Span(since, "dim")
            shown["ready"] = ready_cell(row, state, snapshot, narrow=narrow)
            order |= {"age": (-readiness.at.timestamp(), ""), **answers.order}
        elif row.connection.detail:
            shown["ready"] = (*spans_of(state), Span(f"  {row.connection.detail}", "dim"))
        return Entry(Row(name, shown), fields_of(row, word), order)


def _in_order(answers: Iterable[_Answers], fleet: Fleet) -> tuple[str, ...]:
    found = {name for one in answers for name in one.widths}
    order = dict.fromkeys((*BUILT_IN_CHECKS, *(check.id for check in fleet.checks), *sorted(found)))
    return tuple(name for name in order if name in found)


def _check_column(name: str, answers: Iterable[_Answers]) -> Column:
    asked = [one for one in answers if name in one.widths]
    priority = max(one.importance[name] for one in asked)
    title = short_title(name)
    widest = max(cells(title), *(one.widths[name] for one in asked))
    return Column(f"{CHECK_COLUMN}{name}", title, widest, priority=priority)  # the table need not measure it again


def _ready_cells(width: int) -> int:
    """Return the least room for what is in the way: what people read first."""
    if width < NARROW_CELLS:
        return 30
    return 56 if width < WIDE_CELLS else 68
