"""Compare finished runs: tests × runs of a task, models across tasks, and two batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from velora_tui.domain.counting import all_results, latest, run_results
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Status, Verdict
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.statistics import Interval, bootstrap, pass_at_k, sign_test, wilson

ListName = Literal["FAIL_TO_PASS", "PASS_TO_PASS", ""]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One test in every run; None where no test of a run was graded, or where an unlisted test is not in its log."""

    test: str
    listed: ListName
    statuses: tuple[Status | None, ...]
    successes: tuple[bool | None, ...]

    @property
    def differs(self) -> bool:
        """Whether two runs that were judged disagree about the test."""
        return len({status for status in self.statuses if status is not None}) > 1


@dataclass(frozen=True, slots=True)
class Matrix:
    """Tests × runs of one task; FAIL_TO_PASS first, then PASS_TO_PASS, then tests that no list has."""

    results: tuple[AttemptResult, ...]
    rows: tuple[MatrixRow, ...]

    @property
    def differing(self) -> tuple[MatrixRow, ...]:
        return tuple(row for row in self.rows if row.differs)


def matrix(results: Iterable[AttemptResult], *, unlisted: bool = False) -> Matrix:
    """Return the tests of several runs of one task beside each other."""
    columns = tuple(results)
    verdicts = [result.verdict for result in columns]
    judged = [verdict for verdict in verdicts if verdict is not None]
    fixing = _names(verdict.fail_to_pass.success + verdict.fail_to_pass.failure for verdict in judged)
    keeping = _names(verdict.pass_to_pass.success + verdict.pass_to_pass.failure for verdict in judged)
    listed: dict[str, ListName] = dict.fromkeys(keeping, "PASS_TO_PASS")
    listed = {**dict.fromkeys(fixing, "FAIL_TO_PASS"), **{k: v for k, v in listed.items() if k not in fixing}}
    if unlisted:
        others = _names(tuple(verdict.tests) for verdict in judged)
        listed |= dict.fromkeys((name for name in others if name not in listed), "")
    successes = [_successes(verdict) for verdict in verdicts]
    return Matrix(columns, tuple(_row(name, kind, verdicts, successes) for name, kind in listed.items()))


def _names(lists: Iterable[tuple[str, ...]]) -> dict[str, None]:
    return dict.fromkeys(name for names in lists for name in names)


def _successes(verdict: Verdict | None) -> Mapping[str, bool]:
    if verdict is None or not verdict.gradeable:
        return {}
    both = (verdict.pass_to_pass, verdict.fail_to_pass)
    return {
        name: good
        for tests in both
        for names, good in ((tests.success, True), (tests.failure, False))
        for name in names
    }


def _row(
    name: str, kind: ListName, verdicts: Sequence[Verdict | None], successes: Sequence[Mapping[str, bool]]
) -> MatrixRow:
    seen = [verdict.tests.get(name) if verdict and verdict.gradeable else None for verdict in verdicts]
    statuses = tuple(test.status if test else None for test in seen)
    return MatrixRow(name, kind, statuses, tuple(known.get(name) for known in successes))


