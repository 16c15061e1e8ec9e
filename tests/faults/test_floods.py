"""Logs that flood, from several machines at once: every byte once on the disk, little memory, and nobody waits."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from shlex import quote

import psutil
import pytest
from textual.app import App, ComposeResult

from tests.benchmarks.lag import Lag, idle_beside, measured_lag, tuned_as_the_dashboard
from tests.engine.following import ended, until
from tests.faults import flooding_agent
from tests.faults.conftest import PATH, engine_of, fleet_of
from tests.faults.flooding_agent import CLOCK_LINES, KINDS
from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.demo.fleet import AGENT_FOLDER, DemoFleet
from velora_tui.domain.events import AttemptState, RunCreated
from velora_tui.domain.fleet import Agent, Fleet
from velora_tui.domain.report import Outcome
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.engine.engine import Engine
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout
from velora_tui.ui.widgets.log_view import LogView

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module")]

FLOODS = tuple(kind for kind in KINDS if kind != "clock")
# The floods are 80 MB in all; a buffer that kept one whole would show.
MEMORY_BYTES = 40_000_000
# A loop may compute 50 ms without a break; a busy machine with two hyperthreads takes twice as long for it.
BLOCKED_SECONDS = 0.05
SLOW_MACHINE = 2
OPENED_SECONDS = 0.5
FOREIGN_EVENTS = 12_000


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sshd]]:
    """A server for each kind of log."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("floods")
    servers = {kind: make_sshd(folder / kind) for kind in KINDS}
    for server in servers.values():
        shutil.copytree(AGENT_FOLDER, server.home / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    yield servers
    for server in servers.values():
        server.stop()
    shutil.rmtree(folder)


def flooded(demo: DemoFleet, machines: dict[str, Sshd]) -> Fleet:
    """Return a fleet of one instance for each kind, named after it, whose agent prints before it works."""
    flood = quote(flooding_agent.__file__)
    command = f'python3 -I {flood} "$FLOOD"; exec python3 -I -S ~/agent/scripted_agent.py --speed 60 --seed 1'
    fleets = {kind: fleet_of(demo, server) for kind, server in machines.items()}
    instances = tuple(
        fleet.instances[0].model_copy(update={"name": kind, "env": {"PATH": PATH, "FLOOD": kind}})
        for kind, fleet in fleets.items()
    )
    agents = {"scripted": Agent(command=command)}
    return fleets["clock"].model_copy(update={"instances": instances, "agents": agents})


class Watch:
    """What was measured while the floods came: memory gained at most, and how late each line of the clock was."""

    def __init__(self) -> None:
        self.gained_bytes = 0
        self.late: list[float] = []
        self._process = psutil.Process()
        self._before = 0
        self._rest = b""

    async def keep(self, log: Path) -> None:
        """Measure until cancelled; what was loaded before the log was there is no memory of the floods."""
        place = 0
        while True:
            if log.exists():
                memory = self._process.memory_info().rss
                self._before = self._before or memory
                self.gained_bytes = max(self.gained_bytes, memory - self._before)
                with log.open("rb") as file:
                    file.seek(place)
                    self._read(file.read())
                    place = file.tell()
            await asyncio.sleep(0.01)

    def _read(self, data: bytes) -> None:
        now = time.time_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.late += [(now - int(line.split()[0])) / 1e9 for line in lines if line.endswith(b" now")]


@asynccontextmanager
async def watching(log: Path) -> AsyncIterator[Watch]:
    watch = Watch()
    keeping = asyncio.create_task(watch.keep(log))
    try:
        yield watch
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


async def start(engine: Engine, demo: DemoFleet) -> dict[str, Run]:
    """Start a run on each instance."""
    data = str(demo.runs[0].dataset)
    return {
        kind: await engine.start(RunRequest(dataset=data, model="llm.gpt", instance=kind, run_number=number))
        for number, kind in enumerate(KINDS, start=1)
    }


def assert_not_blocked(lag: Lag, idle: Lag) -> None:
    """Check the loop's own computing strictly, and its lateness against an idle process on the same machine."""
    told = f"ours: {lag}; idle: {idle}"
    assert lag.busy_at(1) < BLOCKED_SECONDS * SLOW_MACHINE, told
    assert lag.late_at(0.99) < max(BLOCKED_SECONDS * 4, 3 * idle.late_at(0.99)), told  # others may have the cores


async def test_floods_of_every_kind_at_once_disturb_nothing(
    demo: DemoFleet, machines: dict[str, Sshd], tmp_path: Path
) -> None:
    async with engine_of(flooded(demo, machines), tmp_path / "state") as engine:
        with engine.observe() as subscription, tuned_as_the_dashboard():
            async with idle_beside() as idle, measured_lag() as lag:
                runs = await start(engine, demo)
                logs = {kind: engine.log_path(run.run, 1, "trajectory") for kind, run in runs.items()}
                async with watching(logs["clock"]) as watch:
                    attempts = await ended(engine, subscription, list(runs.values()))
        print(f"\nloop: {lag}; idle: {idle}; memory {watch.gained_bytes / 1e6:.0f} MB")
    assert {(attempt.state, attempt.outcome) for attempt in attempts} == {(AttemptState.FINISHED, Outcome.UNRESOLVED)}
    for kind, run in runs.items():
        theirs = machines[kind].home / ".velora/runs" / f"{run.run}.1" / "trajectory" / "log"
        assert logs[kind].read_bytes() == theirs.read_bytes(), kind
    for kind in FLOODS:
        assert logs[kind].read_bytes().startswith(b"".join(KINDS[kind]())), kind
    assert len(watch.late) == CLOCK_LINES
    assert sorted(watch.late)[int(CLOCK_LINES * 0.95)] < 1
    assert watch.gained_bytes < MEMORY_BYTES
    assert_not_blocked(lag, idle)
    shutil.rmtree(tmp_path / "state")


class Shown(App[None]):
    def __init__(self, view: LogView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


async def test_thousands_of_events_of_another_process_hold_up_nobody(tmp_path: Path) -> None:
    """As where somebody imports a batch of finished runs while the dashboard is open."""
    layout = Layout.under(tmp_path)
    events = [created(number) for number in range(FOREIGN_EVENTS)]

    async def write() -> None:
        async with Journal(layout.journal) as journal:
            await journal.append_all(events)

    async with Engine(Fleet(), layout) as engine:
        with engine.observe() as subscription, tuned_as_the_dashboard():
            async with idle_beside() as idle, measured_lag() as lag:
                await asyncio.to_thread(asyncio.run, write())
                await until(subscription, lambda event: isinstance(event, RunCreated) and event.run == events[-1].run)
        assert len(engine.snapshot().runs) == FOREIGN_EVENTS
    assert_not_blocked(lag, idle)


def created(number: int) -> RunCreated:
    return RunCreated(
        run=f"RUN{number:05}",
        task="shop-1",
        repo="acme/shop",
        model="llm.gpt",
        run_number=number + 1,
        recipe="native",
        max_iterations=100,
        dataset="shop",
        by="somebody",
    )


@pytest.mark.parametrize("kind", FLOODS)
async def test_the_log_screen_opens_a_flood_at_once(tmp_path: Path, kind: str) -> None:
    """At its end and at its beginning, wrapped or not, and it goes on following."""
    path = tmp_path / f"{kind}.log"
    with path.open("wb") as file:
        file.writelines(KINDS[kind]())
        file.write(b"\nthe last line")
    view = LogView()
    with tuned_as_the_dashboard():
        async with Shown(view).run_test(size=(100, 30)) as pilot, idle_beside() as idle, measured_lag() as lag:
            began = time.perf_counter()
            view.open(path)
            async with asyncio.timeout(10):
                while not shows(view, "the last line"):
                    await pilot.pause(0.005)
            opened = time.perf_counter() - began
            for key in ("g", "w", "pagedown", "G", "w", "l", "h", "g", "G"):
                await pilot.press(key)
            with path.open("ab") as file:
                file.write(b"\nand one more\n")
            view.notify_grown()
            async with asyncio.timeout(10):
                while not shows(view, "and one more"):
                    await pilot.pause(0.005)
    assert view.status.size_bytes == path.stat().st_size
    assert opened < OPENED_SECONDS * SLOW_MACHINE
    assert_not_blocked(lag, idle)
    path.unlink()


def shows(view: LogView, words: str) -> bool:
    """Tell whether `words` are on the screen."""
    return any(words in view.render_line(row).text for row in range(view.size.height))
