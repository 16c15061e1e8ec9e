"""`velora watch`: the run that somebody else has on an instance, as it is written."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.log_tail import ByteTail, LineTail, LogTail
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, TrustOption, given
from velora_tui.cli.session import run_session
from velora_tui.domain.events import LogGrew

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine
    from velora_tui.engine.ledger import Subscription


def watch(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="INSTANCE", help="The instance.", show_default=False)],
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Follow the run that another operator has on an instance, to its end.

    Nothing is changed there. Its logs are kept beside those of your own runs.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    loaded, layout = options.load()
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    async def work() -> int:
        engine = Engine(loaded, layout, read_only=True, accept_new_host_keys=options.accept_new_host_keys)
        async with engine:
            with engine.observe() as subscription:
                printer = _Printer(engine, as_json=options.as_json)
                printing = asyncio.create_task(printer.print_new(subscription))
                try:
                    await engine.follow_foreign(name)
                finally:
                    printing.cancel()
                    await asyncio.wait({printing})
                await printer.print_rest()
        return Exit.OK

    return run_session(work(), on_interrupt=lambda: None)


class _Printer:
    """Prints each log as far as it has come home."""

    def __init__(self, engine: Engine, *, as_json: bool) -> None:
        self._engine = engine
        self._as_json = as_json
        self._console = Console()
        self._tails: dict[str, LogTail] = {}

    async def print_new(self, subscription: Subscription) -> None:
        """Print what is new whenever a log has grown, until cancelled."""
        async for event in subscription:
            if isinstance(event, LogGrew):
                if event.phase not in self._tails:
                    await self.print_rest()
                    self._tails[event.phase] = self._tail(event)
                await self._pump(self._tails[event.phase], final=False)

    async def print_rest(self) -> None:
        """Print what is left, open last lines too."""
        for tail in self._tails.values():
            await self._pump(tail, final=True)

    async def _pump(self, tail: LogTail, *, final: bool) -> None:
        while await asyncio.to_thread(tail.pump, final):
            pass

    def _tail(self, grown: LogGrew) -> LogTail:
        path = self._engine.layout.log(grown.run, grown.attempt, grown.phase)
        if self._as_json:
            return LineTail(path, {"run": grown.run, "attempt": grown.attempt, "phase": grown.phase})
        self._console.say(f"── {grown.phase} ──")
        return LineTail(path, None) if sys.stdout.isatty() else ByteTail(path)
