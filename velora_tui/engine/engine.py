"""The engine: what screens and commands ask, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from velora_tui.domain.events import AnyEvent, Notice
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import CheckResult, FileReport, Readiness
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.run_names import named_run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.domain.task import Task
from velora_tui.engine import critical_files
from velora_tui.engine.checkup import Scope, Slow
from velora_tui.engine.driver import Workshop
from velora_tui.engine.foreign import ForeignRun, OnWatched, tell_nobody
from velora_tui.engine.ledger import Ledger, Subscription
from velora_tui.engine.machines import Machines
from velora_tui.engine.repairs import Repairs
from velora_tui.engine.rounds import Rounds
from velora_tui.engine.runs import Runs
from velora_tui.engine.snapshots import fleet_snapshot
from velora_tui.errors import ReadOnly, StoreError
from velora_tui.images.s3 import ImageStore
from velora_tui.pipeline.recipes import recipe
from velora_tui.readiness.checks import BUSY
from velora_tui.store.datasets import TaskStore
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

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
        self._rounds = Rounds(fleet, self._machines, self._next_task)
        self._repairs = Repairs(self._shop)
        self._runs = Runs(self._shop)
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self._journal)
            self.read_only = self.read_only or self.unwritable is not None
            await self._ledger.load()
        except BaseException:
            await self._stack.aclose()
            raise
        work = [*self._runs.serving(), self._ledger.watch_other_processes()]
        if self._keeps_checking:
            work.append(self.keep_checking())
        self._tasks = [asyncio.create_task(part) for part in work]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._machines.close()
        await self._stack.aclose()
        self._runs.release()

    # --- what may be asked

    async def start(self, request: RunRequest) -> Run:
        """Start a run, or another attempt of one that is over. Returns it as soon as it is queued.

        Raises UsageError (dataset, names), InstanceBusy, InstanceNotReady, Refused, ReadOnly and StoreError.
        """
        self.require_writable()
        return await self._runs.start(request)

    async def retry(
        self,
        run_id: str,
        from_phase: str | None = None,
        *,
        instance: str | None = None,
        force: bool = False,
        wait: bool = False,
    ) -> Run:
        """Try an ended run again, wholly or, on the instance it was on, from a phase whose forerunners are done.

        Without `instance`, there too. Raises UnknownName, UsageError, Refused, InstanceBusy, InstanceNotReady,
        ReadOnly and StoreError.
        """
        self.require_writable()
        return await self._runs.retry(self.run(run_id), from_phase, instance, force=force, wait=wait)

    async def stop(self, run_id: str) -> Run:
        """Stop a queued or running attempt; returns at once, the end is told as an event.

        Raises UnknownName, Refused, ReadOnly and StoreError.
        """
        self.require_writable()
        return await self._runs.stop(self.run(run_id))

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
        self.require_writable()
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
        self.require_writable()
        await self._machines.accept_key(instance, fingerprint)

    async def attach(self, run_id: str | None = None) -> tuple[Run, ...]:
        """Take up the attempts that no living process drives, of one run or of all; returns their runs.

        A read-only engine takes up none. Raises UnknownName and StoreError.
        """
        if self.read_only:
            return ()
        return await self._runs.attach([self.run(run_id)] if run_id is not None else list(self._ledger.runs.values()))

    # --- what is told

    def run(self, name: str) -> Run:
        """Return the run whose id is `name`, or is the only one that begins or ends with it. Raises UnknownName."""
        return named_run(self._ledger.runs, name)

    def restarts(self, run_id: str) -> tuple[str, ...]:
        """Return the phases at which a retry of the run may begin, in order. Raises UnknownName."""
        known = recipe(self.run(run_id).recipe)
        return tuple(name for name in known.names if name in known.restarts)

    @property
    def unwritable(self) -> str | None:
        """Why nothing can be recorded, so that this engine only looks; None where all is well."""
        words = self._journal.unwritable
        return f"the journal {self._journal.path} cannot be written: {words}" if words else None

    def snapshot(self) -> FleetSnapshot:
        """Return the fleet as it stands."""
        return fleet_snapshot(
            self.fleet, self._ledger, self._machines.checking, self._runs.waiting, read_only=self.read_only
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

        async def ask_busy() -> CheckResult | None:
            return (await self._machines.check(instance, Scope(only=frozenset({BUSY})))).check(BUSY)

        foreign = ForeignRun(await self._machines.host(instance), self.layout, self._ledger, ask_busy)
        await foreign.mirror(lambda broken: self._machines.told_break(instance, broken), on_watched)

    # --- how it is done

    def require_writable(self) -> None:
        """Refuse what would have to be recorded. Raises ReadOnly and StoreError."""
        if self.unwritable is not None:
            raise StoreError(self.unwritable, hint="check the folder's rights and free space")
        if self.read_only:
            raise ReadOnly("Velora was started read-only", hint="start it without --readonly")

    async def _next_task(self) -> Task | None:
        """Return the task of the first run that waits for an instance."""
        for run in self._runs.waiting:
            return await asyncio.to_thread(TaskStore(self.layout.tasks).load, self._ledger.runs[run].dataset)
        return None
