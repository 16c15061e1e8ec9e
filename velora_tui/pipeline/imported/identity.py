"""Whose run a folder holds: task, model, run number and time, from its records and its path (HARNESS.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePath
from typing import Any

_RUN_FOLDER = re.compile(r"(?:run|pass|attempt|trial)[-_ ]?(\d{1,4})", re.IGNORECASE)
_RUN_SUFFIX = re.compile(r"[-_]run[-_]?(\d{1,4})$", re.IGNORECASE)
_MODEL_FOLDER = re.compile(r"(.+?)_maxiter_\d+")
# Velora names the dataset (January) or the model (February) after its attempt, and the harness folders after these.
_OWN_ATTEMPT = re.compile(r"(?:^|[_-])([0-7][0-9A-HJKMNP-TV-Z]{25}\.\d{1,4})(?=$|\.jsonl)")
_HARNESS_FOLDERS = re.compile(
    r"CodeActAgent|.*-train|outputs|evaluation|evaluation_outputs|Trajectory_results|.*_maxiter_.*"
)
_LONGEST_START = timedelta(hours=6)  # from the start to the first step; longer, and the clocks are two
_ZONE_STEP = timedelta(minutes=15)
_WIDEST_ZONE = timedelta(hours=14)


@dataclass(frozen=True)
class Identity:
    """Task, model and run number; "" and None are "not known". Times are aware: see `run_times`."""

    task: str
    repo: str
    model: str
    run_number: int | None


def identify(folder: PurePath, record: Mapping[str, Any], metadata: Mapping[str, Any], evaluated: str) -> Identity:
    """Return whose run it is; `evaluated` is the task that the evaluation's files are named after, or ""."""
    instance = _object(record, "instance")
    named = _named_by_users(folder)
    written_to = str(metadata.get("eval_output_dir") or "")
    task = _text(record, "instance_id") or _text(instance, "instance_id") or evaluated or named[0]
    return Identity(
        task=task,
        repo=_text(instance, "repo"),
        model=_model(metadata) or _model_of_path(folder) or _model_of_path(PurePath(written_to)) or named[1],
        run_number=_first(run_number(folder.parts), run_number(PurePath(written_to).parts)),
    )


def run_number(parts: Sequence[str]) -> int | None:
    """Return the run number in a path: a folder named run_3 counts before a suffix -run_1, the innermost first."""
    for pattern in (_RUN_FOLDER, _RUN_SUFFIX):
        for part in reversed(parts):
            found = pattern.fullmatch(part) if pattern is _RUN_FOLDER else pattern.search(part)
            if found:
                return int(found[1])
    return None


def own_attempt(folder: PurePath, metadata: Mapping[str, Any]) -> str:
    """Return "<run>.<attempt>" of the attempt of Velora's that made it, as its path or the harness says; "" if none."""
    written_to = PurePath(str(metadata.get("eval_output_dir") or ""))
    parts = (*reversed(folder.parts), *reversed(written_to.parts))
    return next((found[1] for part in parts if (found := _OWN_ATTEMPT.search(part))), "")


def run_times(record: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[datetime | None, float | None]:
    """Return when the run began and how many seconds its trajectory took, as far as its files say.

    The instance's clock is written without its zone. The zone is seen where LLM costs, which carry Unix times, stand
    beside the history; else it is taken for UTC.
    """
    times = [stamp for entry in _ends(record.get("history")) if (stamp := _local(entry.get("timestamp"))) is not None]
    begun = _local(metadata.get("start_time"))
    first = begun or (times[0] if times else None)
    if first is None:
        return None, None
    at = first.replace(tzinfo=_zone(times, _object(record, "metrics"))).astimezone(UTC)
    return at, _seconds(first, times)


def _seconds(first: datetime, times: Sequence[datetime]) -> float | None:
    """Return how long the trajectory took, counted from its start unless that is by another clock."""
    if not times:
        return None
    is_same_clock = timedelta() <= times[0] - first <= _LONGEST_START
    return max(0.0, (times[-1] - (first if is_same_clock else times[0])).total_seconds())


def _zone(times: Sequence[datetime], metrics: Mapping[str, Any]) -> timezone:
    costs = _ends(metrics.get("costs"))
    stamp = costs[-1].get("timestamp") if costs else None
    if not times or not isinstance(stamp, int | float) or not 0 < stamp < 1e11:
        return UTC
    offset = times[-1] - datetime.fromtimestamp(stamp, UTC).replace(tzinfo=None)
    steps = round(offset / _ZONE_STEP)
    return timezone(steps * _ZONE_STEP) if abs(steps * _ZONE_STEP) <= _WIDEST_ZONE else UTC


def _ends(entries: object) -> list[dict[str, Any]]:
    """Return the first and the last of a list of objects."""
    if not isinstance(entries, list):
        return []
    return [entry for entry in (*entries[:1], *entries[-1:]) if isinstance(entry, dict)]


def _local(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else None
    except ValueError:
        return None


def _model(metadata: Mapping[str, Any]) -> str:
    """Return the model without its provider, as the harness names folders after it."""
    return _text(_object(metadata, "llm_config"), "model").rpartition("/")[2]


def _model_of_path(path: PurePath) -> str:
    for part in reversed(path.parts):
        if found := _MODEL_FOLDER.match(part):
            return found[1]
    return ""


def _named_by_users(folder: PurePath) -> tuple[str, str]:
    """Return task and model of <task>/<model>/run_<k>/… and of Trajectory_results/…/<task>/<model>/Run<N>/…"""
    parts = folder.parts
    for place in range(len(parts) - 1, 1, -1):
        if _RUN_FOLDER.fullmatch(parts[place]) and not any(map(_HARNESS_FOLDERS.fullmatch, parts[place - 2 : place])):
            return parts[place - 2], parts[place - 1]
    return "", ""


def _first(*numbers: int | None) -> int | None:
    return next((number for number in numbers if number is not None), None)


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _text(record: Mapping[str, Any], name: str) -> str:
    found = record.get(name)
    return str(found) if isinstance(found, str | int) else ""
