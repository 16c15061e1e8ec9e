"""One worker an instance: it takes fitting attempts from the queue, one at a time, and has them driven."""

from __future__ import annotations

import asyncio
import getpass
import socket
import traceback
from contextlib import suppress

from velora_tui.domain.events import AttemptAttached, AttemptFinished, AttemptStarted, AttemptState
from velora_tui.domain.failure import Failure
from velora_tui.engine.admission import running_elsewhere
from velora_tui.engine.driver import AttemptDriver, Workshop
from velora_tui.engine.queue import AttemptQueue, Entry
from velora_tui.errors import HostError, InstanceBusy, InstanceNotReady, VeloraError
from velora_tui.hosts import lease
from velora_tui.hosts.host import Host
from velora_tui.pipeline.failures import failure_of
from velora_tui.pipeline.phase import remote_folder
from velora_tui.store.datasets import TaskStore
from velora_tui.store.error_log import report_bug

_BACK_OFF_SECONDS = 5.0


def operator() -> str:
    """Return who we are to other operators: user@machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class InstanceWorker:
    """Serves the queue for one instance; `driver` is the attempt that it drives now."""

    def __init__(self, name: str, workshop: Workshop, queue: AttemptQueue) -> None:
        self.name = name
        self._shop = workshop
        self._queue = queue
        self._entry: Entry | None = None
        self._driver: AttemptDriver | None = None

    @property
    def is_busy(self) -> bool:
        return self._entry is not None

    def stop(self, run: str) -> bool:
        """Stop the run where this worker drives it; tell whether it does."""
        if self._entry is None or self._entry.run != run or self._driver is None:
            return False
        self._driver.request_stop()
        return True

    async def serve(self) -> None:
        """Work until cancelled; then let go of the attempt, whose job goes on."""
        while True:
            entry = await self._queue.first_for(self.name)
            refusal = None if entry.resume or entry.force else await self._refusal()
            if refusal is not None and entry.instance is None:
                await asyncio.sleep(_BACK_OFF_SECONDS)
                continue
            if not self._queue.take(entry):
                continue
            self._entry = entry
            try:
                if refusal is not None:
                    await self._fail(entry, failure_of(refusal, None))
                else:
                    await self._work(entry)
            except VeloraError as error:  # the boundary of a worker: the next attempt still starts
                await asyncio.to_thread(report_bug, self._shop.layout.error_log, error.explain())
            except Exception:  # noqa: BLE001 - the same boundary, for bugs
                await asyncio.to_thread(report_bug, self._shop.layout.error_log, traceback.format_exc())
            finally:
                self._entry = self._driver = None

    async def _refusal(self) -> VeloraError | None:
        if (other := running_elsewhere(self._shop, self.name)) is not None:
            return InstanceBusy(f"busy with run {other}", instance=self.name)
        readiness = await self._shop.machines.fresh_readiness(self.name)
        if readiness.ready:
            return None
        return InstanceNotReady(readiness.reason, instance=self.name, hint="mend it, or start with --force")

    async def _work(self, entry: Entry) -> None:
        host = self._shop.machines.host(self.name)
        owner = lease.LeaseOwner.here(entry.run, entry.attempt, remote_folder(entry.run, entry.attempt))
        try:
            await self._take(host, owner)
        except InstanceBusy as error:
            if entry.instance is not None:
                await self._fail(entry, failure_of(error, None))
            else:
                await self._queue.put_back(entry)
                await asyncio.sleep(_BACK_OFF_SECONDS)
            return
        except HostError as error:
            await self._fail(entry, failure_of(error, None))
            return
        end = await self._drive(entry)
        with suppress(HostError):  # a lease that stays behind is seen as stale, and taken over
            await lease.release(host, owner.token)
        await self._shop.ledger.record(end)

    async def _take(self, host: Host, owner: lease.LeaseOwner) -> None:
        """Take the instance's lease, or take over a stale one or our own run's. Raises InstanceBusy and HostErrors."""
        try:
            await lease.acquire(host, owner)
        except InstanceBusy:
            report = await lease.read_lease(host)
            if report is None:
                return await lease.acquire(host, owner)
            ours = report.owner is not None and (report.owner.run_id, report.owner.attempt) == (
                owner.run_id,
                owner.attempt,
            )
            if report.state != "stale" and not ours:
                raise
            await lease.take_over(host, report.model_copy(update={"state": "stale"}), owner)

    async def _drive(self, entry: Entry) -> AttemptFinished:
        ledger = self._shop.ledger
        ids = {"run": entry.run, "attempt": entry.attempt}
        if entry.resume:
            await ledger.record(AttemptAttached(**ids, by=operator()))
        else:
            await ledger.record(AttemptStarted(**ids, instance=self.name, by=operator()))
        run = ledger.runs[entry.run]
        attempt = run.attempts[entry.attempt - 1]
        task = await asyncio.to_thread(TaskStore(self._shop.layout.tasks).load, run.dataset)
        self._driver = AttemptDriver(self._shop, run, attempt, task)
        if attempt.stopping:
            self._driver.request_stop()
        return await self._driver.drive()

    async def _fail(self, entry: Entry, failure: Failure) -> None:
        await self._shop.ledger.record(
            AttemptFinished(run=entry.run, attempt=entry.attempt, state=AttemptState.FAILED, failure=failure)
        )
