"""Drive one attempt through its phases: follow, time-limit, stop, let go, and journal every step."""

from __future__ import annotations

import asyncio
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass

from velora_tui.domain.events import (
    AttemptDetached,
    AttemptFinished,
    AttemptState,
    CommandRan,
    LogGrew,
    PhaseFinished,
    PhaseProgressed,
    PhaseStarted,
    PhaseState,
    Summary,
    now,
)
from velora_tui.domain.failure import Failure
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.task import Task
from velora_tui.engine.audited_jobs import AuditedJobs
from velora_tui.engine.carry_over import carry_over
from velora_tui.engine.ledger import Ledger
from velora_tui.engine.machines import Machines
from velora_tui.errors import HostError, IllegalTransition, NotWritten, VeloraError
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.lease import operator
from velora_tui.hosts.patience import OUTAGE_SECONDS, through_breaks
from velora_tui.images.s3 import ImageStore
from velora_tui.pipeline.failures import bug_failure, failure_of, full_disk_failure, time_limit_failure
from velora_tui.pipeline.limits import time_limit_seconds, together_seconds
from velora_tui.pipeline.phase import Phase, PhaseContext, PhaseFailed, PhaseResult
from velora_tui.pipeline.phase_log import PhaseLog
from velora_tui.pipeline.recipes import recipe
from velora_tui.store.layout import Layout

STOP_GRACE_SECONDS = 5.0
_OVERTIME_SECONDS = 30.0  # a job ends itself at its limit; only then do we


_FREE_KIB = 'df -Pk .velora | { read -r head; read -r disk total used free rest; echo "$free"; }'
_FULL_KIB = 64


@dataclass(frozen=True)
class Workshop:
    """What all attempts of an engine share."""

    fleet: Fleet
    layout: Layout
    ledger: Ledger
    machines: Machines
    images: ImageStore


