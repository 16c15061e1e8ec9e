"""`velora repair`: show what a repair will do, ask, do it, and say how its check stands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, TrustOption, given
from velora_tui.cli.session import run_session
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.errors import ReadOnly, UsageError
from velora_tui.view.repair_text import confirmation, plan_lines, result_lines

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine


def repair(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[,NAME...] CHECK",
            help="The instances (none with --all), and the check that is to be mended, or the repair itself.",
            show_default=False,
        ),
    ],
    every: Annotated[bool, typer.Option("--all", help="All instances of the fleet.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    commands: Annotated[
        bool, typer.Option("--commands", help="Show long commands in full, too; the journal keeps them all.")
    ] = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Mend what a check found: show exactly what will be done, ask, do it, and check again.

    Exit status: 0 mended (with --dry-run: possible, or nothing to do), 1 not, 2 not asked for as it must be.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    instances, name = _asked(words, every)
    if options.read_only and not dry_run:
        raise ReadOnly("Velora was started read-only", hint="start it without --readonly, or add --dry-run")
    session = _Session(options, instances, name, commands)
    return run_session(session.work(ask=not yes, dry_run=dry_run), on_interrupt=lambda: None)


def _asked(words: Sequence[str], every: bool) -> tuple[tuple[str, ...], str]:
    """Return the instances that are named, none for all of them, and what is to be mended."""
    if every and len(words) == 1:
        return (), words[0]
    if every or len(words) != 2:
        raise UsageError(
            "instances and a check are needed", hint="as in `velora repair eval1,eval2 disk`, or `--all disk`"
        )
    names = tuple(dict.fromkeys(name for name in words[0].split(",") if name))
    if not names:
        raise UsageError("no instance is named", hint="name one, or all with --all")
    return names, words[1]


class _Session:
    """One command, from the plans to the last check."""

    def __init__(self, options: Options, instances: tuple[str, ...], name: str, commands: bool) -> None:
        self._options = options
        self._instances = instances
        self._name = name
        self._commands = commands
        self._console = Console()

    async def work(self, *, ask: bool, dry_run: bool) -> int:
        options = self._options
        loaded, layout = await asyncio.to_thread(options.load)
        from velora_tui.engine.engine import Engine

        async with Engine(
            loaded,
            layout,
            read_only=options.read_only or dry_run,
            accept_new_host_keys=options.accept_new_host_keys,
        ) as engine:
            self._console.tell(f"looking at {', '.join(self._instances) or 'all instances'} …")
            plans = await engine.plan_repair(self._instances, self._name)
            if not options.as_json or ask:
                await self._show(plans)
            if dry_run:
                self._end(plans, ())
                return Exit.PROBLEM if any(plan.refused for plan in plans) else Exit.OK
            possible = [plan for plan in plans if plan.steps]
            if ask and possible and not sys.stdin.isatty():
                raise UsageError("nobody can be asked here", hint="add --yes to go ahead; nothing was done")
            if ask and possible and not await self._confirmed(possible):
                self._console.say("nothing was done")
                return Exit.PROBLEM
            return self._end(plans, await self._carried_out(engine, plans))

    async def _show(self, plans: Sequence[RepairPlan]) -> None:
        """Print the plans: data where they are the answer, words where JSON follows."""
        for line in (line for plan in plans for line in plan_lines(plan, commands=self._commands)):
            if self._options.as_json:
                self._console.say("".join(span.text for span in line))
            else:
                await self._console.emit(line)

    async def _confirmed(self, plans: Sequence[RepairPlan]) -> bool:
        """Ask; the answer is no unless it says yes, or the number where many instances are meant."""
        question, wanted = confirmation(plans)
        sys.stderr.write(question)
        sys.stderr.flush()
        return (await _typed_line()).strip().lower() in wanted

    async def _carried_out(self, engine: Engine, plans: Sequence[RepairPlan]) -> tuple[RepairResult, ...]:
        async def one(plan: RepairPlan) -> RepairResult:
            result = await engine.repair(plan)
            if not self._options.as_json:
                for line in result_lines(result, plan):
                    await self._console.emit(line)
            return result

        return tuple(await asyncio.gather(*(one(plan) for plan in plans)))

    def _end(self, plans: Sequence[RepairPlan], results: Sequence[RepairResult]) -> int:
        if self._options.as_json:
            self._console.document({"repairs": list(_records(plans, results))})
        return Exit.OK if all(result.mended for result in results) else Exit.PROBLEM


async def _typed_line() -> str:
    """Return the next line that is typed at the terminal; unlike a thread that reads, this can be interrupted."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ready.set)  # a terminal gives whole lines
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()


def _records(plans: Sequence[RepairPlan], results: Sequence[RepairResult]) -> Iterator[dict[str, Any]]:
    for number, plan in enumerate(plans):
        record = plan.model_dump(mode="json") | {"frees_bytes": plan.frees_bytes}
        if results:
            result = results[number]
            record |= result.model_dump(mode="json") | {"mended": result.mended}
        yield record
