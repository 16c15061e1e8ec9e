"""`velora.json`: what Velora says of one finished attempt, kept beside the harness's files."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from velora_tui.domain.events import Summary
from velora_tui.domain.report import Outcome, Verdict


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


class AttemptResult(BaseModel):
    """The verdict on an attempt with its evidence; `verdict` is None where there was no patch to judge."""

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
    phase_seconds: dict[str, float]
    provenance: Provenance
