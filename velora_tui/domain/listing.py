"""Finished runs as compact rows: what tables filter, sort and group, ten thousand at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from velora_tui.domain.report import Outcome
from velora_tui.domain.result import AttemptResult, why_void
from velora_tui.domain.run import total_seconds

Origin = Literal["velora", "import"]
HARNESS_DIFFERS = "harness-differs"
"""The flag of a result that the harness counts otherwise."""
FIELDS = (
    *("task", "repo", "model", "run", "outcome", "origin", "instance", "date", "quality", "flag", "valid", "folder"),
    *("harness", "failure", "state"),
)
"""What a filter may name: `model:gpt`, `date:2026-01`, `valid:no`, `flag:harness-differs`, `harness:differs`."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One finished run. Its details are read by `key`. None is "not known", times are ISO 8601 in UTC.

    `content` is the same for copies of one run; all but one of them are `is_copy`. `why` says why a result is not
    `is_valid`. `flips` is how many tests the harness judged otherwise; a word
    of a filter without a key is looked for in `search`. Where the row stands for a whole run, `earlier` are the results
    of the attempts before.
    """

    key: str
    origin: Origin
    folder: str
    task: str
    repo: str
    model: str
    run_number: int | None
    attempt: int
    outcome: Outcome
    is_verified: bool
    harness_resolved: bool | None
    flips: int
    f2p_passed: int | None
    f2p_listed: int | None
    p2p_passed: int | None
    p2p_listed: int | None
    tests_run: int | None
    patch_bytes: int | None
    history: int | None
    cost: float | None
    seconds: float | None
    started_at: str | None
    recorded_at: str
    instance: str
    quality_good: int
    quality_checks: int
    is_valid: bool
    why: str
    flags: tuple[str, ...]
    content: str
    batch: str
    is_copy: bool = False
    is_gone: bool = False
    earlier: tuple[ResultRow, ...] = ()
    search: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        number = "" if self.run_number is None else f"run_{self.run_number}"
        outcome = outcome_words(self.outcome_word)
        parts = (self.task, self.repo, self.model, number, outcome, self.instance, self.started_at or "")
        object.__setattr__(self, "search", " ".join((*parts, self.why, *self.flags)))

    @property
    def outcome_word(self) -> str:
        """How it ended, as filters and groups call it."""
        return self.outcome.value

    @property
    def has_result(self) -> bool:
        """Whether it came to a result, be it a valid one or not."""
        return True

    @property
    def failure(self) -> str:
        """The signature of what made it fail; "" where it came to a result."""
        return ""

    @property
    def resolved(self) -> bool:
        return self.outcome is Outcome.RESOLVED

    @property
    def verdicts_differ(self) -> bool:
        """Whether the harness counts it otherwise than we, as `verdicts_differ` of its result says."""
        if self.harness_resolved is None or not self.is_verified:
            return False
        return self.harness_resolved is not self.resolved or HARNESS_DIFFERS in self.flags

    def field(self, name: str) -> str:
        """Return the text that a filter on `name`, one of FIELDS, looks at."""
        return _FIELDS[name](self)


@dataclass(frozen=True, slots=True)
class EndedRow(ResultRow):
    """A run of one's own as its journal tells it: `ended` "failed" because of `signature`, "stopped", or well, ""."""

    ended: str = ""
    signature: str = ""

    @property
    def outcome_word(self) -> str:
        return self.ended or self.outcome.value

    @property
    def has_result(self) -> bool:
        return not self.ended

    @property
    def failure(self) -> str:
        return self.signature


def _harness(row: ResultRow) -> str:
    """Return "resolved differs" where the harness said resolved and we say otherwise; "" where it said nothing."""
    if row.harness_resolved is None:
        return ""
    said = "resolved" if row.harness_resolved else "unresolved"
    return f"{said} {'differs' if row.verdicts_differ else 'agrees' if row.is_verified else 'unchecked'}"


_FIELDS: dict[str, Callable[[ResultRow], str]] = {
    "task": lambda row: row.task,
    "repo": lambda row: row.repo,
    "model": lambda row: row.model,
    "run": lambda row: "" if row.run_number is None else str(row.run_number),
    "outcome": lambda row: outcome_words(row.outcome_word),
    "origin": lambda row: row.origin,
    "instance": lambda row: row.instance,
    "date": lambda row: row.started_at or "",
    "quality": lambda row: "good" if row.quality_good == row.quality_checks else "poor",
    "flag": lambda row: " ".join(row.flags),
    "valid": lambda row: "yes" if row.is_valid else "no",
    "folder": lambda row: row.folder,
    "harness": _harness,
    "failure": lambda row: row.failure,
    "state": lambda row: outcome_words(row.outcome_word),
}


_SHOWN_AS = {Outcome.EVAL_ERROR.value: "no verdict", Outcome.NO_PATCH.value: "no patch"}
OUTCOME_WORDS: tuple[str, ...] = (*Outcome, "failed", "stopped", *_SHOWN_AS.values())
"""What filters may call an outcome."""


def outcome_words(word: str) -> str:
    """Return an outcome by every name it has: JSON's, and the one that tables show."""
    return f"{word} {_SHOWN_AS[word]}" if word in _SHOWN_AS else word


