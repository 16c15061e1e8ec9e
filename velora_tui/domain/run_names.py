"""Runs by what operators type: an id or a part of it, or the task."""

from __future__ import annotations

from collections.abc import Mapping

from velora_tui.domain.run import Run
from velora_tui.errors import UnknownName

SHORTEST = 4
_NAMED = 8


def named_run(runs: Mapping[str, Run], name: str) -> Run:
    """Return the run whose id is `name`, or whose task alone it is, or whose id alone begins so, or else ends so.

    Raises UnknownName; where several runs can be meant, it names them.
    """
    if name in runs:
        return runs[name]
    if of_task := [run.run for run in runs.values() if run.task == name]:
        return _only(runs, of_task, f"are of task {name}", "name one by its id, or the end of it")
    part = name.upper()
    parts = [run for run in runs if run.startswith(part)], [run for run in runs if run.endswith(part)]
    for found, where in zip(parts, ("begin", "end"), strict=True):
        if len(part) >= SHORTEST and found:
            return _only(runs, found, f"{where} with {part}", "give more of the id")
    newest = list(runs.values())[::-1]
    tasks = dict.fromkeys(run.task for run in newest)
    raise UnknownName.of("run", name, [*tasks, *(run.run for run in newest)])


def _only(runs: Mapping[str, Run], found: list[str], why: str, hint: str) -> Run:
    """Return the one run that is found. Raises UnknownName, which names the newest, where there are several."""
    if len(found) == 1:
        return runs[found[0]]
    shown = [_described(runs[name]) for name in reversed(found[-_NAMED:])]
    more = ("…",) if len(found) > _NAMED else ()
    raise UnknownName(f"{len(found)} runs {why}: {', '.join((*shown, *more))}", hint=hint)


def _described(run: Run) -> str:
    """Return a run's id with what tells it from others."""
    attempt = run.attempt
    stands = str(attempt.outcome or attempt.state).replace("_", " ") if attempt else "never queued"
    return f"{run.run} ({run.task} {run.model} run {run.run_number}, {stands})"
