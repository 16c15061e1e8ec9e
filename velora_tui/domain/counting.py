"""What is counted of runs, by one rule: a run's result is that of its latest attempt with a valid one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from velora_tui.domain.listing import ResultRow


@dataclass(frozen=True, slots=True)
class Tally:
    """How many runs came to a result, how many of these to a valid one, and how many of these are resolved."""

    runs: int
    valid: int
    resolved: int


def tally(rows: Iterable[ResultRow]) -> Tally:
    """Return the rows' runs in numbers."""
    found = run_results(rows)
    valid = [row for row in found if row.is_valid]
    return Tally(len(found), len(valid), sum(row.resolved for row in valid))


def run_results(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return one result of each run that came to any: the newest that is valid, else the newest.

    An attempt that failed or was stopped doesn't take the place of a result before it.
    """
    return latest(all_results(rows))


def all_results(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return every result that stands behind the rows, those of a run's earlier attempts too; copies don't count."""
    behind = (result for row in rows for result in (row, *row.earlier))
    return [result for result in behind if result.has_result and not result.is_copy]


def latest(results: Iterable[ResultRow]) -> list[ResultRow]:
    """Return one result of each run, the newest valid one, else the newest; those without a number are each a run."""
    newest: dict[tuple[object, ...], ResultRow] = {}
    for result in results:
        key = run_key(result)
        if key not in newest or _rank(result) > _rank(newest[key]):
            newest[key] = result
    return list(newest.values())


def run_key(row: ResultRow) -> tuple[object, ...]:
    """Return what makes two results attempts of one run: task, model and run number, where they are known."""
    known = row.run_number is not None and row.task and row.model
    return (row.task, row.model, row.run_number) if known else (row.key,)


def _rank(row: ResultRow) -> tuple[bool, str, int, str]:
    return row.is_valid, row.started_at or "", row.attempt, row.recorded_at
