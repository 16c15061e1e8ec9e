"""Events: journalled first, then folded, then told to every observer in one order, other processes' included."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from velora_tui.domain.events import (
    AnyEvent,
    AttemptWaits,
    ChecksAnswered,
    ConnectionChanged,
    DriveBroken,
    Event,
    InstanceChecked,
    LogGrew,
    Notice,
    PhaseFinished,
    PhaseProgressed,
    RunEvent,
)
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.run import Run, fold
from velora_tui.errors import StoreError
from velora_tui.store.journal import Journal

EventType = TypeVar("EventType", bound=Event)

_FOREIGN_POLL_SECONDS = 0.5
# Another process may import thousands of runs: after so many events the event loop turns to other things.
_BREATH_EVENTS = 50


class Subscription:
    """One observer's view: every event in order; of notices only the latest of each kind and subject."""

    def __init__(self) -> None:
        self._events: deque[AnyEvent] = deque()
        self._notices: dict[tuple[object, ...], Notice] = {}
        self._something = asyncio.Event()

    def put_event(self, event: AnyEvent) -> None:
        self._events.append(event)
        self._something.set()

    def put_notice(self, notice: Notice) -> None:
        self._notices[_subject(notice)] = notice
        self._something.set()

    async def __aiter__(self) -> AsyncIterator[AnyEvent | Notice]:
        while True:
            await self._something.wait()
            while self._events:
                for _ in range(min(_BREATH_EVENTS, len(self._events))):
                    yield self._events.popleft()
                await asyncio.sleep(0)
            if self._notices:
                yield self._notices.pop(next(iter(self._notices)))
            elif not self._events:
                self._something.clear()


class Ledger:
    """The journal and what it folds to in memory. `runs` and `readiness` are replaced entry by entry."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = asyncio.Lock()
        self._last = 0
        self._subscriptions: list[Subscription] = []
        self.runs: dict[str, Run] = {}
        self.readiness: dict[str, Readiness] = {}
        self.progress: dict[str, PhaseProgressed] = {}
        self.connections: dict[str, ConnectionChanged] = {}

    async def load(self) -> None:
        """Read the state that the journal holds. Raises StoreError."""
        self._last, self.runs, self.readiness = await self._journal.state()

    async def record(self, event: EventType) -> EventType:
        """Journal `event`, then tell everyone. A cancelled caller still leaves it wholly done or not done.

        Raises IllegalTransition and StoreError; then nothing has happened.
        """
        return (await self.record_all([event]))[0]

    async def record_all(self, events: Sequence[EventType]) -> list[EventType]:
        """Journal all `events` or none, as `record` does."""
        recording = asyncio.ensure_future(self._record(events))
        try:
            return await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.wait({recording})
            raise

    def notify(self, notice: Notice) -> None:
        """Tell everyone something that is not kept."""
        if isinstance(notice, PhaseProgressed):
            self.progress[notice.run] = notice
        elif isinstance(notice, ConnectionChanged):
            self.connections[notice.instance] = notice
        elif isinstance(notice, ChecksAnswered):
            self.readiness[notice.instance] = notice.readiness
        for subscription in self._subscriptions:
            subscription.put_notice(notice)

    @contextmanager
    def subscribed(self) -> Iterator[Subscription]:
        """Give a subscription that begins now and ends with the context."""
        subscription = Subscription()
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)

    async def watch_other_processes(self) -> None:
        """Take up what other processes append, until cancelled."""
        seen = None
        while True:
            with suppress(StoreError):  # the next time it may be read again
                version = await self._journal.data_version()
                if version != seen:
                    async with self._lock:
                        await self._catch_up()
                    seen = version
            await asyncio.sleep(_FOREIGN_POLL_SECONDS)

    async def _record(self, events: Sequence[EventType]) -> list[EventType]:
        async with self._lock:
            stored = await self._journal.append_all(events)
            if stored[0].seq == self._last + 1:
                for event in stored:
                    self._apply(event)
            else:
                await self._catch_up()
            return stored

    async def _catch_up(self) -> None:
        for number, event in enumerate(await self._journal.events(after=self._last), start=1):
            self._apply(event)
            if number % _BREATH_EVENTS == 0:
                await asyncio.sleep(0)

    def _apply(self, event: Event) -> None:
        self._last = event.seq
        if isinstance(event, RunEvent):
            self.runs[event.run] = fold(self.runs.get(event.run), event)
            if isinstance(event, PhaseFinished):
                self.progress.pop(event.run, None)
        elif isinstance(event, InstanceChecked):
            self.readiness[event.instance] = Readiness(
                instance=event.instance, checks=event.checks, at=event.at, holder=event.holder
            )
        for subscription in self._subscriptions:
            subscription.put_event(event)  # type: ignore[arg-type]  # every Event that is recorded is one of AnyEvent


def _subject(notice: Notice) -> tuple[object, ...]:
    match notice:
        case LogGrew() | PhaseProgressed():
            return type(notice), notice.run, notice.attempt, notice.phase
        case ConnectionChanged() | ChecksAnswered():
            return type(notice), notice.instance
        case DriveBroken():
            return type(notice), notice.run
        case AttemptWaits():
            return type(notice), notice.run, notice.instance
