"""Runs by what operators type of their ids."""

from __future__ import annotations

from collections.abc import Mapping

from velora_tui.domain.run import Run
from velora_tui.errors import UnknownName

SHORTEST = 4
_NAMED = 8


def named_run(runs: Mapping[str, Run], name: str) -> Run:
    """Return the run whose id is `name`, else the only one whose id begins so, else the only one whose id ends so.

    Raises UnknownName; a part that several ids have is answered with these runs.
    """
    if name in runs:
        return runs[name]
    part = name.upper()
    parts = [run for run in runs if run.startswith(part)], [run for run in runs if run.endswith(part)]
    for found, where in zip(parts, ("begin", "end"), strict=True):
        if len(part) < SHORTEST or not found:
            continue
        if len(found) == 1:
            return runs[found[0]]
        raise UnknownName(
            f"{len(found)} runs {where} with {part}: {_described(runs, found)}", hint="give more of the id"
        )
    raise UnknownName.of("run", name, list(runs)[-20:])


def _described(runs: Mapping[str, Run], names: list[str]) -> str:
    """Return the newest of several runs with what tells them apart."""
    shown = [f"{runs[name].run} ({runs[name].task} {runs[name].model})" for name in reversed(names[-_NAMED:])]
    return ", ".join((*shown, *(("…",) if len(names) > _NAMED else ())))
