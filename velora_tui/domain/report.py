"""What a graded run showed: test statuses, verdict, evidence, quality."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Status(StrEnum):
    """The status of one test; MISSING is given to a listed test that the log does not show."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    XFAIL = "XFAIL"
    XPASS = "XPASS"
    MISSING = "MISSING"


class Outcome(StrEnum):
    """What a finished run showed; none of these is a failure of the run."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    NO_PATCH = "no_patch"
    EVAL_ERROR = "eval_error"


class Evidence(BaseModel):
    """Where a status was read: 1-based line, byte offset of that line, and the parser's rule."""

    model_config = ConfigDict(frozen=True)

    line: int
    offset: int
    rule: str


class TestResult(BaseModel):
    """One test of the log, or one listed test that is missing from it."""

    __test__ = False  # pytest must not collect it
    model_config = ConfigDict(frozen=True)

    name: str
    status: Status
    evidence: Evidence | None = None


class ListVerdict(BaseModel):
    """The listed tests of FAIL_TO_PASS or PASS_TO_PASS, in the dataset's order, split by success."""

    model_config = ConfigDict(frozen=True)

    success: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()

    @property
    def fraction(self) -> tuple[int, int]:
        """Return (succeeded, listed)."""
        return len(self.success), len(self.success) + len(self.failure)


class Counts(BaseModel):
    """How many tests of the log passed (XFAIL and XPASS included), failed, errored, were skipped."""

    model_config = ConfigDict(frozen=True)

    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0


class Flag(BaseModel):
    """Something about a verdict that a reader should know; it names the test where there is one."""

    model_config = ConfigDict(frozen=True)

    id: str
    detail: str
    test: str | None = None


class Verdict(BaseModel):
    """A graded log. `tests` holds every test of the log and every listed test that is missing."""

    model_config = ConfigDict(frozen=True)

    instance_id: str
    parser: str
    gradeable: bool
    resolved: bool
    tests: dict[str, TestResult]
    fail_to_pass: ListVerdict
    pass_to_pass: ListVerdict
    counts: Counts
    flags: tuple[Flag, ...] = ()
    reason: str | None = None  # why the log can't be graded

    @property
    def outcome(self) -> Outcome:
        if not self.gradeable:
            return Outcome.EVAL_ERROR
        return Outcome.RESOLVED if self.resolved else Outcome.UNRESOLVED


class QualityCheck(BaseModel):
    """One line of the operators' quality list."""

    model_config = ConfigDict(frozen=True)

    id: str
    ok: bool
    detail: str
    level: Literal["required", "advisory"] = "advisory"
