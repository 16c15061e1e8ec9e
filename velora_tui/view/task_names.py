"""Tasks by the names that people use."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from velora_tui.domain.listing import ResultRow
from velora_tui.domain.run import Run

_END_LETTERS = 4


def short_task(run: Run | ResultRow) -> str:
    """Return the task's id without the repository's name at its start."""
    owner, _, name = run.repo.partition("/")
    return re.sub(rf"^(?:{re.escape(owner)}[-_/.]+)?{re.escape(name)}[-_.#]+(?=.)", "", run.task)


def task_ends(runs: Iterable[Run]) -> Mapping[str, str]:
    """Return by task the end of its short name, as long as tells it from the other tasks of its repository."""
    by_repo = _by_repository(runs).values()
    return {task: _end(name, set(names.values())) for names in by_repo for task, name in names.items()}


def share_repositories(runs: Iterable[Run]) -> bool:
    """Return whether a repository's name alone does not tell all tasks apart."""
    return any(len(names) > 1 for names in _by_repository(runs).values())


def _by_repository(runs: Iterable[Run]) -> Mapping[str, dict[str, str]]:
    """Return by the repository's name, without its owner, the short names of tasks by their ids."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run in runs:
        found[run.repo.rpartition("/")[2]][run.task] = short_task(run)
    return found


def _end(name: str, names: set[str]) -> str:
    others = names - {name}
    letters = _END_LETTERS
    while letters < len(name) and any(other.endswith(name[-letters:]) for other in others):
        letters += 1
    return name if len(name) <= letters + 1 else f"…{name[-letters:]}"
