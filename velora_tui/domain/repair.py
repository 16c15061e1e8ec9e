"""A repair: what it will do, as it is shown before anybody agrees to it, and what it did. Plain data."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from velora_tui.domain.readiness import CheckResult, CheckStatus


class Affected(BaseModel):
    """A thing that a repair changes or removes: a file, a container, an image, a process, a lease."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    size_bytes: int | None = None
    detail: str = ""


class RepairStep(BaseModel):
    """One command of a repair: `what` in plain words, `command` exactly as `sh` gets it on the instance.

    `upload` is the local file that it reads from standard input, whose content has this SHA-256.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    command: str
    time_limit_seconds: float = 60.0
    upload: Path | None = None
    sha256: str | None = None


class RepairPlan(BaseModel):
    """What a repair will do on one instance. Without steps, `nothing_to_do` or `refused` says why.

    `check` is the id of the check that it mends, where there is one; `frees` tells whether it is there to free disk.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    repair: str
    title: str
    check: str | None = None
    steps: tuple[RepairStep, ...] = ()
    affected: tuple[Affected, ...] = ()
    notes: tuple[str, ...] = ()
    frees: bool = False
    nothing_to_do: str = ""
    refused: str = ""

    @property
    def frees_bytes(self) -> int | None:
        """How much it frees at most; None where it frees nothing. Images may share parts, so it can be less."""
        return sum(thing.size_bytes or 0 for thing in self.affected) if self.frees else None

    def does_the_same(self, other: RepairPlan) -> bool:
        """Tell whether `other` would do exactly this; things may have grown or been renamed since."""
        return self.refused == other.refused and self.steps == other.steps


class RepairResult(BaseModel):
    """What a repair did on one instance: the steps that ended well, its check before and after, and what went wrong.

    `freed_bytes` is measured; it is None where nothing was to be freed, or where it could not be measured.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    repair: str
    check: str | None = None
    before: CheckResult | None = None
    after: CheckResult | None = None
    done: tuple[str, ...] = ()
    freed_bytes: int | None = None
    error: str = ""

    @property
    def mended(self) -> bool:
        """Whether all went well and its check, where it has one, is satisfied."""
        return not self.error and (self.after.status is CheckStatus.OK if self.after else self.check is None)
