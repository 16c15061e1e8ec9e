"""One worker an instance: it takes fitting attempts from the queue, one at a time, and has them driven."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress

from velora_tui.domain.events import (
    AttemptAttached,
    AttemptEvent,
    AttemptFinished,
    AttemptStarted,
    AttemptState,
    AttemptWaits,
    DriveBroken,
    PhaseFinished,
    PhaseState,
)
from velora_tui.domain.failure import Failure
from velora_tui.engine import leases
from velora_tui.engine.admission import running_elsewhere
from velora_tui.engine.checkup import way_out
from velora_tui.engine.driver import AttemptDriver, Workshop
from velora_tui.engine.queue import AttemptQueue, Entry
from velora_tui.errors import HostError, InstanceBusy, InstanceNotReady, StoreError, VeloraError
from velora_tui.hosts import lease
from velora_tui.hosts.host import Host
from velora_tui.hosts.lease import operator
from velora_tui.hosts.patience import through_breaks
from velora_tui.pipeline.failures import failure_of
from velora_tui.pipeline.phase import remote_folder
from velora_tui.store.datasets import TaskStore
from velora_tui.store.error_log import report_bug

_BACK_OFF_SECONDS = 5.0
_PATIENCE_SECONDS = 24 * 3600.0  # with an instance on which an attempt of ours goes on


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
            try:
                await self._serve(entry)
            except VeloraError as error:  # the boundary of a worker: the next attempt still starts
                await self._broken(entry, error.explain(), error.explain())
            except Exception as error:  # noqa: BLE001 - the same boundary, for bugs
                words = f"a bug: {type(error).__name__}: {error} — details are in {self._shop.layout.error_log}"
                await self._broken(entry, words, traceback.format_exc())
            finally:
                self._entry = self._driver = None

    async def _serve(self, entry: Entry) -> None:
        """Drive the attempt where it may start, or leave it in the queue for some seconds more."""
        refusal = None if entry.resume or entry.force or self._is_stopped(entry) else await self._refusal(entry)
        if refusal is not None and _is_waited_for(entry, refusal):
            self._tell_whom(entry)
            await asyncio.sleep(_BACK_OFF_SECONDS)
            return
        if not self._queue.take(entry):
            return
        self._entry = entry
        if self._is_stopped(entry):
            ids = {"run": entry.run, "attempt": entry.attempt}
            await self._shop.ledger.record(AttemptFinished(**ids, state=AttemptState.STOPPED))
        elif refusal is not None:
            await self._fail(entry, failure_of(refusal, None))
        else:
            await self._work(entry)

    def _tell_whom(self, entry: Entry) -> None:
        """Tell for whom the attempt waits, where somebody else has the instance."""
        known = self._shop.ledger.readiness.get(self.name)
        if known is not None and known.holder is not None and known.holder.is_foreign:
            ids = {"run": entry.run, "attempt": entry.attempt}
            self._shop.ledger.notify(AttemptWaits(**ids, instance=self.name, message=str(known.holder)))

    def _is_stopped(self, entry: Entry) -> bool:
        """Tell whether the attempt was to be stopped before it could start."""
        return not entry.resume and self._shop.ledger.runs[entry.run].attempts[entry.attempt - 1].stopping

    async def _broken(self, entry: Entry, words: str, details: str) -> None:
        """Tell that the attempt is no longer driven here; the journal may be what can't be written."""
        self._queue.take(entry)
        await asyncio.to_thread(report_bug, self._shop.layout.error_log, details)
        self._shop.ledger.notify(DriveBroken(run=entry.run, attempt=entry.attempt, message=words))

    async def _refusal(self, entry: Entry) -> VeloraError | None:
        if (other := running_elsewhere(self._shop, self.name)) is not None:
            return InstanceBusy(f"busy with run {other}", instance=self.name)
        recipe = self._shop.ledger.runs[entry.run].recipe
        try:
            readiness = await self._shop.machines.fresh_readiness(self.name, recipe)
        except StoreError as error:
            return error
        if readiness.holder is not None and readiness.holder.is_foreign:
            return leases.busy(self.name, readiness.holder)
        if readiness.ready:
            return None
        return InstanceNotReady(readiness.reason, instance=self.name, hint=way_out([readiness]))

    async def _work(self, entry: Entry) -> None:
        host = await self._shop.machines.host(self.name)
        owner = lease.LeaseOwner.here(entry.run, entry.attempt, remote_folder(entry.run, entry.attempt))
        if not await self._hold(entry, host, owner):
            return
        keeping = asyncio.create_task(leases.keep(host, owner.token))
        try:
            end = await self._drive(entry, host)
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
        with suppress(HostError):  # a lease that stays behind is seen as left over, and taken
            await lease.release(host, owner.token)
        await self._shop.ledger.record(end)

    async def _hold(self, entry: Entry, host: Host, owner: lease.LeaseOwner) -> bool:
        """Take the instance for the attempt; where it can't be had, put the attempt back or fail it."""
        if entry.resume:
            return await self._hold_again(entry, host, owner)
        try:
            await leases.take(host, self._shop.ledger, owner)
        except InstanceBusy as error:
            if entry.instance is not None and not entry.wait:
                await self._fail(entry, failure_of(error, None))
            else:
                await self._queue.put_back(entry)
                await asyncio.sleep(_BACK_OFF_SECONDS)
            return False
        except HostError as error:
            await self._fail(entry, failure_of(error, None))
            return False
        return True

    async def _hold_again(self, entry: Entry, host: Host, owner: lease.LeaseOwner) -> bool:
        """Take the instance for an attempt that runs already, waiting for as long as it does not answer."""
        attempt = self._shop.ledger.runs[entry.run].attempts[entry.attempt - 1]
        if attempt.next_phase is None:
            # Only the end is to be journalled; a lease that could not be given back is taken to be given back.
            with suppress(HostError, InstanceBusy):
                await leases.take(host, self._shop.ledger, owner)
            return True
        try:
            await through_breaks(
                lambda: leases.take(host, self._shop.ledger, owner),
                patience_seconds=_PATIENCE_SECONDS,
                on_break=lambda broken: self._shop.machines.told_break(self.name, broken),
            )
        except InstanceBusy as error:
            await self._fail(entry, failure_of(error, None))
            return False
        except HostError:
            return True  # the phase that is taken up meets the same error, and ends with it
        return True

    async def _drive(self, entry: Entry, host: Host) -> AttemptFinished:
        ledger = self._shop.ledger
        ids = {"run": entry.run, "attempt": entry.attempt}
        if entry.resume:
            await ledger.record(AttemptAttached(**ids, by=operator()))
        else:
            await ledger.record(AttemptStarted(**ids, instance=self.name, by=operator()))
        run = ledger.runs[entry.run]
        attempt = run.attempts[entry.attempt - 1]
        task = await asyncio.to_thread(TaskStore(self._shop.layout.tasks).load, run.dataset)
        self._driver = AttemptDriver(self._shop, host, run, attempt, task)
        if attempt.stopping:
            self._driver.request_stop()
        return await self._driver.drive()

    async def _fail(self, entry: Entry, failure: Failure) -> None:
        ledger, ids = self._shop.ledger, {"run": entry.run, "attempt": entry.attempt}
        attempt = ledger.runs[entry.run].attempts[entry.attempt - 1]
        events: list[AttemptEvent] = [
            PhaseFinished(**ids, phase=phase.name, state=PhaseState.FAILED, detail=failure.message, failure=failure)
            for phase in attempt.phases
            if phase.state is PhaseState.RUNNING
        ]
        await ledger.record_all([*events, AttemptFinished(**ids, state=AttemptState.FAILED, failure=failure)])


def _is_waited_for(entry: Entry, refusal: VeloraError) -> bool:
    """Tell whether the attempt stays in the queue: for another instance, for this one, or for room on our own disk."""
    if isinstance(refusal, StoreError):
        return True
    return entry.instance is None or (entry.wait and isinstance(refusal, InstanceBusy))
