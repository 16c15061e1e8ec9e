"""`velora demo`: the dashboard, or every run at once, on a fleet that lives inside this command."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.dashboard import load_dashboard, require_terminal
from velora_tui.cli.follow import Follower
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, given
from velora_tui.cli.session import run_session
from velora_tui.config import load_fleet
from velora_tui.domain.events import AttemptFinished
from velora_tui.domain.failure import FailureClass
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.errors import InstanceNotReady, StoreError, UsageError
from velora_tui.store.error_log import report_bug
from velora_tui.store.layout import Layout
from velora_tui.store.locks import DriverLock
from velora_tui.view.cli_fleet import run_lines
from velora_tui.view.stream import start_refused_record

if TYPE_CHECKING:
    from velora_tui.demo.fleet import DemoFleet
    from velora_tui.engine.engine import Engine

OPENING_RUNS = 5  # so that the first screen lives


def demo(
    ctx: typer.Context,
    instances: Annotated[int, typer.Option("--instances", metavar="N", min=1, max=64, help="How many.")] = 8,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed makes the same runs.")] = 1,
    speed: Annotated[float, typer.Option("--speed", metavar="X", min=0.1, help="1 is a human pace.")] = 1.0,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: do every run, then end.")] = False,
    theme: Annotated[str | None, typer.Option("--theme", metavar="NAME", help="The dashboard's theme.")] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="No symbols beyond ASCII.")] = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Open the dashboard on an embedded fleet.

    It does real work, on this machine alone. Everything lies in a temporary folder, or in --state DIR, and ends with
    the command.

    Exit status with --headless: 0 every run finished, 3 not all did.
    """
    options = given(ctx, fleet, state, as_json)
    if options.fleet_file is not None:
        raise UsageError("the demo brings its own fleet", hint="leave out --fleet")
    if not headless:
        require_terminal(options, "`velora demo --headless` works without")
    with _folder(options.state) as root, _alone_in(root):
        if headless:
            work = _headless(root, instances, seed, speed, options)
            return run_session(work, on_interrupt=lambda: Console().say("ending the demo …"))
        return _on_screen(root, instances, seed, speed, options, theme, ascii_only)


@contextmanager
def _folder(given_folder: Path | None) -> Iterator[Path]:
    """Give the folder of the demo; one of our own is removed again."""
    if given_folder is not None:
        yield given_folder
        return
    with tempfile.TemporaryDirectory(prefix="velora-demo-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            _keep_error_log(Layout.under(Path(folder) / "state").error_log)


@contextmanager
def _alone_in(root: Path) -> Iterator[None]:
    """Hold the folder against another demo, which would move this one's servers. Raises UsageError and StoreError."""
    lock = DriverLock(root, "demo")
    if not lock.acquire():
        raise UsageError(
            f"another demo runs in {root}", hint=f"use it with `--fleet {root}/velora.toml`, or name another folder"
        )
    try:
        yield
    except OSError as error:
        # Copying a tree collects its errors; the first says enough.
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        raise StoreError(f"the demo cannot write in {root}: {first}", hint="check rights and free space") from None
    finally:
        lock.release()


def _keep_error_log(passing: Path) -> None:
    """Save the details of bugs from a folder that is about to go."""
    if passing.exists():
        kept = Options().layout(None).error_log
        report_bug(kept, passing.read_text(encoding="utf-8", errors="replace"))
        Console().say(f"the demo's error log is kept in {kept}")


def _on_screen(
    root: Path, instances: int, seed: int, speed: float, options: Options, theme: str | None, ascii_only: bool
) -> int:
    """Show the dashboard while the fleet's servers, which are processes of their own, do their work."""
    from velora_tui.demo.fleet import demo_fleet

    stack = AsyncExitStack()

    async def prepare() -> tuple[DemoFleet, Callable[..., int]]:
        """Import the screens while the servers start."""
        serving = stack.enter_async_context(demo_fleet(root, instances, seed, speed))
        fleet, show = await asyncio.gather(serving, asyncio.to_thread(load_dashboard))
        return fleet, show

    with asyncio.Runner() as runner:
        try:
            served, run_dashboard = runner.run(prepare())
            return run_dashboard(
                *_loaded(served),
                read_only=options.read_only,
                theme=theme,
                ascii_only=ascii_only,
                opening=_opening(served),
                datasets=served.datasets,
                come_back="",
            )
        finally:
            runner.run(stack.aclose())


async def _headless(root: Path, instances: int, seed: int, speed: float, options: Options) -> int:
    from velora_tui.demo.fleet import demo_fleet
    from velora_tui.engine.engine import Engine

    async with demo_fleet(root, instances, seed, speed) as served, Engine(*_loaded(served)) as engine:
        matrix = _Matrix(engine, served, Console(), as_json=options.as_json)
        return await matrix.run()


class _Matrix:
    """Every task with every model, as an operator would work through them."""

    def __init__(self, engine: Engine, served: DemoFleet, console: Console, *, as_json: bool) -> None:
        self._engine = engine
        self._served = served
        self._console = console
        self._as_json = as_json
        self._follower = Follower(engine, console, as_json=as_json)

    async def run(self) -> int:
        """Start every run, follow all to the end, and retry what the infrastructure failed."""
        with self._engine.observe() as subscription:
            await self._ask_the_refusing_instance()
            for cell in self._served.runs:
                request = RunRequest(dataset=str(cell.dataset), task=cell.instance_id, model=cell.model, wait=True)
                self._follower.add([await self._engine.start(request)])
            await self._follower.follow(subscription, self._retry_where_it_helps)
        if not self._as_json:
            snapshot = self._engine.snapshot()
            self._console.lines(("", *run_lines(snapshot.runs.values(), snapshot, self._console.width)))
        return self._follower.exit_status()

    async def _ask_the_refusing_instance(self) -> None:
        """Ask the instance that is not ready for a run, which it refuses."""
        name = self._served.refusing_instance
        if name is None:
            return
        cell = self._served.runs[0]
        request = RunRequest(dataset=str(cell.dataset), task=cell.instance_id, model=cell.model, instance=name)
        try:
            self._follower.add([await self._engine.start(request)])
        except InstanceNotReady as error:
            if self._as_json:
                await self._console.record(start_refused_record(request, error))
            else:
                await self._console.emit(f"{name} refuses a run: {error.message}")

    async def _retry_where_it_helps(self, finished: AttemptFinished) -> bool:
        failure = finished.failure
        if failure is None or failure.failure_class is not FailureClass.INFRASTRUCTURE or finished.attempt > 1:
            return False
        self._console.say(f"retrying run {finished.run} from {failure.phase or 'the start'}: {failure.message}")
        await self._engine.retry(finished.run, failure.phase, wait=True)
        return True


def _loaded(served: DemoFleet) -> tuple[Fleet, Layout]:
    fleet = load_fleet(served.fleet_file)
    return fleet, Layout.under(served.state, fleet.fleet.results)


def _opening(served: DemoFleet) -> list[RunRequest]:
    """Return the runs that the demo begins with: different tasks, and models that differ."""
    tasks = len(served.datasets)
    cells = [served.runs[(number * (tasks + 1)) % len(served.runs)] for number in range(OPENING_RUNS)]
    return [RunRequest(dataset=str(cell.dataset), task=cell.instance_id, model=cell.model, wait=True) for cell in cells]
