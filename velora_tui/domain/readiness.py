"""Whether an instance can take a run: the results of its checks."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict


class CheckStatus(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class CheckResult(BaseModel):
    """The answer of one check; `repair` is the id of the repair that mends it."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: CheckStatus
    blocking: bool
    detail: str = ""
    repair: str | None = None

    @property
    def blocks(self) -> bool:
        """A blocking check that could not be judged blocks too: unknown is never ok."""
        return self.blocking and self.status in {CheckStatus.FAIL, CheckStatus.UNKNOWN}


class Holder(BaseModel):
    """Who has an instance by the lease on it: an attempt of somebody's run, since when.

    `stale` ones may be taken over; `ours` is one that a Velora of this operator drives or may take up again.
    """

    model_config = ConfigDict(frozen=True)

    operator: str
    run: str
    attempt: int
    since: AwareDatetime
    stale: bool = False
    ours: bool = False
    reason: str = ""

    @property
    def is_foreign(self) -> bool:
        """Whether it keeps us from starting anything."""
        return not self.stale and not self.ours

    def __str__(self) -> str:
        since = f"{self.since.astimezone():%Y-%m-%d %H:%M}"
        return f"running since {since}, started by {self.operator}: run {self.run}, attempt {self.attempt}"


class Readiness(BaseModel):
    """All checks of one instance, who has it, and when that was asked."""

    model_config = ConfigDict(frozen=True)

    instance: str
    checks: tuple[CheckResult, ...]
    at: AwareDatetime
    holder: Holder | None = None

    @property
    def ready(self) -> bool:
        return not any(check.blocks for check in self.checks)

    @property
    def reason(self) -> str:
        """What stands in the way, or ""; of what could not even be asked, only that."""
        blocking = [check for check in self.checks if check.blocks]
        told = [check for check in blocking if check.detail] or blocking
        return "; ".join(f"{check.id}: {check.detail or check.status}" for check in told)
