"""Which runs are still missing: tasks × models × run numbers that have no valid result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run


@dataclass(frozen=True, slots=True)
class Missing:
    """A run that has to be made, or made again: `reason` says what is wrong with what there is."""

    task: str
    model: str
    run_number: int
    reason: str


def missing(
    rows: Iterable[ResultRow],
    tasks: Sequence[str],
    models: Sequence[str],
    run_numbers: Sequence[int],
    *,
    accept: frozenset[Outcome] = frozenset(),
    runs: Iterable[Run] = (),
) -> list[Missing]:
    """Return the runs without a valid result, in the order asked for; outcomes in `accept` count all the same.

    `runs` are one's own as the journal has them, in the order of their making: they tell what became of attempts that
    came to no result.
    """
    own = {run.key: run for run in runs}
    found: dict[tuple[str, str, int | None], list[ResultRow]] = {}
    for row in rows:
        found.setdefault((row.task, row.model, row.run_number), []).append(row)
    wanted = ((task, model, number) for number in run_numbers for model in models for task in tasks)
    return [
        Missing(*run, _attempted(own.get(run), found.get(run, [])) or _reason(found.get(run, [])))
        for run in wanted
        if not any(row.is_valid or row.outcome in accept for row in found.get(run, []))
    ]


def _attempted(run: Run | None, rows: Sequence[ResultRow]) -> str:
    """Return how the latest attempt stands or ended, unless one of `rows` is its result."""
    attempt = run.attempt if run else None
    if run is None or attempt is None or f"{run.run}.{attempt.number}" in {row.key for row in rows}:
        return ""
    return f"{attempt.state}: {attempt.failure.signature}" if attempt.failure else attempt.state.value


def _reason(rows: Sequence[ResultRow]) -> str:
    if not rows:
        return "no result"
    newest = max(rows, key=lambda row: (row.started_at or "", row.attempt))
    return f"{newest.outcome.value}: {newest.why}"
