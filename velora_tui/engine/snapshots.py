"""The fleet as it stands, put together from what the journal folds to and what is going on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from velora_tui.domain.events import ConnectionChanged, ConnectionState, now
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.engine.ledger import Ledger


def fleet_snapshot(
    fleet: Fleet, ledger: Ledger, checking: frozenset[str], queue: tuple[str, ...], *, read_only: bool
) -> FleetSnapshot:
    """Return all that the screens show; `checking` are the instances that are being checked."""
    latest = _latest_runs(ledger)
    return FleetSnapshot(
        at=now(),
        fleet=fleet,
        instances=tuple(
            _instance(instance, ledger, latest.get(instance.name), checking=instance.name in checking)
            for instance in fleet.instances
        ),
        runs=MappingProxyType(ledger.runs),
        queue=queue,
        progress=MappingProxyType(ledger.progress),
        read_only=read_only,
    )


def _instance(instance: Instance, ledger: Ledger, run: Run | None, *, checking: bool) -> InstanceSnapshot:
    return InstanceSnapshot(
        instance=instance,
        connection=ledger.connections.get(instance.name)
        or ConnectionChanged(instance=instance.name, state=ConnectionState.IDLE),
        readiness=ledger.readiness.get(instance.name),
        checking=checking,
        run=run,
        progress=ledger.progress.get(run.run) if run else None,
    )


def _latest_runs(ledger: Ledger) -> Mapping[str, Run]:
    """Return by instance the run that runs there, or else the one whose attempt started there last."""
    latest: dict[str, Run] = {}
    for run in ledger.runs.values():
        attempt = run.attempt
        if attempt is None or attempt.instance is None or attempt.started_at is None:
            continue
        other = latest.get(attempt.instance)
        if other is None or _started(other) < attempt.started_at:
            latest[attempt.instance] = run
    return latest


def _started(run: Run) -> datetime:
    assert run.attempt is not None
    assert run.attempt.started_at is not None
    return run.attempt.started_at
