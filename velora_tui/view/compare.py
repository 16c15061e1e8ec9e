"""Comparisons of finished runs as lines of text and as JSON: models, tests × runs, batches, and what flips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from velora_tui.domain.compare import BatchComparison, Matrix, MatrixRow, ModelSummary, PassAtK
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Status
from velora_tui.domain.result import AttemptResult, Flip
from velora_tui.domain.run import total_seconds
from velora_tui.domain.statistics import Interval
from velora_tui.view.cells import Cell, Span, Tone, plain
from velora_tui.view.cli_text import fitting, joined, left_out, table, wrapped
from velora_tui.view.quality import said_words
from velora_tui.view.states import outcome_state
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import cells, count, counted, cut, cut_apart, cut_middle, duration, size
from velora_tui.view.trajectory_lines import dollars

_NOTHING = Span("–", "dim")
_TEST_CELLS = 70
_LEAST_TEST_CELLS = 24
_WIDER = "a wider terminal, or --json"
_TASK_CELLS = 34
# What a narrow terminal goes without, the first one first.
_SPARE_OF_MODELS = ("RUNS", "TIME", "$/RUN", "P2P", "F2P")
_SPARE_OF_CHOSEN = ("TOTAL $", *_SPARE_OF_MODELS, "TASKS", "VALID", "RESOLVED", "RATE")
STATUS_MARKS: dict[Status | None, Span] = {
    Status.PASSED: Span("pass", "good"),
    Status.FAILED: Span("FAIL", "bad"),
    Status.ERROR: Span("ERROR", "bad"),
    Status.MISSING: Span("gone", "bad"),
    Status.SKIPPED: Span("skip", "look"),
    Status.XFAIL: Span("xfail", "look"),
    Status.XPASS: Span("xpass", "look"),
    None: _NOTHING,
}


# --- models


def model_lines(
    summaries: Sequence[ModelSummary], fleet: Fleet, width: int | None = None, *, chosen: bool = False
) -> Iterator[Cell]:
    """Yield a table of models, with what its intervals mean below it; on a terminal, each in `width` cells.

    Were the ks of pass@k `chosen`, they stay longest of all.
    """
    titles = model_titles(summaries)
    rows = [model_cells(summary, summaries, fleet) for summary in summaries]
    spare = _spare_of_models(titles, chosen=chosen)
    yield from fitting(titles, rows, right=titles[1:], width=width, spare=spare)
    yield ""
    for line in MODEL_NOTES:
        yield Span(line, "dim")
    yield from _left_out_lines(left_out(titles, rows, width=width, spare=spare), width)


MODEL_NOTES = (
    "of valid runs, with 95 % intervals; RATE: Wilson; PASS@k: unbiased, bootstrap",
    "over tasks with k valid runs, n where not all; $/RUN: mean; TIME: median",
)


def _spare_of_models(titles: Sequence[str], *, chosen: bool) -> list[str]:
    passes = [title for title in reversed(titles) if title.startswith("PASS@")]
    if chosen:
        return [title for title in (*_SPARE_OF_CHOSEN, *passes[:-1]) if title in titles]
    others = [title for title in passes if title != "PASS@1"]
    return [title for title in ("TOTAL $", "TASKS", *others, *_SPARE_OF_MODELS) if title in titles]


def _left_out_lines(columns: Sequence[str], width: int | None) -> Iterator[Cell]:
    if columns:
        yield from wrapped((Span("no room for ", "look"), Span(f"{', '.join(columns)}: {_WIDER}")), width)


def model_titles(summaries: Iterable[ModelSummary]) -> tuple[str, ...]:
    """Return the titles of the table of models."""
    passes = [f"PASS@{k}" for k in _ks(summaries)]
    return ("MODEL", "TASKS", "RUNS", "VALID", "RESOLVED", "RATE", *passes, "F2P", "P2P", "$/RUN", "TIME", "TOTAL $")


def _ks(summaries: Iterable[ModelSummary]) -> list[int]:
    return sorted({found.k for summary in summaries for found in summary.pass_at})


def model_cells(summary: ModelSummary, summaries: Iterable[ModelSummary], fleet: Fleet) -> tuple[Cell, ...]:
    """Return a model's cells under the titles that the table of `summaries` has."""
    ks = _ks(summaries)
    found = {pass_at.k: pass_at for pass_at in summary.pass_at}
    passes = (_pass_at(found[k], summary.tasks) if k in found else _NOTHING for k in ks)
    rate = summary.resolved_rate
    return (
        Span(fleet.label(summary.model) or "–", "model"),
        count(summary.tasks),
        count(summary.runs),
        count(summary.valid),
        count(summary.resolved),
        _percent(rate, summary.resolved_interval) if rate is not None else _NOTHING,
        *passes,
        _share(summary.f2p),
        _share(summary.p2p),
        dollars(summary.cost_mean) if summary.cost_mean is not None else _NOTHING,
        duration(summary.seconds_median) if summary.seconds_median is not None else _NOTHING,
        dollars(summary.cost_total),
    )


