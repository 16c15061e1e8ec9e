"""The state of an instance and of a run as people read it: symbol, word, tone and how much it wants a look."""

from __future__ import annotations

from typing import NamedTuple

from velora_tui.domain.events import AttemptState, ConnectionState
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.view.cells import Span, Tone
from velora_tui.view.contact import key_trouble
from velora_tui.view.holders import hand_started, stale_holder


class State(NamedTuple):
    """`group` is the word the header counts it under; `rank` sorts what wants a look first."""

    symbol: str
    word: str
    tone: Tone
    group: str
    rank: int

    @property
    def spans(self) -> tuple[Span, ...]:
        return (Span(f"{self.symbol} {self.word}", self.tone),)


GROUP_TONES: dict[str, tuple[str, Tone]] = {
    "key changed": ("✗", "bad"),
    "running": ("▶", "run"),
    "in use": ("▷", "run"),
    "failed": ("✗", "bad"),
    "unreachable": ("✗", "bad"),
    "not ready": ("!", "look"),
    "ready": ("●", "ours"),
    "done": ("✓", "good"),
    "stopped": ("■", "dim"),
    "unchecked": ("·", "dim"),
}
"""Symbol and tone of each group the header counts, what wants a look first."""

_OUTCOMES: dict[Outcome, State] = {
    Outcome.RESOLVED: State("✓", "resolved", "good", "done", 6),
    Outcome.UNRESOLVED: State("○", "unresolved", "dim", "done", 5),
    Outcome.NO_PATCH: State("–", "no patch", "dim", "done", 4),
    Outcome.EVAL_ERROR: State("?", "no verdict", "bad", "failed", 1),
}


def outcome_state(outcome: Outcome) -> State:
    """Return the state of a finished attempt."""
    return _OUTCOMES[outcome]


def run_state(run: Run) -> State:
    """Return the state of a run's latest attempt."""
    return attempt_state(run.attempt) if run.attempt else State("·", "new", "dim", "queued", 7)


def attempt_state(attempt: Attempt) -> State:
    """Return the state of one attempt."""
    match attempt.state:
        case AttemptState.QUEUED:
            return State("·", "stopping" if attempt.stopping else "queued", "dim", "queued", 3)
        case AttemptState.RUNNING:
            return _running(attempt)
        case AttemptState.STOPPED:
            return State("■", "stopped", "dim", "stopped", 4)
        case AttemptState.FAILED:
            phase = attempt.failure.phase if attempt.failure else None
            return State("✗", f"failed in {phase}" if phase else "failed", "bad", "failed", 0)
        case AttemptState.FINISHED:
            return outcome_state(attempt.outcome or Outcome.EVAL_ERROR)


def _running(attempt: Attempt) -> State:
    if attempt.stopping:
        return State("■", "stopping", "look", "running", 2)
    phase = attempt.current_phase or attempt.next_phase
    return State("▶", phase.name if phase else "ending", "run", "running", 2)


def instance_state(row: InstanceSnapshot) -> State:
    """Return what an instance does, or else what is in its way, or else how its last run ended."""
    attempt = row.run.attempt if row.run else None
    if (trouble := key_trouble(row)) is not None:
        return _KEY_CHANGED if trouble.is_changed else _KEY_NEW
    if attempt is not None and not attempt.state.is_over:
        return _BROKEN.get(row.connection.state) or attempt_state(attempt)
    if row.connection.state is ConnectionState.UNREACHABLE:
        return State("✗", "unreachable", "bad", "unreachable", 0)
    if attempt is None or (row.readiness is not None and _is_later(row.readiness, attempt)):
        state = _use_state(row)
        if state is not None:
            return state
    return attempt_state(attempt) if attempt is not None else _idle_state(row)


_BROKEN = {
    ConnectionState.CONNECTING: State("▶", "connecting", "look", "running", 2),
    ConnectionState.RECONNECTING: State("▶", "reconnecting", "look", "running", 1),
    ConnectionState.UNREACHABLE: State("▶", "unreachable", "look", "running", 1),
}
"""Of an instance whose run goes on out of our sight."""
_KEY_NEW = State("?", "new host key", "look", "not ready", 1)
_KEY_CHANGED = State("✗", "KEY CHANGED", "bad", "key changed", 0)


def _is_later(readiness: Readiness, attempt: Attempt) -> bool:
    return attempt.ended_at is None or readiness.at > attempt.ended_at


def _use_state(row: InstanceSnapshot) -> State | None:
    """Return who or what keeps the instance from a run by its last check, or None."""
    if row.readiness is None:
        return None
    if row.foreign is not None or hand_started(row) is not None:
        return State("▷", "in use", "run", "in use", 2)
    if not row.readiness.ready:
        return State("!", "not ready", "look", "not ready", 1)
    return State("!", "dead lease", "look", "ready", 3) if stale_holder(row) is not None else None


def _idle_state(row: InstanceSnapshot) -> State:
    if row.checking:
        return State("·", "checking", "dim", "unchecked", 7)
    if row.connection.state is ConnectionState.CONNECTING:
        return State("·", "connecting", "dim", "unchecked", 7)
    if row.readiness is None:
        return State("·", "not checked", "dim", "unchecked", 7)
    return State("●", "ready", "ours", "ready", 8)