@dataclass(frozen=True, slots=True)
class PassAtK:
    """pass@k over the tasks that have at least k valid runs; the interval is a bootstrap over tasks."""

    k: int
    value: float
    tasks: int
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a model's runs come to. Rates are over valid runs; `pass_at` has one entry for each k that has a task.

    `cost_total` is of all attempts that came to a result.
    `resolved_interval` is Wilson's, which takes runs as independent: with several runs of a task, trust pass@1's.
    """

    model: str
    runs: int
    valid: int
    tasks: int
    resolved: int
    no_patch: int
    eval_errors: int
    resolved_interval: Interval
    pass_at: tuple[PassAtK, ...]
    f2p: tuple[int, int]
    p2p: tuple[int, int]
    cost_mean: float | None
    cost_interval: Interval | None
    cost_total: float
    seconds_median: float | None
    seconds_interval: Interval | None

    @property
    def resolved_rate(self) -> float | None:
        return self.resolved / self.valid if self.valid else None


def summarise(rows: Iterable[ResultRow], ks: Sequence[int] = (1, 2, 4, 8)) -> list[ModelSummary]:
    """Return a summary of each model, those that resolve most first: of its runs that came to a result."""
    models: dict[str, list[ResultRow]] = {}
    for row in all_results(rows):
        models.setdefault(row.model, []).append(row)
    summaries = [_summary(model, found, ks) for model, found in models.items()]
    return sorted(summaries, key=lambda summary: (-(summary.resolved_rate or 0.0), summary.model))


def _summary(model: str, results: list[ResultRow], ks: Sequence[int]) -> ModelSummary:
    runs = latest(results)
    valid = [row for row in runs if row.is_valid]
    resolved = sum(row.resolved for row in valid)
    costs = [row.cost for row in valid if row.cost is not None]
    seconds = [row.seconds for row in valid if row.seconds is not None]
    return ModelSummary(
        model=model,
        runs=len(runs),
        valid=len(valid),
        tasks=len({row.task for row in runs}),
        resolved=resolved,
        no_patch=sum(row.outcome == "no_patch" for row in runs),
        eval_errors=sum(row.outcome == "eval_error" for row in runs),
        resolved_interval=wilson(resolved, len(valid)),
        pass_at=tuple(found for k in ks if (found := _pass_at(valid, k)) is not None),
        f2p=_total((row.f2p_passed, row.f2p_listed) for row in valid),
        p2p=_total((row.p2p_passed, row.p2p_listed) for row in valid),
        cost_mean=fmean(costs) if costs else None,
        cost_interval=bootstrap(costs),
        cost_total=sum(row.cost or 0.0 for row in results),
        seconds_median=median(seconds) if seconds else None,
        seconds_interval=bootstrap(seconds, median),
    )


def _pass_at(valid: Iterable[ResultRow], k: int) -> PassAtK | None:
    tasks: dict[str, list[bool]] = {}
    for row in valid:
        tasks.setdefault(row.task, []).append(row.resolved)
    values = [pass_at_k(len(runs), sum(runs), k) for runs in tasks.values() if len(runs) >= k]
    return PassAtK(k, fmean(values), len(values), bootstrap(values)) if values else None


def _total(pairs: Iterable[tuple[int | None, int | None]]) -> tuple[int, int]:
    known = [(passed, listed) for passed, listed in pairs if passed is not None and listed is not None]
    return sum(passed for passed, _ in known), sum(listed for _, listed in known)


@dataclass(frozen=True, slots=True)
class Change:
    """A run in both batches whose outcomes differ."""

    before: ResultRow
    after: ResultRow

    @property
    def is_better(self) -> bool:
        return self.after.resolved and not self.before.resolved

    @property
    def is_worse(self) -> bool:
        return self.before.resolved and not self.after.resolved


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """What changed between two batches, whose runs are `paired_by` these of their facts.

    `p_value`: McNemar's exact test of the changes between resolved and not; None where nothing is paired.
    """

    changes: tuple[Change, ...]
    unchanged: int
    only_before: tuple[ResultRow, ...]
    only_after: tuple[ResultRow, ...]
    paired_by: tuple[str, ...]
    p_value: float | None

    @property
    def pairs(self) -> int:
        return len(self.changes) + self.unchanged


_FACTS: dict[str, Callable[[ResultRow], object]] = {
    "task": lambda row: row.task,
    "model": lambda row: row.model,
    "run number": lambda row: row.run_number,
}


def compare_batches(before: Iterable[ResultRow], after: Iterable[ResultRow]) -> BatchComparison:
    """Return what changed from `before` to `after`, run by run.

    Runs are paired by task, model and run number, but for a fact that each side fixes to another value: the two sides
    of "model:a vs model:b" are paired by task and run number.
    """
    sides = run_results(before), run_results(after)
    paired_by = tuple(name for name, fact in _FACTS.items() if name == "task" or not _is_fixed(sides, fact))
    old, new = ({tuple(_FACTS[name](row) for name in paired_by): row for row in side} for side in sides)
    both = [(old[key], new[key]) for key in old if key in new]
    changes = tuple(Change(first, second) for first, second in both if first.outcome is not second.outcome)
    better, worse = sum(change.is_better for change in changes), sum(change.is_worse for change in changes)
    return BatchComparison(
        changes=changes,
        unchanged=len(both) - len(changes),
        only_before=tuple(row for key, row in old.items() if key not in new),
        only_after=tuple(row for key, row in new.items() if key not in old),
        paired_by=paired_by,
        p_value=sign_test(better, worse) if both else None,
    )


def _is_fixed(sides: Iterable[Iterable[ResultRow]], fact: Callable[[ResultRow], object]) -> bool:
    """Return whether a fact has one value on each side, and another one on the other."""
    before, after = ({fact(row) for row in side} for side in sides)
    return len(before) == len(after) == 1 and before != after
