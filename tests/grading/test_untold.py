"""Tests that a log names by their own titles alone have a result only where no other test can be meant."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from velora_tui.domain.report import Status
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade

HEAD = " RUN  v4.1.0 /repo\n\n ❯ a.test.js (2 tests | 1 failed) 3ms\n"
END = "\n Test Files  1 failed (1)\n      Tests  1 failed | 1 passed (2)\n"
FAILED_B = "\n⎯⎯ Failed Tests 1 ⎯⎯\n\n FAIL  a.test.js > b > x\nError: x\n\n⎯⎯[1/1]⎯\n"


def statuses(lines: Iterable[str], listed: Iterable[str], failures: str = "") -> list[Status]:
    names = tuple(f"a.test.js > {name}" for name in listed)
    task = Task(instance_id="t", repo="o/n", base_commit="c", pass_to_pass=names)
    log = HEAD + "".join(f"{line}\n" for line in lines) + failures + END
    verdict = grade(task, log.encode(), parser="javascript/parse_log_vitest")
    return [verdict.tests[name].status for name in names]


@pytest.mark.parametrize(
    ("lines", "listed", "failures", "expected"),
    [
        (["     ✓ x 1ms"], ["a > x"], "", [Status.PASSED]),
        (["     ✓ x 1ms", "     × x 1ms"], ["a > x", "b > x"], FAILED_B, [Status.PASSED, Status.FAILED]),
        (["     ✓ x 1ms", "     × x 1ms"], ["a > x", "b > x"], "", [Status.MISSING, Status.MISSING]),
        (["     ✓ x 1ms"], ["a > x", "b > x"], "", [Status.MISSING, Status.MISSING]),
        (["     ✓ x 1ms", "     ↓ x"], ["a > x", "b > x"], "", [Status.MISSING, Status.MISSING]),
        (["       ✓ x 1ms"], ["a > x"], "", [Status.MISSING]),
    ],
    ids=["only-one", "the-other-failed", "which-failed", "one-did-not-run", "which-was-skipped", "deeper"],
)
def test_a_title_alone(lines: list[str], listed: list[str], failures: str, expected: list[Status]) -> None:
    assert statuses(lines, listed, failures) == expected
