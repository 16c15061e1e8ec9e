"""The leases of the fleet's instances, seen with what our own journal knows of our runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC

from velora_tui.domain.events import CommandRan
from velora_tui.domain.readiness import Holder
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import HostError, InstanceBusy
from velora_tui.hosts import lease
from velora_tui.hosts.host import Host
from velora_tui.hosts.lease import LeaseOwner, LeaseReport, operator

_RENEW_SECONDS = 120.0


async def holder_of(host: Host, ledger: Ledger) -> Holder | None:
    """Return who has the instance; None where it is free or being taken or freed this moment. Raises HostErrors."""
    report = await lease.read_lease(host)
    if report is None or report.owner is None:
        return None
    owner = report.owner
    return Holder(
        operator=owner.operator,
        run=owner.run_id,
        attempt=owner.attempt,
        since=(report.since or owner.since).astimezone(UTC),
        stale=is_left_behind(report, ledger),
        ours=_is_active(owner, ledger),
        reason=report.reason,
    )


async def take(host: Host, ledger: Ledger, owner: LeaseOwner) -> None:
    """Take the instance's lease, or take over a stale one or our own attempt's. Raises InstanceBusy and HostErrors.

    Whose lease was removed, and why, is journalled.
    """
    try:
        await lease.acquire(host, owner)
    except InstanceBusy:
        report = await lease.read_lease(host)
        if report is None:
            return await lease.acquire(host, owner)
        same = report.owner is not None and _attempt(report.owner) == _attempt(owner)
        if report.state != "stale" and not same and not _left_over(report, ledger):
            raise
        await lease.take_over(host, report.model_copy(update={"state": "stale"}), owner)
        if not same:
            await ledger.record(_taken_over(host.name, report, owner))


async def keep(host: Host, token: str) -> None:
    """Show now and then that the owner is there, until cancelled or the lease is another's."""
    held = True
    while held:
        await asyncio.sleep(_RENEW_SECONDS)
        with suppress(HostError):  # a cut network: a job that runs holds the lease as well
            held = await lease.renew(host, token)


def is_left_behind(report: LeaseReport, ledger: Ledger) -> bool:
    """Tell whether nobody needs the lease any more, so that it may be removed."""
    return report.state == "stale" or _left_over(report, ledger)


def busy(instance: str, holder: Holder) -> InstanceBusy:
    """Build the refusal of a start on an instance that somebody else has."""
    return InstanceBusy(str(holder), instance=instance, hint="wait (--wait), or choose another instance")


def _taken_over(instance: str, report: LeaseReport, owner: LeaseOwner) -> CommandRan:
    was, reason = report.owner, report.reason
    since = (report.since or was.since).astimezone() if was else None
    whose = f"{was.operator}, since {since:%Y-%m-%d %H:%M}" if was else "nobody"
    what = f"run {was.run_id}, attempt {was.attempt}" if was else "a lease without an owner"
    return CommandRan(
        instance=instance,
        purpose=f"take over the dead lease of {whose}, for {what}: {reason}",
        command=f"replace the owner of {lease.DEFAULT_LEASE} by run {owner.run_id}, attempt {owner.attempt}",
        by=operator(),
    )


def _attempt(owner: LeaseOwner) -> tuple[str, int]:
    return owner.run_id, owner.attempt


def _left_over(report: LeaseReport, ledger: Ledger) -> bool:
    """Tell whether it is of an attempt of ours that is over and could not give it back."""
    owner = report.owner
    return owner is not None and owner.run_id in ledger.runs and not report.working and not _is_active(owner, ledger)


def _is_active(owner: LeaseOwner, ledger: Ledger) -> bool:
    run = ledger.runs.get(owner.run_id)
    attempt = run.attempt if run else None
    return attempt is not None and attempt.number == owner.attempt and not attempt.state.is_over
