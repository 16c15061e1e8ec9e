"""The operators' quality list: is a trajectory good, is an evaluation good. A new rule is one new entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from velora_tui.domain.report import QualityCheck, Verdict

PATCH_BYTES = (1_000, 100_000)
HISTORY_ENTRIES = (20, 200)
VALID_PATCH_BYTES = 100


@dataclass(frozen=True)
class Facts:
    """What is known of an attempt; sizes in bytes. `verdict` and `test_output_bytes` are None without a patch."""

    patch_bytes: int
    history_entries: int
    trajectory_error: str | None
    verdict: Verdict | None
    test_output_bytes: int | None


@dataclass(frozen=True)
class Rule:
    """One line of the list: `holds` returns whether it does, and what was seen."""

    id: str
    level: Literal["required", "advisory"]
    holds: Callable[[Facts], tuple[bool, str]]


def judge(facts: Facts) -> tuple[QualityCheck, ...]:
    """Return every quality check for an attempt."""
    return tuple(_checked(rule, facts) for rule in RULES)


def _checked(rule: Rule, facts: Facts) -> QualityCheck:
    ok, detail = rule.holds(facts)
    return QualityCheck(id=rule.id, ok=ok, detail=detail, level=rule.level)


def _patch_size(facts: Facts) -> tuple[bool, str]:
    low, high = PATCH_BYTES
    return low <= facts.patch_bytes <= high, f"{facts.patch_bytes:,} bytes, good is {low:,} to {high:,}"


def _patch_valid(facts: Facts) -> tuple[bool, str]:
    return facts.patch_bytes > VALID_PATCH_BYTES, f"{facts.patch_bytes:,} bytes, over {VALID_PATCH_BYTES} is valid"


def _history(facts: Facts) -> tuple[bool, str]:
    low, high = HISTORY_ENTRIES
    return low <= facts.history_entries <= high, f"{facts.history_entries} entries, good is {low} to {high}"


def _no_error(facts: Facts) -> tuple[bool, str]:
    return facts.trajectory_error is None, (facts.trajectory_error or "no error in output.jsonl")[:200]


def _tests_ran(facts: Facts) -> tuple[bool, str]:
    if facts.verdict is None:
        return False, "not evaluated"
    counts = facts.verdict.counts
    number = counts.passed + counts.failed + counts.error + counts.skipped
    return number > 0, f"{number:,} tests ran"


def _output(facts: Facts) -> tuple[bool, str]:
    size = facts.test_output_bytes or 0
    return size > 0, f"test output of {size:,} bytes"


def _lists(facts: Facts) -> tuple[bool, str]:
    if facts.verdict is None:
        return False, "not evaluated"
    f2p, p2p = facts.verdict.fail_to_pass.fraction, facts.verdict.pass_to_pass.fraction
    return f2p[1] > 0 and p2p[1] > 0, f"F2P {f2p[0]}/{f2p[1]}, P2P {p2p[0]}/{p2p[1]}"


def _gradeable(facts: Facts) -> tuple[bool, str]:
    if facts.verdict is None:
        return False, "not evaluated"
    return facts.verdict.gradeable, facts.verdict.reason or "the log can be graded"


RULES: tuple[Rule, ...] = (
    Rule("patch-valid", "required", _patch_valid),
    Rule("patch-size", "advisory", _patch_size),
    Rule("history-length", "advisory", _history),
    Rule("trajectory-error", "required", _no_error),
    Rule("tests-ran", "required", _tests_ran),
    Rule("test-output", "required", _output),
    Rule("lists-filled", "required", _lists),
    Rule("gradeable", "required", _gradeable),
)
