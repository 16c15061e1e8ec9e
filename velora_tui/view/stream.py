"""Events and runs as the plain records that `--json` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from velora_tui.domain.events import AnyEvent, AttemptFinished
from velora_tui.domain.failure import Failure
from velora_tui.domain.report import ListVerdict
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.run import Attempt, PhaseRun, Run
from velora_tui.errors import VeloraError

Record = dict[str, Any]


def event_record(event: AnyEvent) -> Record:
    """Return the JSON form of an event."""
    return event.model_dump(mode="json", by_alias=True)


def attempt_finished_record(event: AttemptFinished, run: Run) -> Record:
    """Return the record that ends an attempt's stream; `run` is the run with that attempt folded in."""
    attempt = run.attempts[event.attempt - 1]
    return {
        "event": event.event,
        "run": event.run,
        "attempt": event.attempt,
        "instance": attempt.instance,
        "task": run.task,
        "model": run.model,
        **_shown(attempt),
    }


def start_refused_record(request: RunRequest, error: VeloraError) -> Record:
    """Return the record of a start that was refused."""
    return {
        "event": "start_refused",
        "instance": error.instance or request.instance,
        "task": request.task,
        "model": request.model,
        "reason": error.message,
    }


def run_record(run: Run) -> Record:
    """Return a run with its latest attempt, as `velora status --json` lists it."""
    head = {
        "run": run.run,
        "task": run.task,
        "repo": run.repo,
        "model": run.model,
        "run_number": run.run_number,
        "recipe": run.recipe,
        "created_at": run.created_at.isoformat(),
    }
    attempt = run.attempt
    if attempt is None:
        return {**head, "attempt": None}
    phase = attempt.current_phase
    return {
        **head,
        "attempt": attempt.number,
        "instance": attempt.instance,
        "detached": attempt.detached,
        "stopping": attempt.stopping,
        "phase": phase.name if phase else None,
        "started_at": attempt.started_at.isoformat() if attempt.started_at else None,
        "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
        **_shown(attempt),
    }


def result_record(result: AttemptResult, folder: Path) -> Record:
    """Return a finished attempt as `velora results --json` lists it; `folder` is where its files lie."""
    verdict = result.verdict
    return {
        **result.model_dump(mode="json", by_alias=True, exclude={"format", "verdict", "flags"}),
        "flags": [flag.model_dump(mode="json") for flag in result.all_flags],
        "FAIL_TO_PASS": _listed(verdict.fail_to_pass) if verdict else None,
        "PASS_TO_PASS": _listed(verdict.pass_to_pass) if verdict else None,
        "folder": str(folder),
    }


def _listed(tests: ListVerdict) -> Record:
    return {"success": list(tests.success), "failure": list(tests.failure)}


def _shown(attempt: Attempt) -> Record:
    """Return how far an attempt came and what it showed."""
    summary = attempt.summary
    return {
        "state": str(attempt.state),
        "outcome": str(attempt.outcome) if attempt.outcome else None,
        "phases": [_phase(phase) for phase in attempt.phases],
        "f2p": list(summary.f2p) if summary.f2p else None,
        "p2p": list(summary.p2p) if summary.p2p else None,
        "tests": summary.tests.model_dump() if summary.tests else None,
        "patch_bytes": summary.patch_bytes,
        "history": summary.history,
        "quality": [check.model_dump(include={"id", "ok", "detail"}) for check in summary.quality],
        "failure": _failure(attempt.failure) if attempt.failure else None,
        "results": attempt.results,
    }


def _phase(phase: PhaseRun) -> Record:
    return {"name": phase.name, "state": str(phase.state), "seconds": phase.seconds}


def _failure(failure: Failure) -> Record:
    return failure.model_dump(mode="json", by_alias=True, include={"failure_class", "signature", "message", "remedy"})
