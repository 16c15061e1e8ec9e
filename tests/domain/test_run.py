"""Runs as a fold over events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.streams import FAILURE, PHASES, RUN, created, run_events
from velora_tui.domain.events import (
    EVENT_ADAPTER,
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunEvent,
)
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run, fold, fold_all
from velora_tui.errors import IllegalTransition

IDS = {"run": RUN, "attempt": 1}
QUEUED = AttemptQueued(**IDS, phases=PHASES)
STARTED = AttemptStarted(**IDS, instance="eval1", by="x")
UPLOADING = PhaseStarted(**IDS, phase="upload")


def assert_legal(run: Run) -> None:
    for number, attempt in enumerate(run.attempts, start=1):
        assert attempt.number == number
        assert sum(phase.state is PhaseState.RUNNING for phase in attempt.phases) <= 1
        done = [phase.is_done for phase in attempt.phases]
        assert done == sorted(done, reverse=True), "a phase is done before one that stands ahead of it"
        if attempt.state is AttemptState.FINISHED:
            assert all(done)
            assert attempt.outcome is not None
        if attempt.state is AttemptState.FAILED:
            assert attempt.failure is not None
        if number < len(run.attempts):
            assert attempt.state.is_over


@given(run_events(), st.data())
def test_any_prefix_folds_to_a_legal_state(events: list[RunEvent], data: st.DataObject) -> None:
    length = data.draw(st.integers(1, len(events)))
    run = fold_all(None, events[:length])
    assert run is not None
    assert_legal(run)


@given(run_events(), st.data())
def test_folding_goes_on_from_a_stored_snapshot(events: list[RunEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(events)))
    snapshot = fold_all(None, events[:cut])
    assert snapshot is not None
    restored = Run.model_validate_json(snapshot.model_dump_json(by_alias=True))
    assert fold_all(restored, events[cut:]) == fold_all(None, events)


@given(run_events(), st.data())
def test_an_event_out_of_place_is_refused_or_leaves_a_legal_state(events: list[RunEvent], data: st.DataObject) -> None:
    run = fold_all(None, events[: data.draw(st.integers(1, len(events)))])
    stray = data.draw(st.sampled_from(events))
    assert run is not None
    before = run.model_dump_json()
    try:
        assert_legal(fold(run, stray))
    except IllegalTransition:
        assert run.model_dump_json() == before


@given(run_events())
def test_events_survive_their_json_form(events: list[RunEvent]) -> None:
    for event in events:
        assert EVENT_ADAPTER.validate_json(event.model_dump_json(by_alias=True)) == event


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([QUEUED], id="no run"),
        pytest.param([created(), created()], id="created twice"),
        pytest.param([created(), STARTED], id="started before it was queued"),
        pytest.param([created(), QUEUED, QUEUED], id="queued while active"),
        pytest.param([created(), QUEUED, UPLOADING], id="phase before the start"),
        pytest.param([created(), QUEUED, STARTED, STARTED], id="started twice"),
        pytest.param([created(), QUEUED, STARTED, PhaseStarted(**IDS, phase="image")], id="phase out of order"),
        pytest.param([created(), QUEUED, STARTED, PhaseStarted(**IDS, phase="nonsense")], id="unknown phase"),
        pytest.param([created(), QUEUED, STARTED, UPLOADING, UPLOADING], id="phase twice"),
        pytest.param(
            [created(), QUEUED, STARTED, UPLOADING, AttemptFinished(**IDS, state=AttemptState.STOPPED)],
            id="ended with a running phase",
        ),
        pytest.param(
            [created(), QUEUED, STARTED, AttemptFinished(**IDS, state=AttemptState.FINISHED, outcome=Outcome.RESOLVED)],
            id="finished without its phases",
        ),
        pytest.param(
            [created(), QUEUED, STARTED, UPLOADING, PhaseFinished(**IDS, phase="upload", state=PhaseState.FAILED)],
            id="failed without a failure",
        ),
        pytest.param([created(), AttemptQueued(run=RUN, attempt=2, phases=PHASES)], id="attempt number skips one"),
    ],
)
def test_illegal_steps_are_refused(events: list[RunEvent]) -> None:
    before = fold_all(None, events[:-1])
    with pytest.raises(IllegalTransition):
        fold(before, events[-1])


def test_a_failed_attempt_names_its_phase_and_can_be_followed_by_another() -> None:
    failed = PhaseFinished(**IDS, phase="upload", state=PhaseState.FAILED, failure=FAILURE)
    ended = AttemptFinished(**IDS, state=AttemptState.FAILED, failure=FAILURE)
    run = fold_all(None, [created(), QUEUED, STARTED, UPLOADING, failed, ended])
    assert run is not None
    assert run.attempt is not None
    assert run.attempt.current_phase is not None
    assert run.attempt.current_phase.name == "upload"
    again = fold(run, AttemptQueued(run=RUN, attempt=2, phases=PHASES))
    assert [attempt.state for attempt in again.attempts] == [AttemptState.FAILED, AttemptState.QUEUED]
