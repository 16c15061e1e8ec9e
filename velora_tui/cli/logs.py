"""`velora logs`: what the phases of an attempt printed, whole or as it is written."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.log_tail import ByteTail, LineTail, LogTail
from velora_tui.cli.options import FleetOption, JsonOption, RunArgument, StateOption, given
from velora_tui.cli.session import run_session
from velora_tui.cli.unwritable import say_unwritable
from velora_tui.domain.events import PhaseState
from velora_tui.domain.run import Attempt
from velora_tui.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine

POLL_SECONDS = 0.05  # a log may be written by another process: only its size tells


def logs(
    ctx: typer.Context,
    run_id: RunArgument,
    phase: Annotated[
        str | None, typer.Option("--phase", metavar="P", help="Only this phase; without it, all of them.")
    ] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", metavar="N", min=1, help="Another attempt than the latest.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it is written, to the end.")] = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print the log of a run.

    On a terminal, control sequences are taken out; into a file or a pipe every byte goes as it is. With --follow, a
    run that no Velora of yours follows any more is taken up again.
    """
    options = given(ctx, fleet, state, as_json)
    loaded, layout = options.load()
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    async def work() -> int:
        async with Engine(loaded, layout, read_only=options.read_only) as engine:
            say_unwritable(engine, Console())
            reader = _Reader(engine, run_id, attempt, options.as_json)
            names = reader.phases(phase)
            if follow and not engine.read_only:
                await engine.attach(reader.run_id)
            for name in names:
                await reader.print(name, follow=follow)
        return Exit.OK

    return run_session(work(), on_interrupt=lambda: None)


class _Reader:
    """Prints the logs of one attempt. Raises UnknownName, UsageError and StoreError."""

    def __init__(self, engine: Engine, run_id: str, number: int | None, as_json: bool) -> None:
        run = engine.run(run_id)
        self.run_id = run.run
        self._engine = engine
        self._console = Console()
        self._as_json = as_json
        self._number = number or len(run.attempts)
        self._titles = not as_json
        if not 1 <= self._number <= len(run.attempts):
            raise UsageError(f"run {run.run} has no attempt {self._number}", hint=f"it has {len(run.attempts)}")

    def phases(self, wanted: str | None) -> list[str]:
        """Return the phases to print: the one that is wanted, or all in order."""
        names = [phase.name for phase in self._attempt.phases]
        if wanted is None:
            return names
        if wanted not in names:
            raise UnknownName.of("phase", wanted, names)
        self._titles = False
        return [wanted]

    async def print(self, phase: str, *, follow: bool) -> None:
        """Print the log of `phase`; `follow` waits until the phase is over."""
        path = self._engine.log_path(self.run_id, self._number, phase)
        tail = self._tail(path, phase)
        titled = not self._titles
        while True:
            is_over = not follow or self._is_over(phase)
            if not titled and await asyncio.to_thread(path.exists):
                self._console.say(f"── {phase} ──")
                titled = True
            printed = await asyncio.to_thread(tail.pump, is_over)
            if is_over and not printed:
                break
            if not printed:
                await asyncio.sleep(POLL_SECONDS)
        if not self._titles and not await asyncio.to_thread(path.exists):
            state = self._attempt.phase(phase).state
            self._console.say(f"there is no log of {phase}: in attempt {self._number} this phase is {state}")

    @property
    def _attempt(self) -> Attempt:
        return self._engine.run(self.run_id).attempts[self._number - 1]

    def _is_over(self, phase: str) -> bool:
        attempt = self._attempt
        running = attempt.phase(phase).state in {PhaseState.PENDING, PhaseState.RUNNING}
        return attempt.state.is_over or not running

    def _tail(self, path: Path, phase: str) -> LogTail:
        if self._as_json:
            return LineTail(path, {"run": self.run_id, "attempt": self._number, "phase": phase})
        return LineTail(path, None) if sys.stdout.isatty() else ByteTail(path)