def _pass_at(found: PassAtK, tasks: int) -> tuple[Span, ...]:
    """Return a pass@k, with the number of tasks it rests on where these are not all."""
    return *_percent(found.value, found.interval), Span(f" n={found.tasks}" if found.tasks < tasks else "", "look")


def _percent(value: float, interval: Interval | None) -> tuple[Span, ...]:
    spans = [Span(f"{100 * value:.0f}%", "strong")]
    if interval is not None:
        spans.append(Span(f" {100 * interval.low:.0f}–{100 * interval.high:.0f}", "dim"))
    return tuple(spans)


def _share(pair: tuple[int, int]) -> Cell:
    return f"{100 * pair[0] / pair[1]:.0f}%" if pair[1] else _NOTHING


def model_record(summary: ModelSummary) -> dict[str, Any]:
    """Return a model's summary as JSON; intervals are [low, high]."""
    return {
        "model": summary.model,
        "runs": summary.runs,
        "valid": summary.valid,
        "tasks": summary.tasks,
        "resolved": summary.resolved,
        "no_patch": summary.no_patch,
        "eval_errors": summary.eval_errors,
        "resolved_rate": summary.resolved_rate,
        "resolved_interval": list(summary.resolved_interval),
        "pass_at": [
            {"k": found.k, "value": found.value, "tasks": found.tasks, "interval": _listed(found.interval)}
            for found in summary.pass_at
        ],
        "f2p": list(summary.f2p),
        "p2p": list(summary.p2p),
        "cost_mean": summary.cost_mean,
        "cost_interval": _listed(summary.cost_interval),
        "cost_total": summary.cost_total,
        "seconds_median": summary.seconds_median,
        "seconds_interval": _listed(summary.seconds_interval),
    }


def _listed(interval: Interval | None) -> list[float] | None:
    return list(interval) if interval is not None else None


# --- tests × runs


def column_name(result: AttemptResult, fleet: Fleet, width: int | None = None) -> str:
    """Return what stands above a run's column: "gpt·3"; in `width` cells the model is cut, its run number never."""
    number = "" if result.run_number is None else f"·{result.run_number}"
    model = fleet.label(result.model) or "–"
    return f"{model if width is None else cut_middle(model, width - cells(number))}{number}"


