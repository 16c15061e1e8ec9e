"""Comparisons of finished runs as tables of the dashboard: tests × runs of a task, models, and two batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from velora_tui.domain.compare import BatchComparison, Change, Matrix, MatrixRow, ModelSummary, matrix
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.view.cells import Cell, Row, Span
from velora_tui.view.columns import Column
from velora_tui.view.compare import STATUS_MARKS, column_name, model_cells, model_titles
from velora_tui.view.diff import DiffFile
from velora_tui.view.listing import Listing
from velora_tui.view.states import outcome_state
from velora_tui.view.text import cells, count

RUN_CELLS = 13
NAME_COLUMN = Column("name", "", min_width=24, priority=10)
TEST_PREFIX = "test:"
_FACTS = {
    "harness": "harness",
    "f2p": "FAIL_TO_PASS",
    "p2p": "PASS_TO_PASS",
    "patch": "patch",
    "history": "history",
    "time": "time",
    "cost": "cost",
    "quality": "quality",
    "date": "date",
}
_LISTS = {"FAIL_TO_PASS": "F2P", "PASS_TO_PASS": "P2P", "": "   "}


@dataclass(frozen=True)
class Compared:
    """A finished run with its details, and the files that its patch changes."""

    row: ResultRow
    result: AttemptResult
    files: tuple[DiffFile, ...] = ()


class TestMatrix:
    """Runs of one task side by side: what they came to, their tests, the files they change."""

    __test__ = False  # pytest must not collect it

    def __init__(self, runs: Sequence[Compared], fleet: Fleet) -> None:
        self.runs = tuple(runs)
        self.matrix: Matrix = matrix(run.result for run in runs)
        self._listing = Listing(fleet)
        self._fleet = fleet
        self.folder = _common_start([row.test for row in self.matrix.rows])

    def titles(self, width: int | None = None) -> list[str]:
        """Return what stands above the runs' columns, in `width` cells each."""
        return [column_name(run.result, self._fleet, width) for run in self.runs]

    def columns(self, first: int, number: int, most_cells: int) -> list[Column]:
        """Return the columns of `number` runs from the place `first` on, as wide as their names, up to `most_cells`."""
        wanted = max(map(cells, self.titles()), default=0)
        width = max(RUN_CELLS, min(wanted, most_cells))
        shown = list(enumerate(self.titles(width)))[first : first + number]
        return [NAME_COLUMN, *(Column(f"run{place}", title, width, priority=9) for place, title in shown)]

    def rows(self, *, only_differing: bool, query: str) -> list[Row]:
        """Return the table: facts first, then the tests with `query` in their names, then the files."""
        tests = [row for row in self.matrix.rows if query.lower() in row.test.lower()]
        shown = [row for row in tests if row.differs or not only_differing]
        facts = [] if query else list(self._facts())
        files = [] if query else list(self._files())
        return [*facts, *map(self._test, shown), *files]

    def counts(self) -> tuple[Span, ...]:
        """Return "12 of 2,003 tests differ"."""
        differing = len(self.matrix.differing)
        return (
            Span(f" {count(differing)}", "look" if differing else "good"),
            Span(f" of {count(len(self.matrix.rows))} tests differ", "dim"),
            Span(f"   in {self.folder}" if self.folder else "", "dim"),
        )

    def _facts(self) -> Iterator[Row]:
        yield self._row("fact:outcome", "outcome", [outcome_state(run.result.outcome).spans for run in self.runs])
        for column, title in _FACTS.items():
            values = [self._listing.cells(run.row, (column,))[0] for run in self.runs]
            yield self._row(f"fact:{column}", title, values)
        yield Row("gap:tests", {"name": " "})

    def _test(self, row: MatrixRow) -> Row:
        name = (Span(f"{_LISTS[row.listed]} ", "dim"), Span(row.test.removeprefix(self.folder)))
        values = [STATUS_MARKS[status] for status in row.statuses]
        return self._row(f"{TEST_PREFIX}{row.test}", name, values)

    def _files(self) -> Iterator[Row]:
        by_path = [{file.path: file for file in run.files} for run in self.runs]
        paths = dict.fromkeys(path for files in by_path for path in files)
        if not paths:
            return
        yield Row("gap:files", {"name": " "})
        for path in paths:
            changes = [_changes(files.get(path)) for files in by_path]
            yield self._row(f"file:{path}", (Span("diff ", "dim"), Span(path)), changes)

    def _row(self, key: str, name: Cell, values: Iterable[Cell]) -> Row:
        return Row(key, {"name": name, **{f"run{place}": value for place, value in enumerate(values)}})


def _common_start(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a slash or colons, so that it is said once."""
    if len(names) < 2:
        return ""
    first, last = min(names), max(names)
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    start = first[:same]
    return start[: max(start.rfind("/") + 1, start.rfind("::") + 2 if "::" in start else 0)]


def _changes(file: DiffFile | None) -> Cell:
    if file is None:
        return Span("–", "dim")
    return Span(f"+{count(file.added)}", "good"), Span(f" −{count(file.removed)}", "bad")


# --- models


def model_columns(summaries: Sequence[ModelSummary]) -> list[Column]:
    """Return the columns of the table of models; those that matter least vanish first."""
    wide = {"RATE": 13, "RESOLVED": 8, "VALID": 5, "TASKS": 5, "RUNS": 6, "$/RUN": 7, "TIME": 8, "TOTAL $": 9}
    ranks = {"RATE": 9, "RESOLVED": 8, "PASS@1": 9, "$/RUN": 6, "TIME": 5, "F2P": 7, "P2P": 7, "RUNS": 4}
    first, *others = model_titles(summaries)
    pass_at = [(found, summary.tasks) for summary in summaries for found in summary.pass_at]
    wide |= {f"PASS@{found.k}": 13 for found, _ in pass_at}
    wide |= {f"PASS@{found.k}": 17 for found, tasks in pass_at if found.tasks < tasks}  # their number stands there too
    return [
        Column(first, first, min_width=8, priority=10),
        *(Column(title, title, wide.get(title, 5), "right", priority=ranks.get(title, 3)) for title in others),
    ]


def model_rows(summaries: Sequence[ModelSummary], fleet: Fleet) -> list[Row]:
    """Return a row for each model, keyed by it."""
    titles = model_titles(summaries)
    return [
        Row(f"model:{summary.model}", dict(zip(titles, model_cells(summary, summaries, fleet), strict=True)))
        for summary in summaries
    ]


# --- batches

BATCH_COLUMNS = (
    Column("change", "", 1, priority=10),
    Column("task", "TASK", min_width=18, priority=10),
    Column("model", "MODEL", min_width=6, priority=8),
    Column("run", "RUN", 3, "right", priority=7),
    Column("before", "BEFORE", 13, priority=9),
    Column("after", "AFTER", 13, priority=9),
)


def batch_rows(comparison: BatchComparison, fleet: Fleet) -> list[Row]:
    """Return what flipped, keyed by the later run; changes to and from resolved first."""
    listing = Listing(fleet)
    changes = sorted(comparison.changes, key=lambda change: (not change.is_better, not change.is_worse))
    return [Row(change.after.key, _change_cells(change, listing)) for change in changes]


def _change_cells(change: Change, listing: Listing) -> Mapping[str, Cell]:
    task, model, run, after = listing.cells(change.after, ("task", "model", "run", "outcome"))
    (before,) = listing.cells(change.before, ("outcome",))
    sign = Span("+", "good") if change.is_better else Span("-", "bad") if change.is_worse else ""
    return {"change": sign, "task": task, "model": model, "run": run, "before": before, "after": after}
