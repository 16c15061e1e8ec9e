"""The runs of the fleet as they are started, retried, stopped and taken up: the queue, its workers, who drives what."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress

from ulid import ULID

from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptState,
    DriveBroken,
    RunCreated,
    StopRequested,
)
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.task import Task
from velora_tui.engine.admission import Admission
from velora_tui.engine.driver import Workshop
from velora_tui.engine.queue import AttemptQueue, Entry
from velora_tui.engine.shared_progress import SharedProgress
from velora_tui.engine.worker import InstanceWorker
from velora_tui.errors import Refused, StoreError
from velora_tui.hosts.lease import operator
from velora_tui.store.datasets import TaskStore
from velora_tui.store.locks import DriverLock


class Runs:
    """Queues attempts for one worker an instance. Of several processes that share a journal one drives a run."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop
        self._ledger = workshop.ledger
        self._admission = Admission(workshop)
        self._queue = AttemptQueue()
        self._workers = {
            instance.name: InstanceWorker(instance.name, workshop, self._queue) for instance in workshop.fleet.instances
        }
        self._locks: dict[str, DriverLock] = {}
        self._starting = asyncio.Lock()

    @property
    def waiting(self) -> tuple[str, ...]:
        """The run ids that wait for their first instance, in order."""
        return self._queue.runs

    def serving(self) -> list[Coroutine[None, None, None]]:
        """Return what must be awaited meanwhile: the workers, and what answers to other processes."""
        progress = SharedProgress(self._ledger, self._shop.layout, self._locks.__contains__)
        return [*(worker.serve() for worker in self._workers.values()), self._react(), progress.share()]

    def release(self) -> None:
        """Let other processes take up what this one drove."""
        for lock in self._locks.values():
            lock.release()

    async def start(self, request: RunRequest) -> Run:
        """Start a run as `Engine.start` does."""
        phases = self._admission.phases(request)
        task = await self._admission.task(request)
        self._admission.existing(task.instance_id, request.model, request.run_number)
        candidates = self._candidates(request.instance)
        if not request.wait:
            await self._admission.require_free(candidates, request.recipe, force=request.force)
        async with self._starting:
            run = self._admission.existing(task.instance_id, request.model, request.run_number)
            if not request.wait:
                self._admission.require_idle(candidates)  # another start may have been quicker
            created = await self._created(request, task) if run is None else None
            queued = AttemptQueued(
                run=run.run if run else str(created and created.run),
                attempt=len(run.attempts) + 1 if run else 1,
                phases=phases,
                instance=request.instance,
                force=request.force,
            )
            return await self._enqueue(queued, created, wait=request.wait)

    async def retry(self, run: Run, from_phase: str | None, instance: str | None, *, force: bool, wait: bool) -> Run:
        """Try an ended run again as `Engine.retry` does."""
        place = self._admission.retry_place(self._admission.retry_point(run, from_phase), from_phase, instance)
        candidates = self._candidates(place)
        if not wait:
            await self._admission.require_free(candidates, run.recipe, force=force)
        async with self._starting:
            run = self._ledger.runs[run.run]
            last = self._admission.retry_point(run, from_phase)
            if not wait:
                self._admission.require_idle(candidates)
            queued = AttemptQueued(
                run=run.run,
                attempt=last.number + 1,
                phases=tuple(phase.name for phase in last.phases),
                instance=place,
                from_phase=from_phase,
                force=force,
            )
            return await self._enqueue(queued, wait=wait)

    async def stop(self, run: Run) -> Run:
        """Stop a queued or running attempt as `Engine.stop` does."""
        attempt = run.attempt
        if attempt is None or attempt.state.is_over:
            raise Refused(f"run {run.run} is not running", hint="`velora status` shows what runs")
        if not attempt.stopping:
            await self._ledger.record(StopRequested(run=run.run, attempt=attempt.number, by=operator()))
        await self._carry_out_stop(run.run)
        await self.attach([self._ledger.runs[run.run]])  # where nobody drives it, somebody must, to stop it
        return self._ledger.runs[run.run]

    async def attach(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """Take up those of `runs` that no living process drives, and return them."""
        taken = []
        for run in runs:
            attempt = run.attempt
            if attempt is None or attempt.state.is_over or run.run in self._locks or not await self._lock(run.run):
                continue
            resume = attempt.state is AttemptState.RUNNING
            if attempt.stopping and not resume:
                await self._ledger.record(
                    AttemptFinished(run=run.run, attempt=attempt.number, state=AttemptState.STOPPED)
                )
                continue
            entry = Entry(run.run, attempt.number, attempt.instance, force=attempt.force, resume=resume, wait=True)
            await self._queue.put(entry)
            taken.append(run)
        return tuple(taken)

    # --- how it is done

    def _candidates(self, instance: str | None) -> list[str]:
        return [instance] if instance is not None else list(self._workers)

    async def _created(self, request: RunRequest, task: Task) -> RunCreated:
        kept = await asyncio.to_thread(TaskStore(self._shop.layout.tasks).keep, task)
        return RunCreated(
            run=str(ULID()),
            task=task.instance_id,
            repo=task.repo,
            model=request.model,
            run_number=request.run_number,
            recipe=request.recipe or self._shop.fleet.defaults.recipe,
            max_iterations=request.max_iterations or self._shop.fleet.defaults.max_iterations,
            dataset=kept,
            by=operator(),
        )

    async def _enqueue(self, queued: AttemptQueued, created: RunCreated | None = None, *, wait: bool) -> Run:
        if not await self._lock(queued.run):
            raise Refused(f"another Velora of yours drives run {queued.run}", hint="use that one, or end it first")
        # At once: a run without an attempt would be one that nobody takes up.
        await self._ledger.record_all([created, queued] if created else [queued])
        # The end of its last attempt may have freed the lock meanwhile.
        if await self._lock(queued.run):
            await self._queue.put(Entry(queued.run, queued.attempt, queued.instance, force=queued.force, wait=wait))
        return self._ledger.runs[queued.run]

    async def _lock(self, run: str) -> bool:
        """Make this process the one that drives `run`; False where another living process is."""
        if run in self._locks:
            return True
        lock = DriverLock(self._shop.layout.locks, run)
        if not await asyncio.to_thread(lock.acquire):
            return False
        self._locks[run] = lock
        return True

    def _let_go(self, event: AttemptFinished | DriveBroken) -> None:
        """Free the run's lock, unless it has been given another attempt meanwhile."""
        again = isinstance(event, AttemptFinished) and self._ledger.runs[event.run].is_active
        if not again and event.run in self._locks:
            self._locks.pop(event.run).release()

    async def _carry_out_stop(self, run_id: str) -> None:
        """Stop the run where this process, or no living one, drives it; another process reads our StopRequested."""
        entry = self._queue.remove(run_id)
        if entry is not None and not entry.resume:
            ended = AttemptFinished(run=run_id, attempt=entry.attempt, state=AttemptState.STOPPED)
            try:
                await self._ledger.record(ended)
            except StoreError:
                await self._queue.put_back(entry)  # whose worker ends it as soon as that can be journalled
                raise
        elif entry is not None:
            await self._queue.put(entry)
        else:
            any(worker.stop(run_id) for worker in self._workers.values())

    async def _react(self) -> None:
        """Carry out stops that other processes asked for, and free the locks of runs that we no longer drive."""
        with self._ledger.subscribed() as subscription:
            async for event in subscription:
                if isinstance(event, AttemptFinished | DriveBroken):
                    self._let_go(event)
                elif isinstance(event, StopRequested):
                    with suppress(StoreError):
                        await self._carry_out_stop(event.run)
