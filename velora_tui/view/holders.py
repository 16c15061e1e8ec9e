"""Who else has an instance: another operator's run, one started by hand, or a lease that its owner left behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from velora_tui.domain.readiness import CheckStatus, Holder
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot

_BUSY = "busy"
_NAMED = 3


def since(moment: datetime, at: datetime) -> str:
    """Return a moment as people say it at `at`: "14:02", or with its day where that is not today."""
    local, today = moment.astimezone(), at.astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def holder_words(holder: Holder, at: datetime) -> str:
    """Return "running since 14:02, started by user@laptop"."""
    if holder.is_repair:
        return f"being repaired since {since(holder.since, at)}, by {holder.operator}"
    return f"running since {since(holder.since, at)}, started by {holder.operator}"


def stale_words(holder: Holder, at: datetime) -> str:
    """Return whose dead lease it is, since when, and why it counts as dead."""
    reason = f": {holder.reason}" if holder.reason else ""
    return f"left by {holder.operator} since {since(holder.since, at)}{reason}"


def hand_started(row: InstanceSnapshot) -> str | None:
    """Return what is known of a run that nobody's Velora started, None where there is none."""
    if row.readiness is None or row.foreign is not None:
        return None
    checks = (check for check in row.readiness.checks if check.id == _BUSY and check.status is CheckStatus.FAIL)
    return next((check.detail for check in checks), None)


def stale_holder(row: InstanceSnapshot) -> Holder | None:
    """Return who left a dead lease on the instance, unless we did."""
    holder = row.readiness.holder if row.readiness else None
    return holder if holder is not None and holder.stale and not holder.ours else None


def stale_lease_of_another(snapshot: FleetSnapshot, instance: str) -> Holder | None:
    """Return whose dead lease a start on `instance` would take over; None where it is nobody's or one of our runs'."""
    row = snapshot.instance(instance)
    holder = stale_holder(row) if row else None
    return holder if holder is not None and holder.run not in snapshot.runs else None


def found_running(runs: Sequence[Run], at: datetime) -> str:
    """Return "found running: eval3 since 14:02, started by user@laptop; …" of runs whose attempts run."""
    attempts = [run.attempt for run in runs if run.attempt is not None and run.attempt.started_at is not None]
    named = [
        f"{attempt.instance} since {since(attempt.started_at, at)}{f', started by {attempt.by}' if attempt.by else ''}"
        for attempt in attempts[:_NAMED]
        if attempt.started_at is not None
    ]
    more = f"; and {len(attempts) - _NAMED} more" if len(attempts) > _NAMED else ""
    return f"found running: {'; '.join(named)}{more}"
