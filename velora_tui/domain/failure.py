"""Why an attempt did not finish, and what is suspicious about one that did."""

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
    """A classified failure: its signature names the cause, `line` is the evidence in the phase's log (1-based).

    `repair` is the id of the repair that mends the cause on the instance, where there is one.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    failure_class: FailureClass = Field(alias="class", serialization_alias="class")
    signature: str
    message: str
    remedy: str
    phase: str | None = None
    line: int | None = None
    evidence: str | None = None
    repair: str | None = None


class Finding(BaseModel):
    """Something suspicious about a result: whose doing it is, why, and the line that shows it.

    `file` is a path in the attempt's tree, `line` a 1-based line of it.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str
    failure_class: FailureClass = Field(alias="class", serialization_alias="class")
    cause: str
    remedy: str
    evidence: str | None = None
    file: str | None = None
    line: int | None = None
    repair: str | None = None


class FailedAttempt(BaseModel):
    """A failure, and where it happened; `instance` None is an attempt that never got one."""

    model_config = ConfigDict(frozen=True)

    run: str
    attempt: int
    instance: str | None
    task: str
    model: str
    failure: Failure


class FailureGroup(BaseModel):
    """Failures of one cause, latest last; `words` is what those of an unknown cause have in common."""

    model_config = ConfigDict(frozen=True)

    signature: str
    failure_class: FailureClass
    message: str
    remedy: str
    repair: str | None
    words: str | None
    members: tuple[FailedAttempt, ...]

    @property
    def instances(self) -> tuple[str, ...]:
        """The instances concerned, each once, in the order of the members."""
        return tuple(dict.fromkeys(member.instance for member in self.members if member.instance is not None))