def matrix_lines(matrix: Matrix, fleet: Fleet, *, only_differing: bool, width: int | None = None) -> Iterator[Cell]:
    """Yield tests × runs of one task: the outcomes, then each test's status in each run.

    On a terminal of `width` cells there are as many runs as it has room for.
    """
    rows = matrix.differing if only_differing else matrix.rows
    columns = [_run_column(matrix, place, rows, fleet) for place in range(len(matrix.results))]
    shown, test_cells = _room(columns, width)
    tests = cut_apart([plain(row.test) for row in rows], test_cells)
    marks = [Span({"FAIL_TO_PASS": "F2P", "PASS_TO_PASS": "P2P"}.get(row.listed, ""), "dim") for row in rows]
    titles, *lines = zip(("TEST", *_FACTS, *tests), ("", *("" for _ in _FACTS), *marks), *columns[:shown], strict=True)
    yield from fitting([plain(title) for title in titles], lines, width=width)
    if shown < len(columns):
        yield Span(f"… {counted(len(columns) - shown, 'more run')}: {_WIDER}", "look")
    if hidden := len(matrix.rows) - len(rows):
        yield Span(f"… {counted(hidden, 'test is', 'tests are')} the same in all runs: --all shows them", "dim")


_FACTS = ("outcome", "F2P", "P2P")


def _run_column(matrix: Matrix, place: int, rows: Sequence[MatrixRow], fleet: Fleet) -> list[Cell]:
    """Return a run's column: its name, its _FACTS, and the status of each test."""
    result = matrix.results[place]
    return [
        column_name(result, fleet),
        outcome_state(result.outcome).spans,
        _fraction(result.summary.f2p, is_fixing=True),
        _fraction(result.summary.p2p, is_fixing=False),
        *(STATUS_MARKS[row.statuses[place]] for row in rows),
    ]


def _room(columns: Iterable[Sequence[Cell]], width: int | None) -> tuple[int, int]:
    """Return how many runs' columns there is room for, at least one, and the cells that are left for names of tests."""
    widths = [2 + max(cells(plain(cell)) for cell in column) for column in columns]
    if width is None:
        return len(widths), _TEST_CELLS
    left = width - len("  F2P")
    shown = max(1, sum(used <= left - _LEAST_TEST_CELLS for used in accumulate(widths)))
    return shown, min(_TEST_CELLS, max(_LEAST_TEST_CELLS, left - sum(widths[:shown])))


def _fraction(pair: tuple[int, int] | None, *, is_fixing: bool) -> Cell:
    return fraction(*pair, is_fixing=is_fixing) if pair else _NOTHING


def matrix_record(matrix: Matrix, *, only_differing: bool) -> dict[str, Any]:
    """Return tests × runs as JSON."""
    rows = matrix.differing if only_differing else matrix.rows
    return {
        "runs": [run_record(result) for result in matrix.results],
        "tests": [
            {"test": row.test, "list": row.listed or None, "differs": row.differs, "statuses": list(row.statuses)}
            for row in rows
        ],
        "same_in_all": len(matrix.rows) - len(matrix.differing),
    }


def run_record(result: AttemptResult) -> dict[str, Any]:
    """Return who a run is, and what it came to."""
    summary = result.summary
    return {
        "run": result.run,
        "task": result.task,
        "model": result.model,
        "run_number": result.run_number,
        "outcome": result.outcome.value,
        "f2p": list(summary.f2p) if summary.f2p else None,
        "p2p": list(summary.p2p) if summary.p2p else None,
        "patch_bytes": summary.patch_bytes,
        "history": summary.history,
        "cost": summary.cost,
        "seconds": total_seconds(result.phase_seconds.values()) if result.phase_seconds else None,
    }


def pair_lines(first: AttemptResult, second: AttemptResult, fleet: Fleet) -> Iterator[Cell]:
    """Yield two runs side by side: their numbers, without the tests."""
    names = (column_name(first, fleet), column_name(second, fleet))
    both = (run_record(first), run_record(second))
    facts = {"patch_bytes": "patch", "history": "history", "cost": "cost", "seconds": "time"}
    rows: list[tuple[Cell, ...]] = [
        (words, *(_number(name, record[name]) for record in both)) for name, words in facts.items()
    ]
    yield from table(("", *names), rows, right=names)


