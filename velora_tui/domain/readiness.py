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


class Readiness(BaseModel):
    """All checks of one instance, and when they were made."""

    model_config = ConfigDict(frozen=True)

    instance: str
    checks: tuple[CheckResult, ...]
    at: AwareDatetime

    @property
    def ready(self) -> bool:
        return not any(check.blocks for check in self.checks)

    @property
    def reason(self) -> str:
        """What stands in the way, or ""."""
        return "; ".join(f"{check.id}: {check.detail}" for check in self.checks if check.blocks)