class Condition(Protocol):
    """A term of the tables' filter: in `key`, or anywhere where it is "", one of `patterns`, or none if `is_not`."""

    @property
    def key(self) -> str: ...
    @property
    def patterns(self) -> tuple[re.Pattern[str], ...]: ...
    @property
    def is_not(self) -> bool: ...


def select(rows: Iterable[ResultRow], conditions: Sequence[Condition]) -> list[ResultRow]:
    """Return the rows for which all conditions hold."""
    found = list(rows)
    for condition in conditions:
        text = _FIELDS[condition.key] if condition.key else _searched
        patterns, is_not = condition.patterns, condition.is_not
        if len(patterns) == 1:
            search = patterns[0].search
            found = [row for row in found if (search(text(row)) is None) is is_not]
        else:
            found = [row for row in found if any(pattern.search(text(row)) for pattern in patterns) is not is_not]
    return found


def _searched(row: ResultRow) -> str:
    return row.search


_OUTCOME_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}
_SORT_VALUES: dict[str, Callable[[ResultRow], Any]] = {
    "task": lambda row: (row.repo, row.task) if row.task else None,
    "model": lambda row: row.model or None,
    "run": lambda row: row.run_number,
    "outcome": lambda row: _OUTCOME_ORDER[row.outcome],
    "f2p": lambda row: row.f2p_passed / row.f2p_listed if row.f2p_listed and row.f2p_passed is not None else None,
    "p2p": lambda row: row.p2p_passed / row.p2p_listed if row.p2p_listed and row.p2p_passed is not None else None,
    "patch": lambda row: row.patch_bytes,
    "history": lambda row: row.history,
    "cost": lambda row: row.cost,
    "time": lambda row: row.seconds,
    "date": lambda row: row.started_at,
    "quality": lambda row: row.quality_good - row.quality_checks,
    "flips": lambda row: row.flips,
    "harness": lambda row: (not row.verdicts_differ, not row.harness_resolved) if _harness(row) else None,
    "origin": lambda row: row.origin,
}
SORT_KEYS = tuple(_SORT_VALUES)


def sort_value(row: ResultRow, by: str) -> Any:
    """Return what one of SORT_KEYS sorts a row by; None is "not known"."""
    return _SORT_VALUES[by](row)


def order(rows: Iterable[ResultRow], by: str, *, descending: bool = False) -> list[ResultRow]:
    """Return the rows sorted by one of SORT_KEYS; those where it is not known stand last either way."""
    value = _SORT_VALUES[by]
    paired = [(value(row), row) for row in rows]
    known = [pair for pair in paired if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for found, row in paired if found is None]


GROUP_KEYS = ("task", "repo", "model", "run", "outcome", "origin", "instance", "date", "quality", "valid")


_GROUPED_BY: dict[str, Callable[[ResultRow], str]] = {
    "date": lambda row: (row.started_at or "")[:10],
    "outcome": lambda row: row.outcome_word,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that have one field in common."""

    key: str
    rows: tuple[ResultRow, ...]


def group(rows: Iterable[ResultRow], by: str) -> list[Group]:
    """Return the rows grouped by one of GROUP_KEYS, dates by day, groups in the order of their keys."""
    text = _GROUPED_BY.get(by) or _FIELDS[by]
    groups: dict[str, list[ResultRow]] = {}
    for row in rows:
        groups.setdefault(text(row), []).append(row)
    return [Group(key, tuple(groups[key])) for key in sorted(groups, key=_natural)]


def _natural(key: str) -> tuple[int, int, str]:
    return (0, int(key), "") if key.isascii() and key.isdigit() else (1, 0, key)


def row_of(result: AttemptResult, *, origin: Origin, folder: str, content: str, batch: str) -> ResultRow:
    """Return the row of a result whose files lie in `folder`."""
    summary, harness = result.summary, result.harness_verdict
    f2p, p2p = summary.f2p or (None, None), summary.p2p or (None, None)
    why = why_void(result.all_flags)
    started_at = result.provenance.started_at
    return ResultRow(
        key=f"{result.run}.{result.attempt}" if origin == "velora" else result.run,
        origin=origin,
        folder=folder,
        task=result.task,
        repo=result.repo,
        model=result.model,
        run_number=result.run_number,
        attempt=result.attempt,
        outcome=result.outcome,
        is_verified=result.is_verified,
        harness_resolved=harness.resolved if harness else None,
        flips=sum(flip.test is not None for flip in result.flips),
        f2p_passed=f2p[0],
        f2p_listed=f2p[1],
        p2p_passed=p2p[0],
        p2p_listed=p2p[1],
        tests_run=sum(summary.tests.model_dump().values()) if summary.tests else None,
        patch_bytes=summary.patch_bytes,
        history=summary.history,
        cost=summary.cost,
        seconds=total_seconds(result.phase_seconds.values()) if result.phase_seconds else None,
        started_at=_utc(started_at) if started_at else None,
        recorded_at=_utc(result.provenance.recorded_at),
        instance=result.provenance.instance,
        quality_good=sum(check.ok for check in summary.quality),
        quality_checks=len(summary.quality),
        is_valid=not why,
        why=why,
        flags=tuple(sorted({flag.id for flag in result.all_flags})),
        content=content,
        batch=batch,
    )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
