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
from velora_tui.view.text import age, clean_text

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine
    from velora_tui.engine.foreign import Watched
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

    Exit status: 0 the run is over, 1 there is none to watch or the instance does not answer, 2 no such instance.
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
                    await engine.follow_foreign(name, printer.note)
                finally:
                    printing.cancel()
                    await asyncio.wait({printing})
                await printer.print_rest()
                printer.say_end(options.again)
        return Exit.OK

    return run_session(work(), on_interrupt=lambda: None)


class _Printer:
    """Prints each log as far as it has come home."""

    def __init__(self, engine: Engine, *, as_json: bool) -> None:
        self._engine = engine
        self._as_json = as_json
        self._console = Console()
        self._tails: dict[str, LogTail] = {}
        self._watched: Watched | None = None

    def note(self, watched: Watched) -> None:
        """Say whose run it is as soon as that is known; how it ended is kept for the last line."""
        if self._watched is None:
            self._console.say(watched_words(watched))
        self._watched = watched

    def say_end(self, again: str) -> None:
        """Say how it ended, once all logs are printed."""
        if self._watched is not None:
            self._console.say(end_words(self._watched, again))

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


def watched_words(watched: Watched) -> str:
    """Return whose run is watched, and since when it has the instance."""
    owner, since = watched.owner, f"{watched.since.astimezone():%Y-%m-%d %H:%M}"
    words = f"{watched.instance}: run {owner.run_id}, attempt {owner.attempt}, of {owner.operator} since {since}"
    return clean_text(words)


def end_words(watched: Watched, again: str) -> str:
    """Return how a watched run ended; `again` is what leads another command to the same fleet."""
    run = f"{watched.instance}: run {watched.owner.run_id}, attempt {watched.owner.attempt}"
    match watched.end:
        case "given-back":
            end = "is over, and the instance was given back"
        case "taken":
            end = "is over, and somebody else has the instance now"
        case _:
            end = f"goes on no more: {_left_words(watched, again)}"
    return clean_text(f"{run}, {end}{_job_words(watched)}")


def _left_words(watched: Watched, again: str) -> str:
    seen = f", last seen {age(watched.silent_seconds)} ago" if watched.silent_seconds is not None else ""
    return (
        f"{watched.owner.operator} left its lease (that Velora is gone{seen}). The next run that is started there takes"
        f" over, or free the instance with `velora repair {watched.instance} remove-lease{again}`"
    )


def _job_words(watched: Watched) -> str:
    if not watched.phase:
        return "; no job of it was started"
    if watched.exit_status is None:
        return f"; its last job, {watched.phase}, was lost: it left no exit status"
    return f"; its last job, {watched.phase}, ended with status {watched.exit_status}"