def _number(name: str, value: float | None) -> Cell:
    if value is None:
        return _NOTHING
    if name == "cost":
        return dollars(value)
    if name == "patch_bytes":
        return size(value)
    return duration(value) if name == "seconds" else count(int(value))


# --- batches


def batch_lines(comparison: BatchComparison, fleet: Fleet, width: int | None = None) -> Iterator[Cell]:
    """Yield what changed between two batches, the changes to and from resolved first; on a terminal, in `width`."""
    changes = sorted(comparison.changes, key=lambda change: (not change.is_better, not change.is_worse))
    rows: list[tuple[Cell, ...]] = [
        (
            Span("+", "good") if change.is_better else Span("-", "bad") if change.is_worse else "",
            change.after.task if width is None else cut(change.after.task, _TASK_CELLS),
            Span(fleet.label(change.after.model), "model"),
            "–" if change.after.run_number is None else str(change.after.run_number),
            outcome_state(change.before.outcome).spans,
            outcome_state(change.after.outcome).spans,
        )
        for change in changes
    ]
    if rows:
        titles, spare = ("", "TASK", "MODEL", "RUN", "BEFORE", "AFTER"), ("RUN", "MODEL")
        yield from fitting(titles, rows, width=width, spare=spare)
        yield from _left_out_lines(left_out(titles, rows, width=width, spare=spare), width)
        yield ""
    yield batch_totals(comparison)
    yield batch_chance(comparison)


def batch_totals(comparison: BatchComparison) -> tuple[Span, ...]:
    """Return how many runs flipped which way, where any are paired."""
    changes = comparison.changes
    better, worse = (sum(getattr(change, name) for change in changes) for name in ("is_better", "is_worse"))
    flipped = (
        Span(f"{count(better)} newly resolved", "good"),
        Span(f"{count(worse)} no longer", "bad"),
        f"{count(comparison.unchanged)} unchanged",
    )
    unpaired = (
        f"{count(len(comparison.only_before))} only before",
        f"{count(len(comparison.only_after))} only after",
    )
    return joined((*(flipped if comparison.pairs else ()), *unpaired))


def batch_chance(comparison: BatchComparison) -> Span:
    """Return how likely the flips are by chance alone, and what was paired; or that nothing could be."""
    *facts, last = comparison.paired_by
    paired_by = f"paired by {', '.join(facts)} and {last}" if facts else f"paired by {last}"
    if comparison.p_value is None:
        return Span(f"no pair in common: {paired_by}", "look")
    return Span(f"p = {comparison.p_value:.3f} (McNemar, exact), {paired_by}", "dim")


def batch_record(comparison: BatchComparison) -> dict[str, Any]:
    """Return what changed between two batches as JSON."""
    return {
        "changes": [
            {
                **_who(change.after),
                "before": change.before.outcome.value,
                "after": change.after.outcome.value,
                "before_key": change.before.key,
                "after_key": change.after.key,
            }
            for change in comparison.changes
        ],
        "unchanged": comparison.unchanged,
        "only_before": [_who(row) for row in comparison.only_before],
        "only_after": [_who(row) for row in comparison.only_after],
        "paired_by": list(comparison.paired_by),
        "p_value": comparison.p_value,
    }


def _who(row: ResultRow) -> dict[str, Any]:
    return {"task": row.task, "model": row.model, "run_number": row.run_number}


# --- flips


def flip_lines(flips: Iterable[Flip]) -> Iterator[Cell]:
    """Yield which verdicts flip and why, the run's own first."""
    for flip in flips:
        tone: Tone = "bad" if flip.harness_passed else "look"
        said, rule = Span(f"   harness: {said_words(flip)}", tone), Span(flip.rule, "strong")
        yield joined((said, rule, flip.test, flip.detail) if flip.test else (said, flip.detail, rule))


def flip_record(flip: Flip) -> dict[str, Any]:
    """Return a flip as JSON."""
    return flip.model_dump(mode="json")