class AttemptDriver:
    """Drives the attempt of a run that has been started on an instance."""

    def __init__(self, workshop: Workshop, host: Host, run: Run, attempt: Attempt, task: Task) -> None:
        assert attempt.instance is not None
        self._shop = workshop
        self._run = run
        self._number = attempt.number
        self._task = task
        self._instance = workshop.machines.instance(attempt.instance)
        self._host = host
        self._jobs = AuditedJobs(DetachedJobs(host), self._audit)
        self._stop = asyncio.Event()

    async def _audit(self, purpose: str, command: str) -> None:
        """Journal what is about to be done on the instance."""
        ran = CommandRan(
            instance=self._instance.name, purpose=purpose, command=command, by=operator(), run=self._run.run
        )
        await self._shop.ledger.record(ran)

    def request_stop(self) -> None:
        """Have the attempt stopped: its phase is cancelled, its job ended on the instance."""
        self._stop.set()

    async def drive(self) -> AttemptFinished:
        """Go through the phases that are not done and return how the attempt ended, for the caller to journal.

        Cancelled, it journals that it let go; jobs on the instance go on.
        """
        try:
            await self._carry_over()
            for phase in self._pending_phases():
                await self._phase(phase)
        except _Ended as end:
            return self._finished(end.state, end.failure)
        except asyncio.CancelledError:
            await self._detach()
            raise
        except NotWritten:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of an attempt: its bug fails no other attempt
            return self._finished(AttemptState.FAILED, _failure(error, None))
        return self._finished(AttemptState.FINISHED)

    def _attempt(self) -> Attempt:
        return self._shop.ledger.runs[self._run.run].attempts[self._number - 1]

    def _pending_phases(self) -> list[Phase]:
        done = {phase.name for phase in self._attempt().phases if phase.is_done}
        return [phase for phase in recipe(self._run.recipe).phases if phase.name not in done]

    async def _carry_over(self) -> None:
        """For a retry from a phase: take the earlier phases' files from the last attempt on the same instance."""
        attempt = self._attempt()
        first = attempt.from_phase or attempt.phases[0].name
        if first == attempt.phases[0].name or attempt.phase(first).state is not PhaseState.PENDING:
            return
        run = self._shop.ledger.runs[self._run.run]
        try:
            await carry_over(self._host, self._shop.layout, run, self._number, first)
        except VeloraError as error:
            raise _Ended(AttemptState.FAILED, _failure(error, None)) from None
        for phase in attempt.phases[: [phase.name for phase in attempt.phases].index(first)]:
            if not phase.is_done:
                await self._end_phase(phase.name, PhaseState.SKIPPED, detail=f"kept from attempt {self._number - 1}")

    async def _phase(self, phase: Phase) -> None:
        """Run one phase to its end and journal it. Raises _Ended where the attempt ends with it."""
        resuming = self._attempt().phase(phase.name).state is PhaseState.RUNNING
        limit = time_limit_seconds(self._shop.fleet, phase.name)
        if not resuming:
            await self._record(
                PhaseStarted(run=self._run.run, attempt=self._number, phase=phase.name, time_limit_seconds=limit)
            )
        context = self._context(phase.name, limit)
        started = time.monotonic() - (self._seconds_since_start(phase) if resuming else 0.0)
        try:
            result = await self._watched(phase, context, resuming)
        except _StopRequested:
            await self._stop_phase(phase, context, time.monotonic() - started)
            raise _Ended(AttemptState.STOPPED, None) from None
        except NotWritten:
            raise  # our own disk: the attempt goes on without us until there is room
        except Exception as error:  # noqa: BLE001 - the boundary of a phase: classified, journalled, told
            await self._fail_phase(phase, context, error, _lasted(error, started))
        finally:
            context.log.close()
        state = PhaseState.SKIPPED if result.skipped else PhaseState.SUCCEEDED
        seconds = _lasted(result, started)
        await self._end_phase(phase.name, state, seconds, result.detail, outcome=result.outcome, summary=result.summary)

    async def _watched(self, phase: Phase, context: PhaseContext, resuming: bool) -> PhaseResult:
        """Await the phase, its time limit, or a stop, whichever comes first."""
        work = asyncio.create_task(self._persistent(phase, context, resuming))
        stop = asyncio.create_task(self._stop.wait())
        try:
            limit = self._job_seconds(phase) + _OVERTIME_SECONDS
            while not (await asyncio.wait({work, stop}, timeout=limit, return_when=asyncio.FIRST_COMPLETED))[0]:
                if not self._shop.machines.is_reconnecting(self._instance.name):
                    break
                limit = _OVERTIME_SECONDS  # what the job did in time is still to be heard of
            if work.done():
                return work.result()
            if stop.done():
                raise _StopRequested
            if phase.job:
                await self._jobs.stop(context.spool(phase.job), grace_seconds=STOP_GRACE_SECONDS)
            raise TimeoutError
        finally:
            work.cancel()
            stop.cancel()
            await asyncio.wait({work, stop})

    def _job_seconds(self, phase: Phase) -> float:
        """Return how long the phase's job may take; one that phases share keeps their limits itself."""
        sharing = [other.name for other in recipe(self._run.recipe).phases if phase.job and other.job == phase.job]
        return together_seconds(self._shop.fleet, sharing or [phase.name])

    async def _persistent(self, phase: Phase, context: PhaseContext, resuming: bool) -> PhaseResult:
        """Run the phase; where the connection breaks, take it up again as another process would."""

        async def work() -> PhaseResult:
            nonlocal resuming
            if not resuming:
                resuming = True
                return await phase.run(context)
            if phase.job is None:
                await context.log.restart()  # it does its work anew, from the start
            return await phase.resume(context)

        patience = max(context.time_limit_seconds, OUTAGE_SECONDS)
        return await through_breaks(work, patience_seconds=patience, on_break=context.on_break)

    def _seconds_since_start(self, phase: Phase) -> float:
        started_at = self._attempt().phase(phase.name).started_at
        return max(0.0, (now() - started_at).total_seconds()) if started_at else 0.0

    async def _stop_phase(self, phase: Phase, context: PhaseContext, seconds: float) -> None:
        detail = "stopped by the operator"
        if phase.job:
            spool = context.spool(phase.job)
            try:
                await through_breaks(
                    lambda: self._jobs.stop(spool, grace_seconds=STOP_GRACE_SECONDS),
                    patience_seconds=OUTAGE_SECONDS,
                    on_break=context.on_break,
                )
            except HostError as error:
                detail = f"the instance did not confirm the stop: {error.message}"
        await self._end_phase(phase.name, PhaseState.STOPPED, seconds, detail)

    async def _fail_phase(self, phase: Phase, context: PhaseContext, error: Exception, seconds: float) -> None:
        failure = (
            time_limit_failure(phase.name, context.time_limit_seconds)
            if isinstance(error, TimeoutError)
            else _failure(error, phase.name)
        )
        if phase.job is not None:
            await self._end_job(context.spool(phase.job))
            failure = await self._explained(failure, phase.name)
        await self._end_phase(phase.name, PhaseState.FAILED, seconds, failure.message, failure)
        # Only now: a log that is still to be followed must not be longer than the instance's.
        if not isinstance(error, VeloraError | TimeoutError):
            await context.log.write("".join(traceback.format_exception(error)).encode())
        elif failure.line is None:
            await context.log.say(f"velora: {failure.message} — {failure.remedy}")
        raise _Ended(AttemptState.FAILED, failure) from None

    async def _end_job(self, spool: str) -> None:
        """Leave nothing of a failed phase on the instance: what a lost job left, or one that can't be followed."""
        with suppress(HostError):  # it does not answer: the failure says so, and the lease stays
            await self._jobs.stop(spool, grace_seconds=STOP_GRACE_SECONDS)

    async def _explained(self, failure: Failure, phase: str) -> Failure:
        """Return why the job failed where its log can't tell: it could not be written."""
        if failure.signature != f"{phase}-failed":
            return failure
        with suppress(HostError):
            free = (await self._host.run(_FREE_KIB, check=False)).text
            if free.isdecimal() and int(free) < _FULL_KIB:
                return full_disk_failure(phase, f"{free} KiB are left in ~/.velora")
        return failure

    def _context(self, phase: str, limit: float) -> PhaseContext:
        shop, ids = self._shop, {"run": self._run.run, "attempt": self._number, "phase": phase}

        def grew(size: int) -> None:
            shop.ledger.notify(LogGrew(**ids, size=size))

        def progress(done: int, total: int | None, unit: str, detail: str) -> None:
            shop.ledger.notify(PhaseProgressed(**ids, done=done, total=total, unit=unit, detail=detail))

        return PhaseContext(
            phase=phase,
            run=shop.ledger.runs[self._run.run],
            attempt=self._number,
            task=self._task,
            fleet=shop.fleet,
            instance=self._instance,
            host=self._host,
            jobs=self._jobs,
            images=shop.images,
            log=PhaseLog(shop.layout.log(self._run.run, self._number, phase), grew),
            progress=progress,
            on_break=lambda broken: shop.machines.told_break(self._instance.name, broken),
            work=shop.layout.work(self._run.run, self._number),
            results=shop.layout.attempt_results(self._run, self._number),
            time_limit_seconds=limit,
        )

    async def _end_phase(
        self,
        phase: str,
        state: PhaseState,
        seconds: float = 0.0,
        detail: str = "",
        failure: Failure | None = None,
        *,
        outcome: Outcome | None = None,
        summary: Summary | None = None,
    ) -> None:
        await self._record(
            PhaseFinished(
                run=self._run.run,
                attempt=self._number,
                phase=phase,
                state=state,
                seconds=round(seconds, 3),
                detail=detail,
                failure=failure,
                outcome=outcome,
                summary=summary,
            )
        )

    def _finished(self, state: AttemptState, failure: Failure | None = None) -> AttemptFinished:
        attempt = self._attempt()
        finished = state is AttemptState.FINISHED
        return AttemptFinished(
            run=self._run.run,
            attempt=self._number,
            state=state,
            outcome=attempt.outcome if finished else None,
            summary=attempt.summary,
            failure=failure,
            results=str(self._shop.layout.attempt_results(self._run, self._number)) if finished else None,
        )

    async def _detach(self) -> None:
        phase = self._attempt().current_phase
        await self._record(
            AttemptDetached(run=self._run.run, attempt=self._number, phase=phase.name if phase else None)
        )

    async def _record(self, event: PhaseStarted | PhaseFinished | AttemptDetached) -> None:
        await self._shop.ledger.record(event)


class _StopRequested(Exception):
    """The operator stopped the attempt."""


class _Ended(Exception):
    """The attempt is over before its last phase."""

    def __init__(self, state: AttemptState, failure: Failure | None) -> None:
        super().__init__(state)
        self.state = state
        self.failure = failure


def _lasted(end: PhaseResult | Exception, started: float) -> float:
    """Return the seconds of a phase: by the instance's clock where that is known, for we may have been away."""
    measured = end.seconds if isinstance(end, PhaseResult | PhaseFailed) else None
    return measured if measured is not None else time.monotonic() - started


def _failure(error: Exception, phase: str | None) -> Failure:
    if isinstance(error, VeloraError) and not isinstance(error, IllegalTransition):
        return failure_of(error, phase)
    return bug_failure(phase, error)
