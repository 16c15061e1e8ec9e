"""The records of the stream have exactly the fields of the contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from velora_tui.domain.events import (
    AnyEvent,
    AttemptAttached,
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
    RunEvent,
    Summary,
)
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.report import Counts, Outcome, QualityCheck
from velora_tui.domain.run import Run, fold_all
from velora_tui.view.cells import plain
from velora_tui.view.cli_events import event_line
from velora_tui.view.stream import attempt_finished_record, event_record

RUN = "01JXAMPLE"
FAILURE = Failure(
    failure_class=FailureClass.INFRASTRUCTURE,
    signature="docker-buildx",
    message="the image could not be built",
    remedy="push the fixed docker.py, then retry",
    phase="evaluation",
    line=12,
    evidence="docker buildx build … returned non-zero",
)
FIELDS = [
    *("event", "run", "attempt", "instance", "task", "model", "state", "outcome", "phases", "f2p", "p2p", "tests"),
    *("patch_bytes", "history", "quality", "failure", "results"),
]


def event_of(kind: type[RunEvent], **fields: Any) -> Any:
    return kind(run=RUN, at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), **fields)


def begun() -> list[RunEvent]:
    return [
        event_of(
            RunCreated,
            task="t1",
            repo="acme/shop",
            model="llm.gpt",
            run_number=1,
            recipe="native",
            max_iterations=9,
            dataset="d",
            by="me@here",
        ),
        event_of(AttemptQueued, attempt=1, phases=("trajectory", "evaluation")),
        event_of(AttemptStarted, attempt=1, instance="eval1", by="me@here"),
        event_of(PhaseStarted, attempt=1, phase="trajectory"),
        event_of(PhaseFinished, attempt=1, phase="trajectory", state=PhaseState.SUCCEEDED, seconds=812.4),
        event_of(PhaseStarted, attempt=1, phase="evaluation"),
    ]


def finished(evaluation: PhaseFinished, end: AttemptFinished) -> Run:
    run = fold_all(None, [*begun(), evaluation, end])
    assert run is not None
    return run


def test_a_finished_attempt() -> None:
    summary = Summary(
        f2p=(0, 3),
        p2p=(99, 99),
        tests=Counts(passed=101, failed=3, error=21, skipped=0),
        patch_bytes=68370,
        history=80,
        cost=1.5,
        quality=(QualityCheck(id="patch-size", ok=True, detail="68,370 bytes", level="required"),),
    )
    end = event_of(
        AttemptFinished,
        attempt=1,
        state=AttemptState.FINISHED,
        outcome=Outcome.UNRESOLVED,
        summary=summary,
        results="/r/t1",
    )
    run = finished(event_of(PhaseFinished, attempt=1, phase="evaluation", state=PhaseState.SUCCEEDED, seconds=31), end)

    record = json.loads(json.dumps(attempt_finished_record(end, run)))

    assert list(record) == FIELDS
    assert record == {
        "event": "attempt_finished",
        "run": RUN,
        "attempt": 1,
        "instance": "eval1",
        "task": "t1",
        "model": "llm.gpt",
        "state": "finished",
        "outcome": "unresolved",
        "phases": [
            {"name": "trajectory", "state": "succeeded", "seconds": 812.4},
            {"name": "evaluation", "state": "succeeded", "seconds": 31.0},
        ],
        "f2p": [0, 3],
        "p2p": [99, 99],
        "tests": {"passed": 101, "failed": 3, "error": 21, "skipped": 0},
        "patch_bytes": 68370,
        "history": 80,
        "quality": [{"id": "patch-size", "ok": True, "detail": "68,370 bytes"}],
        "failure": None,
        "results": "/r/t1",
    }


def test_a_failed_attempt_says_why_and_what_to_do() -> None:
    end = event_of(AttemptFinished, attempt=1, state=AttemptState.FAILED, failure=FAILURE)
    broken = event_of(PhaseFinished, attempt=1, phase="evaluation", state=PhaseState.FAILED, failure=FAILURE)

    record = attempt_finished_record(end, finished(broken, end))

    assert list(record) == FIELDS
    assert record["outcome"] is None
    assert record["f2p"] is None
    assert record["phases"][1]["state"] == "failed"
    assert record["failure"] == {
        "class": "infrastructure",
        "signature": "docker-buildx",
        "message": "the image could not be built",
        "remedy": "push the fixed docker.py, then retry",
    }


def test_other_events_are_their_json_form() -> None:
    event: AnyEvent = event_of(
        PhaseFinished, attempt=1, phase="evaluation", state=PhaseState.FAILED, failure=FAILURE, seconds=3
    )

    record = json.loads(json.dumps(event_record(event)))

    assert record["event"] == "phase_finished"
    assert record["failure"]["class"] == "infrastructure"
    assert record["at"] == "2026-01-02T03:04:05Z"


def test_hostile_words_in_an_event_stay_on_their_line() -> None:
    event = event_of(PhaseStarted, attempt=1, phase="evaluation").model_copy(update={"phase": "\x1b[2J\nrm -rf"})
    run = fold_all(None, begun())
    assert run is not None

    line = event_line(event, run, "g\x07pt")

    assert line is not None
    assert plain(line).isprintable()


def test_a_run_taken_up_again_says_in_which_phase_it_is() -> None:
    run = fold_all(None, begun())
    assert run is not None
    event = event_of(AttemptAttached, attempt=1, by="me@laptop")
    later = event.model_copy(update={"at": event.at + timedelta(seconds=95)})

    line = event_line(later, run, "gpt")

    assert line is not None
    assert plain(line).endswith("taken up again by me@laptop: in evaluation since 1:35")
