"""Runs that we could not grade: told by why, and where results are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from velora_tui.domain.counting import run_results
from velora_tui.domain.listing import ResultRow
from velora_tui.view.text import count, counted

REASONS_SHOWN = 8


def ungraded_lines(reasons: Counter[str]) -> Iterator[str]:
    """Yield a line for each reason, the most frequent first."""
    for reason, runs in reasons.most_common(REASONS_SHOWN):
        yield f"{counted(runs, 'run')} not graded: {reason}"
    if len(reasons) > REASONS_SHOWN:
        yield f"… {counted(len(reasons) - REASONS_SHOWN, 'more reason')}: --json lists them all"


def ungraded_record(reasons: Counter[str]) -> list[dict[str, Any]]:
    """Return the reasons as JSON, the most frequent first."""
    return [{"reason": reason, "runs": runs} for reason, runs in reasons.most_common()]


def unchecked(rows: Iterable[ResultRow]) -> int:
    """Return how many of the rows' runs have a result that is the harness's word alone."""
    return sum(row.harness_resolved is not None and not row.is_verified for row in run_results(rows))


def unchecked_words(rows: Iterable[ResultRow]) -> str:
    """Return what one should know of the rows' unchecked runs; "" where there are none."""
    if not (runs := unchecked(rows)):
        return ""
    are = "1 run is" if runs == 1 else f"{count(runs)} runs are"
    return f"{are} unchecked, the harness's word alone: `velora results --filter harness:unchecked` lists them"
