"""Follow runs to their end, telling each event as it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.domain.events import (
    AnyEvent,
    AttemptFinished,
    AttemptState,
    AttemptWaits,
    CommandRan,
    ConnectionChanged,
    ConnectionState,
    DriveBroken,
    PhaseProgressed,
    RunEvent,
)
from velora_tui.domain.run import Run
from velora_tui.view.cli_events import event_line, progress_line
from velora_tui.view.stream import attempt_finished_record, event_record
from velora_tui.view.text import clean_text

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine
    from velora_tui.engine.ledger import Subscription

AfterAttempt = Callable[[AttemptFinished], Awaitable[bool]]


async def _no_more(finished: AttemptFinished) -> bool:
    return False


class Follower:
    """Follows the runs it is given. `states` is how each that can be followed stands: that of its latest attempt."""

    def __init__(self, engine: Engine, console: Console, *, as_json: bool) -> None:
        self._engine = engine
        self._console = console
        self._as_json = as_json
        self._open: set[str] = set()
        self._lost: set[str] = set()  # runs that go on, and that this process can follow no more
        self._waits: dict[str, str] = {}  # who has an instance that runs wait for
        self._out_of_sight: set[str] = set()  # instances to which the connection is to come back
        self.states: dict[str, AttemptState] = {}

    def add(self, runs: Iterable[Run]) -> None:
        """Follow these runs too."""
        for run in runs:
            self._lost.discard(run.run)
            self._open.add(run.run)
            self.states[run.run] = run.attempt.state if run.attempt else AttemptState.QUEUED

    @property
    def going_on(self) -> list[Run]:
        """The runs that are not over."""
        return [self._engine.run(name) for name in sorted(self._open | self._lost)]

    async def follow(self, subscription: Subscription, after_attempt: AfterAttempt = _no_more) -> None:
        """Tell the events of the runs until all are over.

        `after_attempt` is asked when an attempt is over, and answers whether the run has been given another one.
        """
        events = aiter(subscription)
        while self._open:
            event = await anext(events)
            if isinstance(event, PhaseProgressed) and event.run in self._open:
                self._console.tell(progress_line(event, self._engine.run(event.run)))
            elif isinstance(event, DriveBroken) and event.run in self._open:
                self._console.complain(f"run {event.run} is no longer followed: {event.message}")
                self._lost.add(event.run)
                self._open.discard(event.run)
            elif isinstance(event, AttemptWaits) and event.run in self._open:
                self._tell_wait(event)
            elif isinstance(event, ConnectionChanged):
                self._tell_connection(event)
            elif isinstance(event, CommandRan) and event.run is None:
                self._console.say(f"{event.instance}: {event.purpose}")
            elif isinstance(event, RunEvent) and event.run in self._open:
                await self._tell(event, self._engine.run(event.run))
                if isinstance(event, AttemptFinished):
                    await self._attempt_over(event, after_attempt)

    def exit_status(self) -> Exit:
        """Return the exit status that the runs' states stand for."""
        if AttemptState.FAILED in self.states.values():
            return Exit.FAILED
        if AttemptState.STOPPED in self.states.values():
            return Exit.STOPPED
        return Exit.DETACHED if self._lost else Exit.OK

    def _tell_wait(self, event: AttemptWaits) -> None:
        """Say once who has an instance for which runs wait, and again where it is somebody else."""
        if self._waits.get(event.instance) != event.message:
            self._waits[event.instance] = event.message
            self._console.say(f"{event.instance}: waiting, as it is {clean_text(event.message)}")

    def _tell_connection(self, event: ConnectionChanged) -> None:
        """Say once that the connection to an instance is to come back, and once that it has."""
        lost = event.instance in self._out_of_sight
        if event.state is ConnectionState.RECONNECTING and not lost:
            self._out_of_sight.add(event.instance)
            self._console.say(f"{event.instance}: reconnecting: {clean_text(event.detail)}")
        elif event.state is ConnectionState.CONNECTED and lost:
            self._out_of_sight.discard(event.instance)
            self._console.say(f"{event.instance}: connected again")

    async def _attempt_over(self, finished: AttemptFinished, after_attempt: AfterAttempt) -> None:
        self.states[finished.run] = finished.state
        if not await after_attempt(finished):
            self._open.discard(finished.run)

    async def _tell(self, event: AnyEvent, run: Run) -> None:
        if not self._as_json:
            line = event_line(event, run, self._engine.fleet.label(run.model))
            if line is not None:
                await self._console.emit(line)
        elif isinstance(event, AttemptFinished):
            await self._console.record(attempt_finished_record(event, run))
        else:
            await self._console.record(event_record(event))
