"""The task of an imported run: from a dataset, or from the copy of the dataset's row in the run's own record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from velora_tui.domain.lists import parse_names
from velora_tui.domain.names import is_safe_name
from velora_tui.domain.report import Flag
from velora_tui.domain.spreadsheet import SPREADSHEET_LIMIT, is_cut
from velora_tui.domain.task import Task
from velora_tui.errors import UnknownName
from velora_tui.grading.parsers import find_parser
from velora_tui.grading.second_opinion import Claims

_LISTS = ("FAIL_TO_PASS", "PASS_TO_PASS")
_BETWEEN = ("', '", '", "', "','", '","', "'\n '", "'\n \"", "\"\n '", '"\n "', "', \"", "\", '")


@dataclass(frozen=True)
class GradingTask:
    """What a run is graded by; `cut` are the fields that a spreadsheet cut, `completed` those lists of them that the
    harness's report has whole."""

    task: Task
    cut: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()

    @property
    def cut_lists(self) -> tuple[str, ...]:
        """The lists of which only the beginning is known."""
        return tuple(name for name in self.cut if name in _LISTS and name not in self.completed)

    @property
    def flags(self) -> tuple[Flag, ...]:
        detail = f"cut at {SPREADSHEET_LIMIT:,} characters, as a spreadsheet does"
        flags = [Flag(id="field-cut", detail=f"{name} is {detail}") for name in self.cut]
        flags += [Flag(id="list-from-report", detail=f"{name} is read from the report") for name in self.completed]
        return tuple(flags)


class NoTask(ValueError):
    """The run can't be graded; the message says why."""


def task_of_record(record: Mapping[str, Any], instance_id: str, claims: Claims) -> GradingTask:
    """Return the task that the record's `instance` field holds. Raises NoTask.

    A list that is cut there is taken from `claims`, where these have all of it that is left and more.
    """
    instance = record.get("instance")
    if not isinstance(instance, dict):
        raise NoTask("the record has no copy of the task: give its dataset with --dataset")
    fields = {name: value for name, value in instance.items() if name in _READ}
    cut = tuple(name for name in (*_LISTS, *_CUT_TOO) if is_cut(instance.get(name)))
    try:
        lists = {name: _names(instance.get(name)) for name in _LISTS}
        whole = {name: names for name in _LISTS if name in cut and (names := _reported(claims, name, lists[name]))}
        lists |= whole
        task = Task.model_validate({**fields, **lists, **_GIVEN, "instance_id": _name(instance_id)})
    except ValueError as error:
        raise NoTask(f"the record's copy of the task can't be read: {str(error).splitlines()[0][:200]}") from None
    if not task.fail_to_pass and not task.pass_to_pass:
        raise NoTask("the record's copy of the task lists no tests: give its dataset with --dataset")
    return GradingTask(task, cut, tuple(whole))


_READ = ("test_command", "test_output_parser", "language")
_CUT_TOO = ("test_patch", "test_patches", "patch", "problem_statement", "hints_text")
_GIVEN = {"repo": "imported/imported", "base_commit": "imported"}  # grading does not look at them


def require_parser(task: Task) -> None:
    """Raise NoTask where no parser has the name that the task gives."""
    try:
        find_parser(task.test_output_parser)
    except UnknownName as error:
        raise NoTask(error.explain()) from None


def _reported(claims: Claims, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that the harness reports of a list, if the `known` ones are among them."""
    claimed = claims.fail_to_pass if name == "FAIL_TO_PASS" else claims.pass_to_pass
    return tuple(claimed) if claimed and known and claimed.keys() > set(known) else ()


def _name(instance_id: str) -> str:
    return instance_id if is_safe_name(instance_id) else "imported"


def _names(value: object) -> tuple[str, ...]:
    """Return the names of a list, of a cut one those that are whole. Raises ValueError."""
    try:
        return parse_names(value)
    except ValueError:
        if not isinstance(value, str) or not is_cut(value):
            raise
    end = max(value.rfind(between) for between in _BETWEEN)
    return parse_names(value[: end + 1] + "]") if end > 0 else ()
