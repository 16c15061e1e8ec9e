"""A second opinion on finished runs: graded again from their files, against what is stored and what was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.domain.compare import matrix
from velora_tui.domain.result import AttemptResult
from velora_tui.errors import StoreError
from velora_tui.pipeline.imported.assess import Tasks, assess
from velora_tui.pipeline.imported.ungraded import why_ungraded
from velora_tui.store.results import load_result
from velora_tui.store.trees import RESULT_FILE, OnProblem, find_runs, run_at


@dataclass(frozen=True)
class Regraded:
    """A run graded anew; `stored` is what velora.json says of one of ours.

    `flips` of `result` are against the harness's own verdict, `changed` tests against the stored one.
    """

    folder: str
    result: AttemptResult
    stored: AttemptResult | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """The listed tests whose status is another than the stored one."""
        if self.stored is None or self.stored.verdict is None or self.result.verdict is None:
            return ()
        return tuple(row.test for row in matrix((self.stored, self.result)).differing)

    @property
    def outcome_changed(self) -> bool:
        return self.stored is not None and self.stored.outcome is not self.result.outcome

    @property
    def why_ungraded(self) -> str:
        """Why it could not be graded anew, or ""."""
        return why_ungraded(self.result)

    @property
    def says_otherwise(self) -> bool:
        """Whether anything flips."""
        return bool(self.result.flips or self.changed or self.outcome_changed)


def regrade_below(root: Path, tasks: Tasks, on_problem: OnProblem) -> Iterator[Regraded]:
    """Yield every run below `root`, graded anew. Blocks; what can't be graded is told to `on_problem`."""
    for found in find_runs(root, on_problem):
        yield from regrade_folder(found.folder, tasks, on_problem)


def regrade_folder(folder: Path, tasks: Tasks, on_problem: OnProblem) -> Iterator[Regraded]:
    """Yield the runs of one folder, graded anew."""
    try:
        found = run_at(folder)
        stored = load_result(folder) if (folder / RESULT_FILE).is_file() else None
        runs, problems = assess(found, tasks, "") if found else ([], ["it holds no run"])
    except (StoreError, OSError) as error:
        on_problem(folder, str(error))
        return
    if problems:
        on_problem(folder, "; ".join(problems))
    for run in runs:
        yield Regraded(str(folder), _as_stored(run.result, stored), stored)


def _as_stored(result: AttemptResult, stored: AttemptResult | None) -> AttemptResult:
    """Return the result under the stored run's name; what the tree of a run of ours repeats is no harness's word."""
    if stored is None:
        return result
    known = {name: getattr(stored, name) for name in ("run", "attempt", "task", "repo", "model", "run_number")}
    if stored.harness_verdict is None:
        known |= {"harness_verdict": None, "flips": (), "verdicts_differ": False}
    return result.model_copy(update=known)
