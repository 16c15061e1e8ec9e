"""Event streams for property tests: every stream that a legal driver could write."""

from __future__ import annotations

from hypothesis import strategies as st

from velora_tui.domain.events import (
    AttemptAttached,
    AttemptDetached,
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
    RunEvent,
    StopRequested,
)
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.report import Outcome

RUN = "01RUN"
PHASES = ("upload", "image", "trajectory", "evaluation")
FAILURE = Failure(failure_class=FailureClass.INFRASTRUCTURE, signature="disk-full", message="full", remedy="free it")


def created() -> RunCreated:
    return RunCreated(
        run=RUN,
        task="t-1",
        repo="a/b",
        model="llm.gpt",
        run_number=1,
        recipe="native",
        max_iterations=5,
        dataset="d",
        by="x@y",
    )


@st.composite
def attempt_events(draw: st.DrawFn, number: int) -> list[RunEvent]:
    """One attempt from its queueing to its end, or to wherever the stream breaks off."""
    ids = {"run": RUN, "attempt": number}
    start_at = draw(st.integers(0, len(PHASES) - 1))
    events: list[RunEvent] = [AttemptQueued(**ids, phases=PHASES, from_phase=PHASES[start_at] if start_at else None)]
    if draw(st.booleans()) and draw(st.booleans()):
        return [*events, StopRequested(**ids, by="x"), AttemptFinished(**ids, state=AttemptState.STOPPED)]
    events.append(AttemptStarted(**ids, instance="eval1", by="x"))
    events += [PhaseFinished(**ids, phase=name, state=PhaseState.SKIPPED) for name in PHASES[:start_at]]
    for name in PHASES[start_at:]:
        events.append(PhaseStarted(**ids, phase=name))
        if draw(st.booleans()):
            events += [AttemptDetached(**ids, phase=name), AttemptAttached(**ids, by="z")]
        end = draw(st.sampled_from(["succeeded"] * 5 + ["skipped", "failed", "stopped"]))
        if end == "failed":
            events.append(PhaseFinished(**ids, phase=name, state=PhaseState.FAILED, failure=FAILURE))
            return [*events, AttemptFinished(**ids, state=AttemptState.FAILED, failure=FAILURE)]
        if end == "stopped":
            events += [StopRequested(**ids, by="x"), PhaseFinished(**ids, phase=name, state=PhaseState.STOPPED)]
            return [*events, AttemptFinished(**ids, state=AttemptState.STOPPED)]
        events.append(PhaseFinished(**ids, phase=name, state=PhaseState(end), seconds=1.5))
    return [*events, AttemptFinished(**ids, state=AttemptState.FINISHED, outcome=draw(st.sampled_from(list(Outcome))))]


@st.composite
def run_events(draw: st.DrawFn) -> list[RunEvent]:
    """A run with one to three attempts."""
    events: list[RunEvent] = [created()]
    for number in range(1, draw(st.integers(1, 3)) + 1):
        events += draw(attempt_events(number))
    return events
