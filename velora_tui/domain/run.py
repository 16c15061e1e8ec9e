"""Runs and attempts as a pure fold over events; an event that does not fit is an IllegalTransition."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import AwareDatetime

from velora_tui.domain.events import (
    AttemptAttached,
    AttemptDetached,
    AttemptEvent,
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    Frozen,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
    RunEvent,
    StopRequested,
    Summary,
)
from velora_tui.domain.failure import Failure
from velora_tui.domain.report import Outcome
from velora_tui.errors import IllegalTransition

RESULT_PHASE = "validate"  # which writes the result, and so is not in what the result says it took


def total_seconds(seconds: Iterable[float]) -> float:
    """Return the time of an attempt whose phases took so long, as every screen, command and result tells it."""
    return round(sum(seconds), 1)


class PhaseRun(Frozen):
    """One phase of an attempt."""

    name: str
    state: PhaseState = PhaseState.PENDING
    started_at: AwareDatetime | None = None
    seconds: float = 0.0
    detail: str = ""
    failure: Failure | None = None

    @property
    def is_done(self) -> bool:
        return self.state in {PhaseState.SUCCEEDED, PhaseState.SKIPPED}

    def seconds_at(self, at: datetime) -> float:
        """Return how long it took, or has been running at `at`."""
        if self.state is PhaseState.RUNNING and self.started_at is not None:
            return max(0.0, (at - self.started_at).total_seconds())
        return self.seconds


class Attempt(Frozen):
    """One try of a run on one instance."""

    number: int
    state: AttemptState = AttemptState.QUEUED
    phases: tuple[PhaseRun, ...]
    queued_at: AwareDatetime
    instance: str | None = None  # asked for while queued, then the one that has it; None: any
    from_phase: str | None = None
    force: bool = False
    by: str = ""
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    stopping: bool = False
    detached: bool = False
    outcome: Outcome | None = None
    summary: Summary = Summary()
    failure: Failure | None = None
    results: str | None = None

    @property
    def current_phase(self) -> PhaseRun | None:
        """The phase that runs, or the one that failed or was stopped."""
        unfinished = {PhaseState.RUNNING, PhaseState.FAILED, PhaseState.STOPPED}
        return next((phase for phase in self.phases if phase.state in unfinished), None)

    def seconds_at(self, at: datetime) -> float:
        """Return how long its phases took, or have been running at `at`, up to the one that writes the result.

        What passes while no operator is there, and nothing is done, is not in it.
        """
        return total_seconds(phase.seconds_at(at) for phase in self.phases if phase.name != RESULT_PHASE)

    @property
    def is_valid(self) -> bool:
        """Whether it came to a result that says something of its model."""
        return self.state is AttemptState.FINISHED and self.outcome is not None and not self.summary.void

    @property
    def next_phase(self) -> PhaseRun | None:
        return next((phase for phase in self.phases if not phase.is_done), None)

    def phase(self, name: str) -> PhaseRun:
        """Return the phase called `name`. Raises IllegalTransition where the recipe has none."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise IllegalTransition(f"attempt {self.number} has no phase {name!r}")


class Run(Frozen):
    """Task × model × run number, with all its attempts."""

    run: str
    task: str
    repo: str
    model: str
    run_number: int
    recipe: str
    max_iterations: int
    dataset: str
    created_at: AwareDatetime
    created_by: str
    attempts: tuple[Attempt, ...] = ()

    @property
    def attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def valid_attempt(self) -> Attempt | None:
        """The attempt whose result is the run's: the latest with a valid one."""
        return next((attempt for attempt in reversed(self.attempts) if attempt.is_valid), None)

    @property
    def is_active(self) -> bool:
        return self.attempt is not None and not self.attempt.state.is_over

    @property
    def key(self) -> tuple[str, str, int]:
        return self.task, self.model, self.run_number


def fold(run: Run | None, event: RunEvent) -> Run:
    """Return the run after `event`. Raises IllegalTransition and leaves `run` as it was."""
    if isinstance(event, RunCreated):
        return _created(run, event)
    if run is None:
        raise IllegalTransition(f"run {event.run} does not exist")
    if event.run != run.run:
        raise IllegalTransition(f"an event of run {event.run} does not belong to run {run.run}")
    if isinstance(event, AttemptQueued):
        return run.model_copy(update={"attempts": (*run.attempts, _queued(run, event))})
    attempt = run.attempt
    if not isinstance(event, AttemptEvent) or attempt is None or event.attempt != attempt.number:
        raise IllegalTransition(f"run {run.run}: {type(event).__name__} is not for its latest attempt")
    if attempt.state.is_over:
        raise IllegalTransition(f"run {run.run}: attempt {attempt.number} is {attempt.state} already")
    return run.model_copy(update={"attempts": (*run.attempts[:-1], _next_attempt(attempt, event))})


def fold_all(run: Run | None, events: Iterable[RunEvent]) -> Run | None:
    """Return the run after all `events`, in order. Raises IllegalTransition."""
    for event in events:
        run = fold(run, event)
    return run


