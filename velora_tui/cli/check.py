"""`velora check`: ask instances whether they can take a run, and how their critical files compare."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, TrustOption, given
from velora_tui.cli.session import run_session
from velora_tui.cli.unwritable import say_unwritable
from velora_tui.domain.events import CommandRan, InstanceChecked
from velora_tui.domain.readiness import FileReport, Readiness
from velora_tui.errors import UsageError
from velora_tui.view.cli_checks import answer_lines, check_lines, file_lines

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine
    from velora_tui.engine.ledger import Subscription

_FIELDS = {"id", "status", "blocking", "detail", "repair"}


def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="The instances; without a name, all of them.")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Compare the critical files across the fleet.")] = False,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff", metavar="PATH", help="Show how one critical file, named by its path or the end of it, differs."
        ),
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Ask instances whether they can take a run.

    Exit status: 0 all are ready (or all files as they should be), 1 not all.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    if diff is not None:
        return _show_diff(options, names or [], diff)
    return _show_files(options, names or []) if files else _show_checks(options, names or [])


def _show_checks(options: Options, names: Sequence[str]) -> int:
    engine, console = _engine(options), Console()
    live = sys.stdout.isatty() and not options.as_json

    async def ask() -> tuple[Readiness, ...]:
        async with engine:
            say_unwritable(engine, console)
            known = [instance.name for instance in engine.fleet.instances]
            waiting = [name for name in dict.fromkeys(names) if name in known] or known
            with engine.observe() as subscription:
                telling = asyncio.create_task(_tell(subscription, waiting, console, options.again if live else None))
                try:
                    checked = await engine.check(names)
                    await telling
                finally:
                    telling.cancel()
                    await asyncio.wait({telling})
            return checked

    answers = run_session(ask(), on_interrupt=lambda: None)
    if options.as_json:
        console.document({"instances": [_record(readiness) for readiness in answers]})
    elif live:
        console.lines((f"{sum(readiness.ready for readiness in answers)}/{len(answers)} ready",))
    else:
        console.lines(check_lines(answers, options.again))
    return Exit.OK if all(readiness.ready for readiness in answers) else Exit.PROBLEM


def _show_files(options: Options, names: Sequence[str]) -> int:
    engine, console = _engine(options), Console()

    async def ask() -> FileReport:
        async with engine:
            return await engine.file_report(names)

    report = run_session(ask(), on_interrupt=lambda: None)
    if options.as_json:
        console.document(report.model_dump(mode="json"))
    else:
        console.lines(file_lines(report, console.width))
    copies = [copy for row in report.rows for copy in row.copies]
    return Exit.PROBLEM if any(copy.odd or copy.state == "unknown" for copy in copies) else Exit.OK


def _show_diff(options: Options, names: Sequence[str], path: str) -> int:
    if len(names) != 1:
        raise UsageError("--diff needs one instance", hint=f"as in `velora check eval1 --diff {path}`")
    engine, console = _engine(options), Console()

    async def ask() -> str:
        async with engine:
            return await engine.file_diff(names[0], path)

    text = run_session(ask(), on_interrupt=lambda: None)
    if options.as_json:
        console.document({"instance": names[0], "path": path, "diff": text})
    elif text:
        console.lines(text.splitlines())
    else:
        console.say(f"{path} on {names[0]} is the good copy")
    return Exit.PROBLEM if text else Exit.OK


def _engine(options: Options) -> Engine:
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    fleet, layout = options.load()
    if not fleet.instances:
        raise UsageError("the fleet file names no instance", hint="add [[instances]] to it")
    return Engine(fleet, layout, read_only=options.read_only, accept_new_host_keys=options.accept_new_host_keys)


async def _tell(subscription: Subscription, names: Sequence[str], console: Console, again: str | None) -> None:
    """Say what is done while instances are checked, such as trusting a key, and how far the checks have come.

    Where `again` is given, print each instance's answers as soon as they are complete.
    """
    waiting, events = list(names), aiter(subscription)
    told = 0
    while waiting:
        if told != len(waiting):
            told = len(waiting)
            console.tell(f"checking {len(names) - told}/{len(names)} … {', '.join(waiting)}")
        event = await anext(events)
        if isinstance(event, CommandRan) and event.run is None:
            console.say(f"{event.instance}: {event.purpose}")
        elif isinstance(event, InstanceChecked) and event.instance in waiting:
            waiting.remove(event.instance)
            if again is not None:
                readiness = Readiness(instance=event.instance, checks=event.checks, at=event.at, holder=event.holder)
                await asyncio.to_thread(
                    console.lines, list(answer_lines(readiness, again, get_terminal_size().columns))
                )


def _record(readiness: Readiness) -> dict[str, Any]:
    checks = [check.model_dump(mode="json", include=_FIELDS) for check in readiness.checks]
    return {"name": readiness.instance, "ready": readiness.ready, "checks": checks}
