"""How far a run is, how it ended, or what is in an instance's way: one cell."""

from __future__ import annotations

from datetime import datetime

from velora_tui.domain.events import AttemptState, ConnectionState, PhaseProgressed
from velora_tui.domain.run import Attempt
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.view.cells import Cell, Span, Tone
from velora_tui.view.contact import KeyTrouble, key_trouble, reconnecting
from velora_tui.view.holders import hand_started, holder_words, stale_holder, stale_words
from velora_tui.view.rates import Rates
from velora_tui.view.states import State, attempt_state
from velora_tui.view.text import age, count, duration, size

QUIET_SECONDS = 60


def progress_cell(row: InstanceSnapshot, state: State, rates: Rates, at: datetime, *, narrow: bool) -> Cell:
    """Return how far the instance's run is, how it ended, or what is in the instance's way."""
    attempt = row.run.attempt if row.run else None
    if attempt is not None and not attempt.state.is_over:
        return _running(row, attempt, rates, at, narrow)
    if attempt is not None and state == attempt_state(attempt):
        return ended_cell(attempt, narrow=narrow)
    return _obstacle(row, state, at, narrow) or _idle(row, at)


def _obstacle(row: InstanceSnapshot, state: State, at: datetime, narrow: bool) -> Cell:
    """Return what keeps the instance from a run, "" where nothing does."""
    if (trouble := key_trouble(row)) is not None:
        return key_cell(trouble, narrow=narrow)
    if state.group == "unreachable":
        return Span(row.connection.detail or "no answer", "bad")
    if row.foreign is not None:
        return Span(holder_words(row.foreign, at), "run"), Span("" if narrow else "   ⏎ follows", "dim")
    if state.group == "in use":
        return Span(hand_started(row) or "", "run")
    if state.group == "not ready" and row.readiness is not None:
        return Span(row.readiness.reason, "look")
    stale = stale_holder(row)
    return (Span("s takes it over  ", "look"), Span(stale_words(stale, at), "dim")) if stale is not None else ""


def key_cell(trouble: KeyTrouble, *, narrow: bool) -> Cell:
    """Return the fingerprints of a host key that is not trusted."""
    if not trouble.is_changed:
        return Span("K decides  " if narrow else "K shows it and asks  ", "look"), Span(trouble.offered, "dim")
    if narrow:
        return Span("K: never accepted", "bad")
    return Span("K says what to do  ", "bad"), Span(f"offered {trouble.offered}, known {trouble.known}", "bad")


def _idle(row: InstanceSnapshot, at: datetime) -> Cell:
    if row.checking:
        return Span("checking…", "dim")
    if row.connection.state is ConnectionState.CONNECTING:
        return Span("connecting…", "dim")
    return Span(f"checked {age((at - row.readiness.at).total_seconds())} ago", "dim") if row.readiness else ""


def _running(row: InstanceSnapshot, attempt: Attempt, rates: Rates, at: datetime, narrow: bool) -> Cell:
    if (broken := _broken(row, at, narrow)) is not None:
        return broken
    if attempt.stopping:
        return Span("waits for the instance", "dim")
    phase = attempt.current_phase
    progress = row.progress
    quiet = rates.quiet_seconds(row.run.run, at) if row.run else None
    if progress is None or phase is None or progress.phase != phase.name or progress.attempt != attempt.number:
        return _heartbeat(attempt, quiet)
    if quiet is None or quiet <= QUIET_SECONDS:
        return progress_spans(progress, rates, narrow=narrow)
    return (*progress_spans(progress, rates, narrow=True), Span(f"  quiet {age(quiet)}", "look"))


def _broken(row: InstanceSnapshot, at: datetime, narrow: bool) -> Cell | None:
    """Return why a run can't be seen now, None where it can."""
    if (trouble := key_trouble(row)) is not None:
        return key_cell(trouble, narrow=narrow)
    if row.connection.state is ConnectionState.CONNECTING:
        return Span("to see what runs", "dim")
    if row.connection.state not in {ConnectionState.RECONNECTING, ConnectionState.UNREACHABLE}:
        return None
    outage = reconnecting(row.connection, at)
    return Span(outage.tries, "look"), Span(f"{'  ' if outage.tries else ''}{outage.why}", "dim")


def _heartbeat(attempt: Attempt, quiet_seconds: float | None) -> Span:
    """Return what proves that a phase lives that tells of no progress."""
    if quiet_seconds is None:
        return Span("detached" if attempt.detached else "…", "dim")
    return Span(f"output {age(quiet_seconds)} ago", "look" if quiet_seconds > QUIET_SECONDS else "dim")


def progress_spans(progress: PhaseProgressed, rates: Rates, *, narrow: bool) -> tuple[Span, ...]:
    """Return how far a phase is: "step 42/200  edit x.py", "2.1 of 2.9 GB  84 MB/s  0:09 left"."""
    done, total = progress.done, progress.total
    detail = Span(f"  {progress.detail}" if progress.detail and not narrow else "", "dim")
    match progress.unit:
        case "bytes":
            return _bytes(progress, rates.per_second(progress), narrow)
        case "steps":
            return Span("" if narrow else "step ", "dim"), Span(_fraction(done, total)), detail
        case "tests":
            tests = Span(f"{count(done)} {'test' if done == 1 else 'tests'}" if done else "")
            stage = progress.detail or "running"
            return (tests,) if narrow and done else (Span(stage, "dim"), Span("  " if done else ""), tests)
        case unit:
            return Span(_fraction(done, total)), Span(f" {unit}", "dim"), detail


def _bytes(progress: PhaseProgressed, rate: float | None, narrow: bool) -> tuple[Span, ...]:
    done, total = progress.done, progress.total
    if total is None:
        amount = Span(size(done))
    elif narrow:
        return (Span(f"{100 * done // max(1, total)} %"), Span(f" of {size(total)}", "dim"))
    else:
        amount = Span(f"{size(done)} of {size(total)}")
    if not rate or rate <= 0:
        return (amount,)
    left = f"  {duration((total - done) / rate)} left" if total is not None and total > done else ""
    return amount, Span(f"  {size(rate)}/s{left}", "dim")


def _fraction(done: int, total: int | None) -> str:
    return count(done) if total is None else f"{count(done)}/{count(total)}"


def ended_cell(attempt: Attempt, *, narrow: bool) -> Cell:
    """Return what an ended attempt showed, or why it failed."""
    failure = attempt.failure
    if attempt.state is AttemptState.FAILED and failure is not None:
        return Span(failure.signature, "bad"), Span("" if narrow else f"  {failure.message}", "dim")
    summary = attempt.summary
    if summary.f2p is None and summary.p2p is None:
        stopped = attempt.state is AttemptState.STOPPED
        return Span("by the operator" if stopped else "nothing to judge", "dim")
    fixing = "" if narrow else "F2P "
    keeping = " " if narrow else "   P2P "
    return (
        Span(fixing, "dim"),
        Span(_pair(summary.f2p), _verdict_tone(summary.f2p)),
        Span(keeping, "dim"),
        Span(_pair(summary.p2p), "good" if summary.p2p and summary.p2p[0] == summary.p2p[1] else "bad"),
    )


def _pair(pair: tuple[int, int] | None) -> str:
    return f"{pair[0]}/{pair[1]}" if pair else "–"


def _verdict_tone(pair: tuple[int, int] | None) -> Tone:
    if pair is None:
        return "dim"
    if pair[0] == pair[1]:
        return "good"
    return "look" if pair[0] else "bad"
