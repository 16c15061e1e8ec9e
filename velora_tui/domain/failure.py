"""Why an attempt did not finish."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FailureClass(StrEnum):
    INFRASTRUCTURE = "infrastructure"
    AGENT = "agent"
    TASK = "task"
    OPERATOR = "operator"
    BUG = "bug"


class Failure(BaseModel):
    """A classified failure: its signature names the cause, `line` is the evidence in the phase's log (1-based)."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    failure_class: FailureClass = Field(alias="class", serialization_alias="class")
    signature: str
    message: str
    remedy: str
    phase: str | None = None
    line: int | None = None
    evidence: str | None = None
