"""Somebody else's run on one of our instances: its logs are copied home as they are written; nothing changes there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from velora_tui.domain.events import LogGrew
from velora_tui.domain.names import is_safe_name
from velora_tui.domain.readiness import CheckResult, CheckStatus
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import CommandFailed, HostError, Refused
from velora_tui.hosts.follow import JobEnd, follow_to_end
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.lease import DEFAULT_LEASE, LeaseOwner, LeaseReport, read_lease
from velora_tui.hosts.patience import OUTAGE_SECONDS, OnBreak, through_breaks
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.phase_log import PhaseLog
from velora_tui.readiness.repairs.kill_stray import KILL_STRAY
from velora_tui.store.layout import Layout

_LOOK_SECONDS = 1.0

# The attempt's jobs in the order in which they were started.
_JOBS = "cd {spools} 2>/dev/null || exit 0\nls -trd -- */started 2>/dev/null\ntrue\n"
_SILENT_SECONDS = 'echo "$(($(date +%s) - $(stat -c %Y {lease}/owner)))"\n'

WatchEnd = Literal["given-back", "taken", "left"]


@dataclass(frozen=True)
class Watched:
    """Somebody's attempt on an instance, as it stands.

    `phase` is the last one that was followed to its end, `exit_status` how its job ended (None: lost). `end` says why
    nothing more is to come: the lease was given back, is another's now, or was left by a Velora that is gone, of which
    the last sign was seen `silent_seconds` ago.
    """

    instance: str
    owner: LeaseOwner
    since: datetime
    phase: str = ""
    exit_status: int | None = None
    end: WatchEnd | None = None
    silent_seconds: int | None = None


OnWatched = Callable[[Watched], None]
AskBusy = Callable[[], Awaitable[CheckResult | None]]


def tell_nobody(_: Watched) -> None:
    """Tell nobody."""


def is_hand_started(busy: CheckResult | None) -> bool:
    """Tell whether the answer of the check `busy` is a run that nobody's Velora started."""
    return busy is not None and busy.status is CheckStatus.FAIL and busy.repair == KILL_STRAY.id


class ForeignRun:
    """The attempt that has the lease of `host`. Raises Refused where nobody has it, and HostErrors.

    `ask_busy` has the check of that name made: it tells of runs without a lease.
    """

    def __init__(self, host: Host, layout: Layout, ledger: Ledger, ask_busy: AskBusy) -> None:
        self._host = host
        self._jobs = DetachedJobs(host)
        self._layout = layout
        self._ledger = ledger
        self._ask_busy = ask_busy

    async def mirror(self, on_break: OnBreak, on_watched: OnWatched = tell_nobody) -> None:
        """Copy the logs of its jobs to where our own runs' logs lie, until nothing more is to come.

        `on_watched` is told whose run it is at first, and how it ended at last.
        """
        watched = await self._found()
        on_watched(watched)
        owner = watched.owner
        mirrored: set[str] = set()
        while True:
            report, phases = await through_breaks(
                lambda: self._look(owner), patience_seconds=OUTAGE_SECONDS, on_break=on_break
            )
            for phase in phases:
                if phase not in mirrored:
                    end = await self._copy(owner, phase, on_break)
                    watched = replace(watched, phase=phase, exit_status=end.exit_status)
                    mirrored.add(phase)
            if ended := _ended(report, owner):
                silent_seconds = await self._silent_seconds() if ended == "left" else None
                return on_watched(replace(watched, end=ended, silent_seconds=silent_seconds))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, owner: LeaseOwner) -> tuple[LeaseReport | None, list[str]]:
        """Return who has the instance, and then the jobs of `owner`: of a lease that is over, all that there were."""
        return await read_lease(self._host), await self._started(owner)

    async def _found(self) -> Watched:
        report = await read_lease(self._host)
        owner = report.owner if report else None
        if report is None or owner is None:
            raise await self._nobodys()
        if not is_safe_name(owner.run_id):
            raise CommandFailed(f"the lease names {owner.run_id[:80]!r}, which is no run", instance=self._host.name)
        if owner.run_id in self._ledger.runs:
            raise Refused(f"the run on {self._host.name} is your own", hint=f"`velora logs {owner.run_id} --follow`")
        return Watched(self._host.name, owner, report.since or owner.since)

    async def _nobodys(self) -> Refused:
        """Say that there is no run to follow, or that it was started by hand."""
        name, busy = self._host.name, await self._ask_busy()
        if busy is None or not is_hand_started(busy):
            return Refused(f"nobody's run has {name}", hint="`velora check` shows who has an instance")
        return Refused(
            f"{name} has {busy.detail}; its log can't be followed",
            hint=f"look at it where it was started, or end it with `velora repair {name} busy`",
        )

    async def _started(self, owner: LeaseOwner) -> list[str]:
        listed = (await self._host.run(_JOBS.format(spools=quote_path(owner.spools)))).text.splitlines()
        return [name for name in (line.partition("/")[0] for line in listed) if is_safe_name(name)]

    async def _silent_seconds(self) -> int | None:
        with suppress(HostError, ValueError):
            return max(0, int((await self._host.run(_SILENT_SECONDS.format(lease=quote_path(DEFAULT_LEASE)))).text))
        return None

    async def _copy(self, owner: LeaseOwner, phase: str, on_break: OnBreak) -> JobEnd:
        path = self._layout.log(owner.run_id, owner.attempt, phase)
        ids = {"run": owner.run_id, "attempt": owner.attempt, "phase": phase}
        log = PhaseLog(path, lambda size: self._ledger.notify(LogGrew(**ids, size=size)))
        try:
            spool = f"{owner.spools}/{phase}"
            return await follow_to_end(self._jobs, spool, log.write, offset=log.size, on_break=on_break)
        finally:
            log.close()


def _ended(report: LeaseReport | None, owner: LeaseOwner) -> WatchEnd | None:
    """Tell why nothing more comes of the attempt of `owner`; a Velora that took it up again goes on with it."""
    if report is None:
        return "given-back"
    now = report.owner
    if now is None:  # it is being freed or taken this moment, or whoever took it next crashed at that
        return None if report.state == "held" else "given-back"
    if (now.run_id, now.attempt) != (owner.run_id, owner.attempt):
        return "taken"
    return "left" if report.state == "stale" else None
