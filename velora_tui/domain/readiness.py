"""Whether an instance can take a run: the results of its checks, and how its critical files compare."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

# The checks that Velora brings, in the order in which people read them. Other checks come from the fleet file.
BUILT_IN_CHECKS = (
    "ssh",
    "script",
    "poetry",
    "docker",
    "disk",
    "busy",
    "files",
    "git",
    "datasets",
    "config",
    "llm-key",
    "env",
    "aws",
    "credentials",
    "image",
    "cached",
    "docker-disk",
    "load",
    "memory",
    "clock",
)
OWN_REPAIR_PREFIX = "own:"  # a check of the fleet file with a repair command names it `own:CHECK`


class CheckStatus(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class CheckResult(BaseModel):
    """The answer of one check; `repair` is the id of the repair that mends it, None where nothing is to be mended.

    `output` is what the probe printed, cut; it is foreign text. `at` is when it answered, `since` when this status
    was seen first.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: CheckStatus
    blocking: bool
    detail: str = ""
    repair: str | None = None
    output: str = ""
    at: AwareDatetime | None = None
    since: AwareDatetime | None = None

    @property
    def blocks(self) -> bool:
        """A blocking check that could not be judged blocks too: unknown is never ok."""
        return self.blocking and self.status in {CheckStatus.FAIL, CheckStatus.UNKNOWN}


REPAIR_LEASE_PREFIX = "repair-"
"""How the run of a lease is called that a repair holds while it works."""


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

    @property
    def is_repair(self) -> bool:
        """Whether it is no run's: somebody mends the instance."""
        return self.run.startswith(REPAIR_LEASE_PREFIX)

    def __str__(self) -> str:
        since = f"{self.since.astimezone():%Y-%m-%d %H:%M}"
        if self.is_repair:
            return f"being repaired since {since}, by {self.operator}: {self.run.rpartition('-')[0]}"
        return f"running since {since}, started by {self.operator}: run {self.run}, attempt {self.attempt}"


class Readiness(BaseModel):
    """All checks of one instance, who has it, and when that was asked; answers to `asking` are still to come."""

    model_config = ConfigDict(frozen=True)

    instance: str
    checks: tuple[CheckResult, ...]
    at: AwareDatetime
    holder: Holder | None = None
    asking: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        return not any(check.blocks for check in self.checks)

    @property
    def reason(self) -> str:
        """What stands in the way, or ""; of what could not even be asked, only that."""
        blocking = [check for check in self.checks if check.blocks]
        told = [check for check in blocking if check.detail] or blocking
        return "; ".join(f"{check.id}: {check.detail or check.status}" for check in told)

    def check(self, check_id: str) -> CheckResult | None:
        """Return the result of that check, if it was asked."""
        return next((check for check in self.checks if check.id == check_id), None)


FileState = Literal["good", "differs", "there", "missing", "unknown"]
GoodCopyState = Literal["good", "differs", "missing"]


class FileCopy(BaseModel):
    """A critical file on one instance.

    `state` compares it with what is expected: "there" where nothing is, "unknown" where the instance did not tell.
    `odd` is set where it differs from the expected, or else from what most instances have.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    state: FileState
    sha256: str | None = None
    md5: str | None = None
    executable: bool | None = None
    odd: bool = False
    detail: str = ""


class FileRow(BaseModel):
    """One critical file across the fleet. `good_copy` is None where the fleet file names no source."""

    model_config = ConfigDict(frozen=True)

    path: str
    expected: str | None  # "md5:…" or "sha256:…"
    good_copy: GoodCopyState | None
    copies: tuple[FileCopy, ...]

    @property
    def is_consistent(self) -> bool:
        return not any(copy.odd for copy in self.copies)


class FileReport(BaseModel):
    """The critical files of all instances side by side."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[FileRow, ...]
