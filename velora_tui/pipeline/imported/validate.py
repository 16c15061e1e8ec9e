"""What is wrong with dataset files and with results trees."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.domain.report import Outcome
from velora_tui.domain.result import AttemptResult, why_void
from velora_tui.domain.task import DATASET_SIZE_LIMIT, parse_dataset
from velora_tui.domain.tree_files import AGENT_FILES, wanted_files
from velora_tui.errors import DatasetError, StoreError
from velora_tui.grading.dataset import Problem, check_task, cut_fields
from velora_tui.pipeline.imported.assess import Tasks, assess
from velora_tui.store.records import read_records
from velora_tui.store.trees import find_runs, run_at


@dataclass(frozen=True)
class Validated:
    """A task of a dataset, or a run of a tree, and what is wrong with it; `kind` says which it is."""

    kind: str
    path: str
    name: str
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        return not any(problem.level == "error" for problem in self.problems)


def validate_dataset(path: Path) -> Iterator[Validated]:
    """Yield every task of a dataset file with what is wrong with it. Blocks."""
    try:
        records = read_records(path, DATASET_SIZE_LIMIT)
    except StoreError as error:
        yield Validated("dataset", str(path), path.name, (Problem("error", "file", error.message),))
        return
    if records.problem:
        yield Validated("dataset", str(path), path.name, (Problem("error", "file", records.problem),))
    seen: set[str] = set()
    for record in records.objects:
        name = str(record.get("instance_id") or "–")
        problems = list(_record_problems(record, str(path)))
        if name in seen:
            problems.append(Problem("error", "instance_id", "it occurs twice in the file"))
        seen.add(name)
        yield Validated("task", str(path), name, tuple(problems))


def _record_problems(record: dict[str, object], source: str) -> Iterator[Problem]:
    try:
        (task,) = parse_dataset(json.dumps(record), source)
    except DatasetError as error:
        yield from cut_fields(record)
        yield Problem("error", "record", error.message.removeprefix(f"{source}: "))
    else:
        yield from check_task(task, record)


def validate_folder(folder: Path, tasks: Tasks) -> Iterator[Validated]:
    """Yield every run below `folder`; where there is none, every task of the dataset files in it. Blocks."""
    are_runs = False
    for run in validate_tree(folder, tasks):
        are_runs = True
        yield run
    if not are_runs:
        for file in sorted(file for pattern in ("*.jsonl", "*.json") for file in folder.glob(pattern)):
            yield from validate_dataset(file)


def validate_tree(root: Path, tasks: Tasks) -> Iterator[Validated]:
    """Yield every run below `root` with what its tree lacks and what the operators' quality list says. Blocks."""
    unreadable: list[Validated] = []

    def on_problem(folder: Path, problem: str) -> None:
        unreadable.append(Validated("folder", str(folder), folder.name, (Problem("error", "folder", problem),)))

    for found in find_runs(root, on_problem):
        try:
            whole = run_at(found.folder) or found
            runs, problems = assess(whole, tasks, "")
        except (StoreError, OSError) as error:
            on_problem(found.folder, str(error))
            continue
        if not runs:
            on_problem(found.folder, "; ".join(problems) or "it holds no run")
        for run in runs:
            name = run.result.task or "–"
            yield Validated("run", str(found.folder), name, tuple(_run_problems(run.result, whole.files)))
    yield from unreadable


_OF_EVALUATION = frozenset({"tests-executed", "test-output", "lists-filled", "no-critical-error"})


def _run_problems(result: AttemptResult, there: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with a run; that it has no patch, and so no evaluation, is a result and no error."""
    why, has_no_patch = why_void(result.all_flags), result.outcome is Outcome.NO_PATCH
    evaluated = wanted_files(result.task or "<task>", is_evaluated=bool(result.summary.patch_bytes))
    for path in AGENT_FILES if has_no_patch else evaluated:
        if path not in there and path.replace("eval_outputs/", "evals_report/") not in there:
            yield Problem("error", "file", f"the tree lacks {path}")
    for check in result.summary.quality:
        if not check.ok and not (has_no_patch and check.id in _OF_EVALUATION):
            is_error = check.level == "required" and (why or not has_no_patch)
            yield Problem("error" if is_error else "warning", check.id, check.detail)
    for flag in result.flags:
        yield Problem("error" if flag.id in {"file-broken", "task-unknown"} else "warning", flag.id, flag.detail)
    if why:
        yield Problem("error", "result", f"it proves nothing: {why}")
