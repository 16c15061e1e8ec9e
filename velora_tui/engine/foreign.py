"""Somebody else's run on one of our instances: its logs are copied home as they are written; nothing changes there."""

from __future__ import annotations

import asyncio

from velora_tui.domain.events import LogGrew
from velora_tui.domain.names import is_safe_name
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import CommandFailed, Refused
from velora_tui.hosts.follow import follow_to_end
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.lease import LeaseOwner, read_lease
from velora_tui.hosts.patience import OnBreak
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.phase_log import PhaseLog
from velora_tui.store.layout import Layout

_LOOK_SECONDS = 1.0

# The attempt's jobs in the order in which they were started.
_JOBS = "cd {spools} 2>/dev/null || exit 0\nls -trd -- */started 2>/dev/null\ntrue\n"


class ForeignRun:
    """The attempt that has the lease of `host`. Raises Refused where nobody has it, and HostErrors."""

    def __init__(self, host: Host, layout: Layout, ledger: Ledger) -> None:
        self._host = host
        self._jobs = DetachedJobs(host)
        self._layout = layout
        self._ledger = ledger

    async def mirror(self, on_break: OnBreak) -> None:
        """Copy the logs of its jobs to where our own runs' logs lie, until the lease is another's or free."""
        owner = await self._owner()
        if owner is None:
            raise Refused(f"nobody's run has {self._host.name}", hint="`velora check` shows who has an instance")
        if not is_safe_name(owner.run_id):
            raise CommandFailed(f"the lease names {owner.run_id[:80]!r}, which is no run", instance=self._host.name)
        if owner.run_id in self._ledger.runs:
            raise Refused(f"the run on {self._host.name} is your own", hint=f"`velora logs {owner.run_id} --follow`")
        mirrored: set[str] = set()
        while True:
            now_owner = await self._owner()
            for phase in await self._started(owner):
                if phase not in mirrored:
                    await self._copy(owner, phase, on_break)
                    mirrored.add(phase)
            if now_owner is None or now_owner.token != owner.token:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _owner(self) -> LeaseOwner | None:
        report = await read_lease(self._host)
        return report.owner if report else None

    async def _started(self, owner: LeaseOwner) -> list[str]:
        listed = (await self._host.run(_JOBS.format(spools=quote_path(owner.spools)))).text.splitlines()
        return [name for name in (line.partition("/")[0] for line in listed) if is_safe_name(name)]

    async def _copy(self, owner: LeaseOwner, phase: str, on_break: OnBreak) -> None:
        path = self._layout.log(owner.run_id, owner.attempt, phase)
        ids = {"run": owner.run_id, "attempt": owner.attempt, "phase": phase}
        log = PhaseLog(path, lambda size: self._ledger.notify(LogGrew(**ids, size=size)))
        try:
            spool = f"{owner.spools}/{phase}"
            await follow_to_end(self._jobs, spool, log.write, offset=log.size, on_break=on_break)
        finally:
            log.close()
