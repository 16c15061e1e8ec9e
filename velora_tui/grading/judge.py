"""The operators' quality list (SYSTEM.md, "Quality"), as one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from velora_tui.domain.report import Counts, QualityCheck

VALID_PATCH_BYTES = 100
GOOD_PATCH_BYTES = (1_000, 100_000)
GOOD_HISTORY_ENTRIES = (20, 200)


@dataclass(frozen=True)
class RunFacts:
    """What the files of a finished run hold; None where a file or field is missing."""

    patch_bytes: int = 0
    history_entries: int | None = None
    error: str | None = None  # the `error` of output.jsonl
    counts: Counts | None = None
    test_output_bytes: int | None = None
    fail_to_pass: int = 0  # how many tests each list has, successes and failures together
    pass_to_pass: int = 0
    critical_error: str | None = None  # why the evaluation can't be believed


@dataclass(frozen=True)
class _Check:
    id: str
    level: Literal["required", "advisory"]
    holds: Callable[[RunFacts], bool]
    detail: Callable[[RunFacts], str]


def judge(facts: RunFacts) -> tuple[QualityCheck, ...]:
    """Return every line of the quality list for one run, in the list's order."""
    return tuple(
        QualityCheck(id=check.id, ok=check.holds(facts), detail=check.detail(facts), level=check.level)
        for check in _CHECKS
    )


def _executed(facts: RunFacts) -> int:
    counts = facts.counts or Counts()
    return counts.passed + counts.failed + counts.error + counts.skipped


def _within(value: int | None, limits: tuple[int, int]) -> bool:
    return value is not None and limits[0] <= value <= limits[1]


def _history(facts: RunFacts) -> str:
    low, high = GOOD_HISTORY_ENTRIES
    entries = "no history" if facts.history_entries is None else f"{facts.history_entries:,} entries"
    return f"{entries}; {low} to {high} are good"


_CHECKS = (
    _Check(
        "patch-valid",
        "required",
        lambda facts: facts.patch_bytes > VALID_PATCH_BYTES,
        lambda facts: f"{facts.patch_bytes:,} bytes; over {VALID_PATCH_BYTES} is valid",
    ),
    _Check(
        "patch-size",
        "advisory",
        lambda facts: _within(facts.patch_bytes, GOOD_PATCH_BYTES),
        lambda facts: f"{facts.patch_bytes:,} bytes; 1 KB to 100 KB is good",
    ),
    _Check("history-length", "advisory", lambda facts: _within(facts.history_entries, GOOD_HISTORY_ENTRIES), _history),
    _Check(
        "no-agent-error",
        "required",
        lambda facts: not facts.error,
        lambda facts: f"output.jsonl: {facts.error[:200]}" if facts.error else "no error in output.jsonl",
    ),
    _Check(
        "tests-executed",
        "required",
        lambda facts: _executed(facts) > 0,
        lambda facts: f"{_executed(facts):,} tests executed",
    ),
    _Check(
        "test-output",
        "required",
        lambda facts: bool(facts.test_output_bytes),
        lambda facts: "no test output" if not facts.test_output_bytes else f"{facts.test_output_bytes:,} bytes",
    ),
    _Check(
        "lists-filled",
        "required",
        lambda facts: facts.fail_to_pass > 0 and facts.pass_to_pass > 0,
        lambda facts: f"{facts.fail_to_pass:,} FAIL_TO_PASS, {facts.pass_to_pass:,} PASS_TO_PASS",
    ),
    _Check(
        "no-critical-error",
        "required",
        lambda facts: not facts.critical_error,
        lambda facts: facts.critical_error or "the evaluation ran to its end",
    ),
)
