"""Everything that changes state, as immutable events; and notices, which change nothing and are not kept.

An event's JSON form is what `--json` streams; `seq` is its place in the journal (0 until it is appended).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from velora_tui.domain.failure import Failure
from velora_tui.domain.names import SafeName
from velora_tui.domain.readiness import CheckResult, Holder, Readiness
from velora_tui.domain.repair import Affected
from velora_tui.domain.report import Counts, Outcome, QualityCheck


def now() -> datetime:
    """Return the time as events carry it: aware, in UTC."""
    return datetime.now(UTC)


class PhaseState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"


class AttemptState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        return self in {AttemptState.FINISHED, AttemptState.FAILED, AttemptState.STOPPED}


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Summary(Frozen):
    """What an attempt showed in numbers; None is "not known", (succeeded, listed) for F2P and P2P.

    `void` says why the result says nothing about its model; "" where it does.
    """

    f2p: tuple[int, int] | None = None
    p2p: tuple[int, int] | None = None
    tests: Counts | None = None
    patch_bytes: int | None = None
    history: int | None = None
    cost: float | None = None
    quality: tuple[QualityCheck, ...] = ()
    void: str = ""


class Event(Frozen):
    seq: int = 0
    at: AwareDatetime = Field(default_factory=now)


class RunEvent(Event):
    run: SafeName


class AttemptEvent(RunEvent):
    attempt: int = Field(ge=1)


class RunCreated(RunEvent):
    event: Literal["run_created"] = "run_created"
    task: SafeName
    repo: str
    model: SafeName
    run_number: int = Field(ge=1)
    recipe: str
    max_iterations: int
    dataset: str
    by: str


class AttemptQueued(AttemptEvent):
    event: Literal["attempt_queued"] = "attempt_queued"
    phases: tuple[str, ...]
    instance: str | None = None  # None: any
    from_phase: str | None = None
    force: bool = False


class AttemptStarted(AttemptEvent):
    event: Literal["attempt_started"] = "attempt_started"
    instance: str
    by: str


class PhaseStarted(AttemptEvent):
    event: Literal["phase_started"] = "phase_started"
    phase: str
    time_limit_seconds: float | None = None


class PhaseFinished(AttemptEvent):
    event: Literal["phase_finished"] = "phase_finished"
    phase: str
    state: PhaseState
    seconds: float = 0.0
    detail: str = ""
    failure: Failure | None = None
    outcome: Outcome | None = None  # where this phase showed it
    summary: Summary | None = None


class StopRequested(AttemptEvent):
    event: Literal["stop_requested"] = "stop_requested"
    by: str


class AttemptDetached(AttemptEvent):
    """The operator's process let go; what runs on the instance goes on."""

    event: Literal["attempt_detached"] = "attempt_detached"
    phase: str | None = None


class AttemptAttached(AttemptEvent):
    event: Literal["attempt_attached"] = "attempt_attached"
    by: str


class AttemptFinished(AttemptEvent):
    event: Literal["attempt_finished"] = "attempt_finished"
    state: Literal[AttemptState.FINISHED, AttemptState.FAILED, AttemptState.STOPPED]
    outcome: Outcome | None = None
    summary: Summary = Summary()
    failure: Failure | None = None
    results: str | None = None


class InstanceChecked(Event):
    event: Literal["instance_checked"] = "instance_checked"
    instance: str
    checks: tuple[CheckResult, ...]
    holder: Holder | None = None


class CommandRan(Event):
    """What Velora did on an instance and what for: the audit trail."""

    event: Literal["command_ran"] = "command_ran"
    instance: str
    purpose: str
    command: str
    by: str
    run: str | None = None  # where it is a step of a run


class RepairStarted(Event):
    """A repair that somebody asked for begins: what it will do, step by step, and to what."""

    event: Literal["repair_started"] = "repair_started"
    instance: str
    repair: str
    check: str | None = None
    steps: tuple[str, ...]
    affected: tuple[Affected, ...] = ()
    by: str


class RepairEnded(Event):
    """A repair is over, well or not; its check before and after, where it mends one."""

    event: Literal["repair_ended"] = "repair_ended"
    instance: str
    repair: str
    check: str | None = None
    before: CheckResult | None = None
    after: CheckResult | None = None
    done: tuple[str, ...] = ()
    freed_bytes: int | None = None
    error: str = ""
    mended: bool = False
    by: str


AnyEvent = Annotated[
    RunCreated
    | AttemptQueued
    | AttemptStarted
    | PhaseStarted
    | PhaseFinished
    | StopRequested
    | AttemptDetached
    | AttemptAttached
    | AttemptFinished
    | InstanceChecked
    | CommandRan
    | RepairStarted
    | RepairEnded,
    Field(discriminator="event"),
]

EVENT_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class LogGrew(Frozen):
    """Notice: the log of a phase has `size` bytes, since `at`."""

    run: str
    attempt: int
    phase: str
    size: int
    at: AwareDatetime = Field(default_factory=now)


class PhaseProgressed(Frozen):
    """Notice: how far a phase is; `total` is None where unknown; `unit` is "bytes", "steps", "files" or "tests"."""

    run: str
    attempt: int
    phase: str
    done: int
    total: int | None
    unit: str
    detail: str = ""
    at: AwareDatetime = Field(default_factory=now)


class ConnectionState(StrEnum):
    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    UNREACHABLE = "unreachable"


class ConnectionChanged(Frozen):
    """Notice: the connection to an instance."""

    instance: str
    state: ConnectionState
    detail: str = ""
    at: AwareDatetime = Field(default_factory=now)


class ChecksAnswered(Frozen):
    """Notice: some checks of an instance have been asked or answered; the rest of `readiness` is as it was."""

    instance: str
    readiness: Readiness


class DriveBroken(Frozen):
    """Notice: this process can't go on with an attempt, as on a full disk; its job goes on, and it can be taken up."""

    run: str
    attempt: int
    message: str


class AttemptWaits(Frozen):
    """Notice: an attempt waits for an instance that somebody else has; `message` says who."""

    run: str
    attempt: int
    instance: str
    message: str


Notice = LogGrew | PhaseProgressed | ConnectionChanged | ChecksAnswered | DriveBroken | AttemptWaits
