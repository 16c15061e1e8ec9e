"""The critical files of all instances side by side: a row an instance, a column a file, the good copies on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from velora_tui.domain.readiness import FileCopy, FileReport, FileRow
from velora_tui.view.cells import Cell, Row, Span, Tone
from velora_tui.view.columns import GAP_CELLS, Column
from velora_tui.view.entries import Entry
from velora_tui.view.text import cut

FILTER_KEYS = ("instance", "state", "file")
GOOD_COPY = "·good copy"
"""The key of the row of the good copies: no instance can be called so."""
FILE_COLUMN = "file:"
_SUM_CELLS = 8
_COPY_CELLS = _SUM_CELLS + 2
_LONGEST_NAME = 18

_STATES: dict[str, tuple[str, Tone]] = {
    "good": ("✓", "good"),
    "differs": ("✗", "bad"),
    "there": ("·", "dim"),
    "missing": ("✗", "bad"),
    "unknown": ("?", "look"),
}
_GOOD_COPIES: dict[str, tuple[str, Tone]] = {
    "good": ("✓", "good"),
    "differs": ("! is not what the fleet file expects", "bad"),
    "missing": ("! can't be read", "bad"),
}


class Tally(NamedTuple):
    """How many instances have all files as they should be, have odd ones, and did not tell."""

    good: int
    odd: int
    unknown: int


def file_columns(report: FileReport | None, width: int) -> tuple[Column, ...]:
    """Return a column for each file; their names are cut where that lets more of them into `width` cells."""
    rows = report.rows if report else ()
    first = (
        Column("instance", "INSTANCE", min_width=9, priority=9),
        Column("state", "FILES", min_width=12, priority=9),
    )
    free = width - sum(column.least + GAP_CELLS for column in first)
    longest = min(_LONGEST_NAME, max(_COPY_CELLS, free // max(1, len(rows)) - GAP_CELLS))
    names = names_of([row.path for row in rows], longest)
    return (
        *first,
        *(
            Column(f"{FILE_COLUMN}{row.path}", name, min_width=_COPY_CELLS, priority=5)
            for row, name in zip(rows, names, strict=True)
        ),
    )


def names_of(paths: Sequence[str], longest: int = _LONGEST_NAME) -> list[str]:
    """Return the last part of each path, with the folder before it where two are called the same."""
    short = [path.rstrip("/").rpartition("/")[2] for path in paths]
    full = ["/".join(path.rstrip("/").split("/")[-2:]) for path in paths]
    chosen = (full[place] if short.count(name) > 1 else name for place, name in enumerate(short))
    return [cut(name, longest) for name in chosen]


def file_entries(report: FileReport | None) -> list[Entry]:
    """Return the good copies, then a row for each instance, those with odd files first."""
    if report is None or not report.rows:
        return []
    instances = [copy.instance for copy in report.rows[0].copies]
    copies = {name: [row.copies[place] for row in report.rows] for place, name in enumerate(instances)}
    ranked = sorted(instances, key=lambda name: (-sum(copy.odd for copy in copies[name]), _unknown(copies[name]) == 0))
    return [_good_copies(report.rows), *(_entry(name, report.rows, copies[name]) for name in ranked)]


def tally(report: FileReport) -> Tally:
    """Count the instances."""
    by_instance: dict[str, list[FileCopy]] = {}
    for row in report.rows:
        for copy in row.copies:
            by_instance.setdefault(copy.instance, []).append(copy)
    odd = sum(any(copy.odd for copy in copies) for copies in by_instance.values())
    unknown = sum(_unknown(copies) > 0 and not any(copy.odd for copy in copies) for copies in by_instance.values())
    return Tally(len(by_instance) - odd - unknown, odd, unknown)


def first_odd(report: FileReport, instance: str) -> str | None:
    """Return the first file that is odd on the instance, else None."""
    return next(
        (row.path for row in report.rows for copy in row.copies if copy.instance == instance and copy.odd), None
    )


def copy_of(report: FileReport, instance: str, path: str) -> FileCopy | None:
    """Return the copy of the file that the instance has."""
    copies = (copy for row in report.rows if row.path == path for copy in row.copies)
    return next((copy for copy in copies if copy.instance == instance), None)


def copy_words(row: FileRow, copy: FileCopy | None) -> Cell:
    """Return one copy in full: path, state, checksum, mode, and what is expected."""
    expected = row.expected or "nothing to compare with: give the fleet file a checksum or a source"
    path = (Span(f" {row.path}", "strong"), Span("  "))
    if copy is None:
        good, tone = _GOOD_COPIES.get(row.good_copy or "", ("none: the fleet file names no source", "dim"))
        return *path, Span(good, tone), Span(f"  expected {expected}", "dim")
    symbol, tone = _STATES[copy.state]
    words = f"{symbol} {copy.state}{' · unlike the others' if copy.odd and copy.state == 'there' else ''}"
    mode = {True: "  may be run", False: "", None: ""}[copy.executable]
    told = f"  sha256:{copy.sha256}" if copy.sha256 else f"  {copy.detail}" if copy.detail else ""
    return *path, Span(words, "bad" if copy.odd else tone), Span(f"{told}{mode}  expected {expected}", "dim")


def _good_copies(rows: Sequence[FileRow]) -> Entry:
    cells: dict[str, Cell] = {"instance": Span("good copy", "ours"), "state": Span("what is expected", "dim")}
    for row in rows:
        _, tone = _GOOD_COPIES.get(row.good_copy or "", ("", "dim"))
        symbol = {"good": "✓", "differs": "!", "missing": "!"}.get(row.good_copy or "", " ")
        words = row.expected.partition(":")[2][:_SUM_CELLS] if row.expected else "–"
        cells[f"{FILE_COLUMN}{row.path}"] = (Span(f"{symbol} ", tone), Span(words, "ours" if row.expected else "dim"))
    return Entry(Row(GOOD_COPY, cells), {"instance": "good copy", "state": "expected"})


def _entry(name: str, rows: Sequence[FileRow], copies: Sequence[FileCopy]) -> Entry:
    odd, unknown = sum(copy.odd for copy in copies), _unknown(copies)
    same = len(copies) - odd - unknown
    symbol, word, tone = _judged(odd, unknown)
    cells: dict[str, Cell] = {"instance": name, "state": (Span(f"{symbol} {same}/{len(copies)} {word}", tone),)}
    cells |= {f"{FILE_COLUMN}{row.path}": _copy_cell(copy) for row, copy in zip(rows, copies, strict=True)}
    wrong = " ".join(row.path for row, copy in zip(rows, copies, strict=True) if copy.odd)
    order = {"instance": (0.0, name), "state": (float(same), name)}
    order |= {
        f"{FILE_COLUMN}{row.path}": (float(not copy.odd), copy.sha256 or "")
        for row, copy in zip(rows, copies, strict=True)
    }
    return Entry(Row(name, cells), {"instance": name, "state": word, "file": wrong}, order)


def _judged(odd: int, unknown: int) -> tuple[str, str, Tone]:
    if odd:
        return "✗", "odd", "bad"
    return ("?", "unknown", "look") if unknown else ("✓", "good", "good")


def _copy_cell(copy: FileCopy) -> Cell:
    symbol, tone = _STATES[copy.state]
    if copy.odd:
        symbol, tone = "✗", "bad"
    words = copy.sha256[:_SUM_CELLS] if copy.sha256 else copy.state
    return Span(f"{symbol} ", tone), Span(words, tone if copy.odd or copy.sha256 is None else "")


def _unknown(copies: Sequence[FileCopy]) -> int:
    return sum(copy.state == "unknown" for copy in copies)
