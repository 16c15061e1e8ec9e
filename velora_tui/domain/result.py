"""`velora.json`: what Velora says of one finished attempt, kept beside the harness's files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from velora_tui.domain.events import Summary
from velora_tui.domain.report import Counts, Flag, Outcome, Status, Verdict

EVALUATION_FAILED = "evaluation-failed"
"""The flag of a result whose evaluation ran no test, which is not the model's doing."""
_VOIDING_FLAGS = frozenset(
    {"agent-error", "task-unknown", "other-patch-evaluated", "not-evaluated", "lists-cut", EVALUATION_FAILED}
)


def why_void(flags: Iterable[Flag]) -> str:
    """Return why a result with these flags says nothing about its model, or "".

    An unresolved run is a valid result, and so are one without a patch, unless its agent died of an error, and one
    whose patch broke the tests so that none can be graded.
    """
    return next((flag.detail for flag in flags if flag.id in _VOIDING_FLAGS), "")


class Provenance(BaseModel):
    """Who made the attempt, when, where and with what; "" and None are "not known", as often of imported runs.

    `source` is the folder that an imported run was found in.
    """

    model_config = ConfigDict(frozen=True)

    by: str
    instance: str
    host: str
    started_at: AwareDatetime | None
    recorded_at: AwareDatetime
    recipe: str
    image: str
    velora_version: str
    source: str = ""


class HarnessVerdict(BaseModel):
    """What the users' harness itself said of a run; None is "it did not say"."""

    model_config = ConfigDict(frozen=True)

    resolved: bool | None = None
    f2p: tuple[int, int] | None = None
    p2p: tuple[int, int] | None = None
    tests: Counts | None = None


def verdicts_differ(harness: HarnessVerdict | None, verdict: Verdict | None) -> bool:
    """Whether the harness counts a run otherwise than we; `verdict` None: there was no patch to judge.

    It does too where it counts as unresolved, on its lists, what can't be graded.
    """
    if harness is None or harness.resolved is None:
        return False
    if harness.resolved is not (verdict is not None and verdict.resolved):
        return True
    return verdict is not None and not verdict.gradeable and harness.f2p is not None and harness.f2p[1] > 0


class Flip(BaseModel):
    """A listed test, or with `test` None the whole run, that the harness and we judge differently, and why.

    `rule` names what the harness did, `status` is what the log shows.
    """

    model_config = ConfigDict(frozen=True)

    rule: str
    detail: str
    harness_passed: bool
    test: str | None = None
    status: Status | None = None


class AttemptResult(BaseModel):
    """The verdict on an attempt with its evidence.

    `verdict` is None where there was no patch to judge or, whatever the parser, nothing printed to read, and where an
    imported run could not be graded again: then `outcome` is what the harness said, and `is_verified` is false. Where
    `harness_verdict` and `verdict` differ, `verdict` counts, and `flips` says why. `flags` are about the run, not about
    its tests. An unknown task or model is "", an unknown run number None.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    run: str
    attempt: int
    task: str
    repo: str
    model: str
    run_number: int | None
    outcome: Outcome
    summary: Summary
    verdict: Verdict | None
    harness_verdict: HarnessVerdict | None = None
    verdicts_differ: bool = False
    is_verified: bool = True
    flips: tuple[Flip, ...] = ()
    flags: tuple[Flag, ...] = ()
    phase_seconds: dict[str, float]
    provenance: Provenance

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """What a reader should know: of the run first, then of the verdict."""
        return (*self.flags, *(self.verdict.flags if self.verdict else ()))
