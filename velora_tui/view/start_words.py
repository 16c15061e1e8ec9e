"""What the start form proposes and says of the runs of a task and model that are there already."""

from __future__ import annotations

from collections.abc import Iterable

from velora_tui.domain.run import Run


def proposed_number(runs: Iterable[Run], wanted: int) -> int:
    """Return `wanted`, or where that run is active, and so can't be started, the next number that has no run."""
    by_number = {run.run_number: run for run in runs}
    return _next_free(by_number, wanted) if wanted in by_number and by_number[wanted].is_active else wanted


def existing_words(runs: Iterable[Run], number: int, wanted: int) -> str:
    """Return what starting run `number` would be, where `wanted` is the number that a person chose; "" if plain new."""
    by_number = {run.run_number: run for run in runs}
    run, other = by_number.get(number), by_number.get(wanted)
    if run is not None and run.is_active:
        return f"{_stands(run)}: stop it, or take run {_next_free(by_number, number)}"
    if run is not None and run.attempts:
        return f"{_stands(run)}: this makes attempt {len(run.attempts) + 1} of it"
    if other is not None and other.is_active:
        return f"{_stands(other)}: this is run {number} of it"
    return ""


def _next_free(by_number: dict[int, Run], number: int) -> int:
    while number in by_number:
        number += 1
    return number


def _stands(run: Run) -> str:
    attempt = run.attempt
    assert attempt is not None
    where = f" on {attempt.instance}" if attempt.instance and run.is_active else ""
    return f"run {run.run_number} of it is {str(attempt.outcome or attempt.state).replace('_', ' ')}{where}"
