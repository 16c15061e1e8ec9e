"""An engine that shows a snapshot, keeps what is asked of it, and lets a test tell events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.ui.dashboard.build import PHASES, attempt, instance, readiness, run
from velora_tui.domain.events import AnyEvent, InstanceChecked, Notice, now
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.engine.foreign import OnWatched, Watched, WatchEnd, tell_nobody
from velora_tui.errors import UnknownName, VeloraError
from velora_tui.hosts.known_hosts import HostKey
from velora_tui.hosts.lease import LeaseOwner
from velora_tui.store.layout import Layout


class FakeEngine:
    """`asked` holds what was asked, in order; `refuse_with` is raised by the next start, retry or stop."""

    def __init__(
        self, shown: FleetSnapshot, state: Path, *, read_only: bool = False, never_opens: bool = False
    ) -> None:
        self.shown = replace(shown, read_only=read_only)
        self.fleet = shown.fleet
        self.layout = Layout.under(state)
        self.read_only = read_only
        self.asked: list[tuple[object, ...]] = []
        self.refuse_with: list[VeloraError] = []
        self.opens_with: BaseException | None = None
        self.offered: dict[str, list[HostKey | VeloraError]] = {}
        self.taken_up: tuple[Run, ...] = ()
        self.foreign_over = asyncio.Event()
        self.foreign_end: WatchEnd = "given-back"
        self.startable = PHASES
        self.closed = asyncio.Event()
        self.following = asyncio.Event()
        self._never_opens = never_opens
        self._events: asyncio.Queue[AnyEvent | Notice] = asyncio.Queue()

    async def __aenter__(self) -> FakeEngine:
        if self._never_opens:
            await asyncio.Event().wait()
        if self.opens_with is not None:
            raise self.opens_with
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed.set()

    def tell(self, event: AnyEvent | Notice, shown: FleetSnapshot | None = None) -> None:
        """Tell an event, after which the fleet looks like `shown`."""
        if shown is not None:
            self.shown = shown
        self._events.put_nowait(event)

    async def start(self, request: RunRequest) -> Run:
        self._ask("start", request)
        return run("01NEW", "psf/requests", request.task or "1", request.model, attempt(request.instance, "upload"))

    async def retry(
        self, run_id: str, from_phase: str | None = None, *, force: bool = False, wait: bool = False
    ) -> Run:
        self._ask("retry", run_id, from_phase, *(["force"] if force else []), *(["wait"] if wait else []))
        return self.run(run_id)

    async def stop(self, run_id: str) -> Run:
        self._ask("stop", run_id)
        return self.run(run_id)

    async def check(self, instances=()) -> tuple[Readiness, ...]:
        self._ask("check", *instances)
        found = tuple(readiness(name, seconds=0) for name in instances)
        for one in found:
            self.tell(InstanceChecked(instance=one.instance, checks=one.checks))
        return found

    async def offered_host_key(self, instance: str) -> HostKey | None:
        """The next key that the instance offers; None where all are known."""
        self._ask("offered_host_key", instance)
        offered = self.offered.get(instance) or [None]
        if isinstance(offered[0], VeloraError):
            raise offered[0]
        return offered[0]

    async def accept_host_key(self, instance: str, fingerprint: str) -> None:
        self._ask("accept_host_key", instance, fingerprint)
        self.offered[instance].pop(0)

    async def follow_foreign(self, instance: str, on_watched: OnWatched = tell_nobody) -> None:
        self._ask("follow_foreign", instance)
        watched = Watched(instance, LeaseOwner.here("01FOREIGN", 2, "~/.velora/runs/01FOREIGN.2"), now())
        on_watched(watched)
        await self.foreign_over.wait()
        on_watched(replace(watched, end=self.foreign_end))

    async def attach(self) -> tuple[Run, ...]:
        self.asked.append(("attach",))
        taken, self.taken_up = self.taken_up, ()
        return taken

    def restarts(self, run_id: str) -> tuple[str, ...]:
        return self.startable

    async def history(self, run_id: str) -> list[AnyEvent]:
        return []

    def run(self, name: str) -> Run:
        if name not in self.shown.runs:
            raise UnknownName.of("run", name, list(self.shown.runs))
        return self.shown.runs[name]

    def snapshot(self) -> FleetSnapshot:
        return self.shown

    @contextmanager
    def observe(self) -> Iterator[AsyncIterator[AnyEvent | Notice]]:
        self.following.set()
        yield self._stream()

    async def _stream(self) -> AsyncIterator[AnyEvent | Notice]:
        while True:
            yield await self._events.get()

    def log_path(self, run_id: str, attempt: int, phase: str) -> Path:
        return self.layout.log(run_id, attempt, phase)

    def write_log(self, run_id: str, phase: str, text: str, attempt: int = 1) -> Path:
        path = self.log_path(run_id, attempt, phase)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _ask(self, *what: object) -> None:
        self.asked.append(what)
        if self.refuse_with:
            raise self.refuse_with.pop(0)


def only(shown: FleetSnapshot, *names: str) -> FleetSnapshot:
    """The same fleet with only these instances."""
    rows = tuple(row for row in shown.instances if row.instance.name in names)
    return replace(shown, instances=rows)


__all__ = ["FakeEngine", "instance", "only"]
