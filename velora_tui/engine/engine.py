"""The engine: what screens and commands ask, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ulid import ULID

from velora_tui.domain.events import (
    AnyEvent,
    AttemptFinished,
    AttemptQueued,
    AttemptState,
    DriveBroken,
    Notice,
    RunCreated,
    StopRequested,
)
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import FileReport, Readiness
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.run_names import named_run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.domain.task import Task
from velora_tui.engine import critical_files
from velora_tui.engine.admission import Admission
from velora_tui.engine.checkup import Slow
from velora_tui.engine.driver import Workshop
from velora_tui.engine.foreign import ForeignRun, OnWatched, tell_nobody
from velora_tui.engine.ledger import Ledger, Subscription
from velora_tui.engine.machines import Machines
from velora_tui.engine.queue import AttemptQueue, Entry
from velora_tui.engine.repairs import Repairs
from velora_tui.engine.rounds import Rounds
from velora_tui.engine.snapshots import fleet_snapshot
from velora_tui.engine.worker import InstanceWorker
from velora_tui.errors import ReadOnly, Refused, StoreError
from velora_tui.hosts.lease import operator
from velora_tui.images.s3 import ImageStore
from velora_tui.pipeline.recipes import recipe
from velora_tui.store.datasets import TaskStore
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout
from velora_tui.store.locks import DriverLock

if TYPE_CHECKING:
    from velora_tui.hosts.known_hosts import HostKey


class Engine:
    """Owns the connections, the attempts' tasks, the queue and the journal. An async context manager.

    Leaving it lets go of running attempts: their jobs go on, and `attach` of a later engine takes them up.
    With `keep_checking` it checks all instances from its opening on, as `keep_checking()` does.
    """

    def __init__(
        self,
        fleet: Fleet,
        layout: Layout,
        *,
        read_only: bool = False,
        accept_new_host_keys: bool = False,
        keep_checking: bool = False,
    ) -> None:
        self.fleet = fleet
        self.layout = layout
        self.read_only = read_only
        self._keeps_checking = keep_checking
        self._journal = Journal(layout.journal)
        self._ledger = Ledger(self._journal)
        images = ImageStore(fleet.s3)
        self._machines = Machines(fleet, self._ledger, images, accept_new_host_keys=accept_new_host_keys)
        self._shop = Workshop(fleet, layout, self._ledger, self._machines, images)
        self._admission = Admission(self._shop)
        self._rounds = Rounds(fleet, self._machines, self._next_task)
        self._repairs = Repairs(self._shop)
        self._queue = AttemptQueue()
        self._workers = {
            instance.name: InstanceWorker(instance.name, self._shop, self._queue) for instance in fleet.instances
        }
        self._locks: dict[str, DriverLock] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self._journal)
            await self._ledger.load()
        except BaseException:
            await self._stack.aclose()
            raise
        serving = [worker.serve() for worker in self._workers.values()]
        keeping = [self._ledger.watch_other_processes(), self._react()]
        if self._keeps_checking:
            keeping.append(self.keep_checking())
        self._tasks = [asyncio.create_task(work) for work in (*serving, *keeping)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._machines.close()
        await self._stack.aclose()
        for lock in self._locks.values():
            lock.release()

    # --- what may be asked

    async def start(self, request: RunRequest) -> Run:
        """Start a run, or another attempt of one that is over. Returns it as soon as it is queued.

        Raises UsageError (dataset, names), InstanceBusy, InstanceNotReady, Refused, ReadOnly and StoreError.
        """
        self._require_writable()
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

    async def retry(
        self, run_id: str, from_phase: str | None = None, *, force: bool = False, wait: bool = False
    ) -> Run:
        """Try an ended run again on the instance it was on, wholly or from a phase whose forerunners are done.

        Raises UnknownName, Refused, InstanceBusy, InstanceNotReady, ReadOnly and StoreError.
        """
        self._require_writable()
        run = self.run(run_id)
        candidates = self._candidates(self._admission.retry_point(run, from_phase).instance)
        if not wait:
            await self._admission.require_free(candidates, run.recipe, force=force)
        async with self._starting:
            run = self.run(run.run)
            last = self._admission.retry_point(run, from_phase)
            if not wait:
                self._admission.require_idle(candidates)
            queued = AttemptQueued(
                run=run.run,
                attempt=last.number + 1,
                phases=tuple(phase.name for phase in last.phases),
                instance=last.instance,
                from_phase=from_phase,
                force=force,
            )
            return await self._enqueue(queued, wait=wait)

    async def stop(self, run_id: str) -> Run:
        """Stop a queued or running attempt; returns at once, the end is told as an event.

        Raises UnknownName, Refused, ReadOnly and StoreError.
        """
        self._require_writable()
        run = self.run(run_id)
        attempt = run.attempt
        if attempt is None or attempt.state.is_over:
            raise Refused(f"run {run.run} is not running", hint="`velora status` shows what runs")
        if not attempt.stopping:
            await self._ledger.record(StopRequested(run=run.run, attempt=attempt.number, by=operator()))
        await self._carry_out_stop(run.run)
        await self.attach(run.run)  # where nobody drives it, somebody must, to stop it
        return self._ledger.runs[run.run]

    async def check(
        self, instances: Iterable[str] = (), *, slow: bool = True, only: Iterable[str] = (), task: Task | None = None
    ) -> tuple[Readiness, ...]:
        """Check the named instances, or all, at the same time; without the `slow` checks, or `only` some.

        `task` is whose image is looked for (default: the first that waits). Answers are told as they come, as
        ChecksAnswered. Raises UnknownName and StoreError.
        """
        names = self._rounds.names(instances)
        return await self._rounds.check(names, Slow.ALL if slow else Slow.NONE, frozenset(only), task)

    async def keep_checking(self, minutes: float | None = None) -> None:
        """Check all instances now, and by the cheap checks every `minutes` from then on, until cancelled.

        Without `minutes`, as often as the fleet file says; 0 is never again.
        """
        await self._rounds.keep_checking(minutes)

    async def file_report(self, instances: Iterable[str] = ()) -> FileReport:
        """Compare the critical files of the named instances, or all, with the good copies and with each other.

        Raises UnknownName.
        """
        return await critical_files.report(self.fleet, self._machines, self._rounds.names(instances))

    async def file_diff(self, instance: str, path: str) -> str:
        """Return what pushing the good copy of a critical file would change on the instance, as a unified diff.

        Raises UnknownName, Refused where there is no good copy, and HostErrors.
        """
        return await critical_files.difference(self.fleet, self._machines, instance, path)

    async def plan_repair(self, instances: Iterable[str], name: str) -> tuple[RepairPlan, ...]:
        """Return what the repair `name`, or the one that mends the check `name`, would do on each of `instances`, or
        on all. Nothing is changed; an instance where it can't be done has a plan that is refused.

        Raises UnknownName, UsageError where nothing mends that check, and StoreError.
        """
        return await self._repairs.plan(instances, name)

    async def repair(self, plan: RepairPlan) -> RepairResult:
        """Do what `plan` says and make its check again; what goes wrong on the instance is told in the result.

        Raises ReadOnly, UnknownName and StoreError.
        """
        self._require_writable()
        return await self._repairs.carry_out(plan)

    async def offered_host_key(self, instance: str) -> HostKey | None:
        """Connect to the instance, and return the host key that is to be accepted first; None where none is.

        Raises UnknownName, HostKeyChanged and other HostErrors.
        """
        return await self._machines.offered_key(instance)

    async def accept_host_key(self, instance: str, fingerprint: str) -> None:
        """Trust the key with that fingerprint, which `offered_host_key` returned and a person has compared.

        Raises ReadOnly, UnknownName, HostKeyChanged and other HostErrors.
        """
        self._require_writable()
        await self._machines.accept_key(instance, fingerprint)

    async def attach(self, run_id: str | None = None) -> tuple[Run, ...]:
        """Take up the attempts that no living process drives, of one run or of all; returns their runs.

        A read-only engine takes up none. Raises UnknownName and StoreError.
        """
        if self.read_only:
            return ()
        taken = []
        for run in [self.run(run_id)] if run_id is not None else list(self._ledger.runs.values()):
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

    # --- what is told

    def run(self, name: str) -> Run:
        """Return the run whose id is `name`, or is the only one that begins or ends with it. Raises UnknownName."""
        return named_run(self._ledger.runs, name)

    def restarts(self, run_id: str) -> tuple[str, ...]:
        """Return the phases at which a retry of the run may begin, in order. Raises UnknownName."""
        known = recipe(self.run(run_id).recipe)
        return tuple(name for name in known.names if name in known.restarts)

    def snapshot(self) -> FleetSnapshot:
        """Return the fleet as it stands."""
        return fleet_snapshot(
            self.fleet, self._ledger, self._machines.checking, self._queue.runs, read_only=self.read_only
        )

    def observe(self) -> AbstractContextManager[Subscription]:
        """Give a subscription: every event from now on in journal order, and notices. All observers see one order."""
        return self._ledger.subscribed()

    async def events(self) -> AsyncIterator[AnyEvent | Notice]:
        """Yield every event from the first `anext` on, as `observe` does."""
        with self._ledger.subscribed() as subscription:
            async for event in subscription:
                yield event

    async def history(self, run_id: str) -> list[AnyEvent]:
        """Return the journalled events of a run, in order. Raises UnknownName and StoreError."""
        return await self._journal.events(run=self.run(run_id).run)

    async def audit(self, instances: Iterable[str] = (), *, after: int = 0, limit: int = 2_000) -> list[AnyEvent]:
        """Return what Velora did on the named instances, or on any, as journalled: the latest `limit` events, in order.

        Only those with a `seq` over `after`. Raises UnknownName and StoreError.
        """
        names = [self._machines.instance(name).name for name in instances]
        return await self._journal.audit(names, after, limit)

    def log_path(self, run_id: str, attempt: int, phase: str) -> Path:
        """Return where the log of a phase lies, or will."""
        return self.layout.log(self.run(run_id).run, attempt, phase)

    async def follow_foreign(self, instance: str, on_watched: OnWatched = tell_nobody) -> None:
        """Copy the logs of somebody else's run on `instance` home as they are written, until it is over.

        Each lies at `layout.log(run, attempt, phase)`; LogGrew notices tell of it, `on_watched` is told whose it is and
        how it ended. Raises UnknownName, Refused where there is no such run, and HostErrors.
        """
        foreign = ForeignRun(await self._machines.host(instance), self.layout, self._ledger)
        await foreign.mirror(lambda broken: self._machines.told_break(instance, broken), on_watched)

    # --- how it is done

    def _require_writable(self) -> None:
        if self.read_only:
            raise ReadOnly("Velora was started read-only", hint="start it without --readonly")

    async def _next_task(self) -> Task | None:
        """Return the task of the first run that waits for an instance."""
        for run in self._queue.runs:
            return await asyncio.to_thread(TaskStore(self.layout.tasks).load, self._ledger.runs[run].dataset)
        return None

    def _candidates(self, instance: str | None) -> list[str]:
        return [instance] if instance is not None else list(self._workers)

    async def _created(self, request: RunRequest, task: Task) -> RunCreated:
        kept = await asyncio.to_thread(TaskStore(self.layout.tasks).keep, task)
        return RunCreated(
            run=str(ULID()),
            task=task.instance_id,
            repo=task.repo,
            model=request.model,
            run_number=request.run_number,
            recipe=request.recipe or self.fleet.defaults.recipe,
            max_iterations=request.max_iterations or self.fleet.defaults.max_iterations,
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
        lock = DriverLock(self.layout.locks, run)
        if not await asyncio.to_thread(lock.acquire):
            return False
        self._locks[run] = lock
        return True

    async def _react(self) -> None:
        """Carry out stops that other processes asked for, and free the locks of runs that we no longer drive."""
        with self._ledger.subscribed() as subscription:
            async for event in subscription:
                if isinstance(event, AttemptFinished | DriveBroken):
                    self._let_go(event)
                elif isinstance(event, StopRequested):
                    with suppress(StoreError):
                        await self._carry_out_stop(event.run)

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
