"""Jobs whose starts and ends on an instance are journalled first, with the exact script: the audit trail of a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from velora_tui.hosts.follow import LogStream
from velora_tui.hosts.jobs import JobRunner, JobState, StopReport

Record = Callable[[str, str], Awaitable[None]]
"""Journals a purpose and the command for it."""


class AuditedJobs:
    """A JobRunner in front of another one. Raises as that one does, and StoreError."""

    def __init__(self, jobs: JobRunner, record: Record) -> None:
        self._jobs = jobs
        self._record = record

    async def start(
        self,
        spool: str,
        script: str,
        env: Mapping[str, str] | None = None,
        *,
        time_limit_seconds: float | None = None,
        cleanup: str = "",
    ) -> JobState:
        state = await self._jobs.state(spool)
        if state.kind == "absent":
            await self._record(f"start the job in {spool}", script)
        return await self._jobs.start(spool, script, env or {}, time_limit_seconds=time_limit_seconds, cleanup=cleanup)

    async def state(self, spool: str) -> JobState:
        return await self._jobs.state(spool)

    async def stop(self, spool: str, grace_seconds: float = 10.0) -> StopReport:
        state = await self._jobs.state(spool)
        if state.kind == "running":
            deed = (
                f"SIGTERM to all its processes, SIGKILL to those that are left after {grace_seconds:g} s, its clean-up"
            )
            await self._record(f"stop the job in {spool}", deed)
        return await self._jobs.stop(spool, grace_seconds)

    def follow(self, spool: str, offset: int = 0) -> AbstractAsyncContextManager[LogStream]:
        return self._jobs.follow(spool, offset)
