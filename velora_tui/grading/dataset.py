"""What is wrong with a dataset's record beyond its form: what would make its runs ungradeable, or prove nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from velora_tui.domain.spreadsheet import SPREADSHEET_LIMIT, is_cut
from velora_tui.domain.task import Task
from velora_tui.errors import UnknownName
from velora_tui.grading.parsers import find_parser
from velora_tui.grading.patch import changed_files

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a field; an error makes runs of the task worthless."""

    level: Level
    field: str
    detail: str


def check_task(task: Task, record: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with a task; `record` is as the file has it."""
    yield from cut_fields(record)
    yield from _lists(task)
    if not task.test_command.strip():
        yield Problem("error", "test_command", "there is none: no evaluation can run")
    if "test_output_parser" not in record:
        yield Problem("warning", "test_output_parser", f"there is none: {task.test_output_parser} is taken")
    try:
        find_parser(task.test_output_parser)
    except UnknownName as error:
        yield Problem("error", "test_output_parser", error.explain())
    if not task.test_patches:
        yield Problem("warning", "test_patches", "there is none: the tests are those of the image")
    for number, patch in enumerate(task.test_patches, start=1):
        if not changed_files(patch):
            yield Problem("error", "test_patches", f"patch {number} is no diff")
    if not task.problem_statement.strip():
        yield Problem("error", "problem_statement", "there is none: the agent would have no task")


def cut_fields(record: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the fields that a spreadsheet cut."""
    for name, value in record.items():
        if is_cut(value):
            yield Problem("error", name, f"cut at {SPREADSHEET_LIMIT:,} characters, as a spreadsheet does")


def _lists(task: Task) -> Iterator[Problem]:
    if not task.fail_to_pass:
        yield Problem("error", "FAIL_TO_PASS", "it is empty: no run can be resolved")
    if not task.pass_to_pass:
        yield Problem("warning", "PASS_TO_PASS", "it is empty")
    for field, names in (("FAIL_TO_PASS", task.fail_to_pass), ("PASS_TO_PASS", task.pass_to_pass)):
        if twice := len(names) - len(set(names)):
            yield Problem("warning", field, f"{twice} of its names occur twice")
        open_names = [name for name in names if name.count("[") > name.count("]")]
        if open_names:
            detail = f"{len(open_names)} names are cut in their brackets, such as {open_names[0][:80]}"
            yield Problem("warning", field, detail)
    if both := set(task.fail_to_pass) & set(task.pass_to_pass):
        yield Problem("warning", "FAIL_TO_PASS", f"{len(both)} of its names are in PASS_TO_PASS too: {min(both)[:80]}")
