"""The protocol of a phase, what it is given, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from velora_tui.domain.events import Summary
from velora_tui.domain.failure import Failure
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run
from velora_tui.domain.task import Task
from velora_tui.errors import VeloraError
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import JobRunner
from velora_tui.hosts.patience import OnBreak
from velora_tui.images.s3 import ImageStore
from velora_tui.pipeline.phase_log import PhaseLog

Progress = Callable[[int, int | None, str, str], None]


class PhaseFailed(VeloraError):
    """A phase did not succeed, for a reason that is classified; `seconds` as in PhaseResult."""

    title = "phase failed"

    def __init__(self, failure: Failure, seconds: float | None = None) -> None:
        super().__init__(failure.message, hint=failure.remedy, phase=failure.phase)
        self.failure = failure
        self.seconds = seconds


@dataclass(frozen=True)
class PhaseResult:
    """How a phase succeeded; the last phase of a recipe sets `outcome` and `summary`.

    `seconds` is how long its work took by the instance's clock, which ran on where nobody watched; None: not known.
    """

    detail: str = ""
    skipped: bool = False
    outcome: Outcome | None = None
    summary: Summary | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class PhaseContext:
    """All that a phase works with. `remote` and `out` are folders on the instance, `work` is one of ours."""

    phase: str
    run: Run
    attempt: int
    task: Task
    fleet: Fleet
    instance: Instance
    host: Host
    jobs: JobRunner
    images: ImageStore
    log: PhaseLog
    progress: Progress  # done, total, unit, detail
    on_break: OnBreak
    work: Path
    results: Path
    time_limit_seconds: float

    @property
    def remote(self) -> str:
        """The attempt's folder on the instance."""
        return remote_folder(self.run.run, self.attempt)

    @property
    def out(self) -> str:
        """Where the harness's output tree grows on the instance."""
        return f"{self.remote}/out"

    def spool(self, job: str) -> str:
        """Return the folder of a job on the instance."""
        return f"{self.remote}/{job}"


class Phase(Protocol):
    """A step of an attempt. `resume` takes up what an earlier process left; both may be cancelled at any await."""

    name: str
    job: str | None  # the job that does its work on the instance; phases may share one

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        """Do the phase's work. Raises PhaseFailed and other VeloraErrors."""

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        """Go on with the work that an earlier process began. Raises as `run` does."""


def remote_folder(run: str, attempt: int) -> str:
    """Return the folder of an attempt on its instance."""
    return f"~/.velora/runs/{run}.{attempt}"
