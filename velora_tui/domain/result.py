"""`velora.json`: what Velora says of one finished attempt, kept beside the harness's files."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from velora_tui.domain.events import Summary
from velora_tui.domain.report import Counts, Flag, Outcome, Verdict


class Provenance(BaseModel):
    """Who made the attempt, when, where and with what."""

    model_config = ConfigDict(frozen=True)

    by: str
    instance: str
    host: str
    started_at: AwareDatetime | None
    recorded_at: AwareDatetime
    recipe: str
    image: str
    velora_version: str


class HarnessVerdict(BaseModel):
    """What the users' harness itself said of a run; None is "it did not say"."""

    model_config = ConfigDict(frozen=True)

    resolved: bool | None = None
    f2p: tuple[int, int] | None = None
    p2p: tuple[int, int] | None = None
    tests: Counts | None = None


class AttemptResult(BaseModel):
    """The verdict on an attempt with its evidence; `verdict` is None where there was no patch to judge.

    Where `harness_verdict` and `verdict` differ, `verdict` counts. `flags` are about the run, not about its tests.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    run: str
    attempt: int
    task: str
    repo: str
    model: str
    run_number: int
    outcome: Outcome
    summary: Summary
    verdict: Verdict | None
    harness_verdict: HarnessVerdict | None = None
    verdicts_differ: bool = False
    flags: tuple[Flag, ...] = ()
    phase_seconds: dict[str, float]
    provenance: Provenance

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """What a reader should know: of the run first, then of the verdict."""
        return (*self.flags, *(self.verdict.flags if self.verdict else ()))