def _created(run: Run | None, event: RunCreated) -> Run:
    if run is not None:
        raise IllegalTransition(f"run {event.run} exists already")
    fields = event.model_dump(exclude={"seq", "at", "event", "by"})
    return Run(**fields, created_at=event.at, created_by=event.by)


def _queued(run: Run, event: AttemptQueued) -> Attempt:
    if run.is_active:
        raise IllegalTransition(f"run {run.run}: its latest attempt is not over yet")
    if event.attempt != len(run.attempts) + 1:
        raise IllegalTransition(f"run {run.run}: attempt {event.attempt} does not follow {len(run.attempts)}")
    if not event.phases or len(set(event.phases)) != len(event.phases):
        raise IllegalTransition(f"run {run.run}: an attempt needs phases, each once")
    if event.from_phase is not None and event.from_phase not in event.phases:
        raise IllegalTransition(f"run {run.run}: there is no phase {event.from_phase!r} to start from")
    return Attempt(
        number=event.attempt,
        phases=tuple(PhaseRun(name=name) for name in event.phases),
        queued_at=event.at,
        instance=event.instance,
        from_phase=event.from_phase,
        force=event.force,
    )


def _next_attempt(attempt: Attempt, event: AttemptEvent) -> Attempt:
    match event:
        case AttemptStarted():
            _require(attempt.state is AttemptState.QUEUED, attempt, "has started already")
            changes = {
                "state": AttemptState.RUNNING,
                "instance": event.instance,
                "started_at": event.at,
                "by": event.by,
            }
        case StopRequested():
            _require(not attempt.stopping, attempt, "is stopping already")
            changes = {"stopping": True}
        case AttemptFinished():
            return _finished(attempt, event)
        case _ if attempt.state is not AttemptState.RUNNING:
            raise IllegalTransition(f"attempt {attempt.number} is not running")
        case AttemptDetached():
            changes = {"detached": True}
        case AttemptAttached():
            changes = {"detached": False, "by": event.by}
        case PhaseStarted():
            changes = {"phases": _phase_started(attempt, event)}
        case PhaseFinished():
            changes = {"phases": _phase_finished(attempt, event), **_shown(event)}
        case _:
            raise IllegalTransition(f"attempt {attempt.number} knows no {type(event).__name__}")
    return attempt.model_copy(update=changes)


def _finished(attempt: Attempt, event: AttemptFinished) -> Attempt:
    _require(not any(phase.state is PhaseState.RUNNING for phase in attempt.phases), attempt, "has a running phase")
    if event.state is AttemptState.FINISHED:
        _require(attempt.next_phase is None, attempt, "has unfinished phases")
        _require(event.outcome is not None and event.failure is None, attempt, "needs an outcome to be finished")
    elif event.state is AttemptState.FAILED:
        _require(event.failure is not None, attempt, "needs a failure to be failed")
    return attempt.model_copy(
        update={
            "state": event.state,
            "ended_at": event.at,
            "detached": False,
            "outcome": event.outcome,
            "summary": event.summary,
            "failure": event.failure,
            "results": event.results,
        }
    )


def _phase_started(attempt: Attempt, event: PhaseStarted) -> tuple[PhaseRun, ...]:
    phase = attempt.phase(event.phase)
    _require(
        attempt.next_phase is phase and phase.state is PhaseState.PENDING, attempt, f"can't start {phase.name} now"
    )
    return _with_phase(attempt, phase.model_copy(update={"state": PhaseState.RUNNING, "started_at": event.at}))


def _phase_finished(attempt: Attempt, event: PhaseFinished) -> tuple[PhaseRun, ...]:
    phase = attempt.phase(event.phase)
    _require(event.state not in {PhaseState.PENDING, PhaseState.RUNNING}, attempt, f"no phase ends {event.state}")
    skipping = event.state is PhaseState.SKIPPED and attempt.next_phase is phase and phase.state is PhaseState.PENDING
    _require(skipping or phase.state is PhaseState.RUNNING, attempt, f"{phase.name} is {phase.state}")
    _require(
        event.state is not PhaseState.FAILED or event.failure is not None, attempt, "a failed phase names its failure"
    )
    update = {"state": event.state, "seconds": event.seconds, "detail": event.detail, "failure": event.failure}
    return _with_phase(attempt, phase.model_copy(update=update))


def _shown(event: PhaseFinished) -> dict[str, object]:
    shown = {"outcome": event.outcome, "summary": event.summary}
    return {field: value for field, value in shown.items() if value is not None}


def _with_phase(attempt: Attempt, changed: PhaseRun) -> tuple[PhaseRun, ...]:
    return tuple(changed if phase.name == changed.name else phase for phase in attempt.phases)


def _require(holds: bool, attempt: Attempt, otherwise: str) -> None:
    if not holds:
        raise IllegalTransition(f"attempt {attempt.number} ({attempt.state}): {otherwise}")
