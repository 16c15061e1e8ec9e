"""Several operators and one instance: one runs, the others see who, may look on, and take over what is dead."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine.following import collected, ended, phase_of, until
from tests.faults.conftest import engine_of, fleet_of, make_operator
from tests.hosts.conftest import until as until_true
from tests.sshd import Sshd
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    AttemptState,
    CommandRan,
    LogGrew,
    Notice,
)
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.engine.engine import Engine
from velora_tui.errors import InstanceBusy, InstanceNotReady, Refused, Unreachable
from velora_tui.hosts import lease
from velora_tui.hosts.lease import LeaseOwner, operator
from velora_tui.hosts.local import LocalHost
from velora_tui.store.journal import Journal

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module")]

SLOW = 6
RACES = 200
INSTANCES = 10


@pytest.fixture
def fleet(demo: DemoFleet, sshd: Sshd) -> Fleet:
    return fleet_of(demo, sshd, speed=SLOW)


@pytest.fixture
def held(sshd: Sshd) -> Iterator[Path]:
    """A file in whose presence no agent ends."""
    held = sshd.home / "held"
    held.touch()
    yield held
    held.unlink(missing_ok=True)


@pytest_asyncio.fixture(loop_scope="module")
async def other(demo: DemoFleet, held: Path, fleet: Fleet, tmp_path: Path) -> AsyncIterator[tuple[Engine, Run]]:
    """Another operator, whose run is at work on the instance until it is no longer held."""
    async with engine_of(fleet, tmp_path / "other") as engine:
        with engine.observe() as subscription:
            run = await engine.start(request_for(demo))
            await phase_of(subscription, run, "trajectory")
            await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
            yield engine, run
            if engine.run(run.run).is_active:
                await engine.stop(run.run)
                await ended(engine, subscription, [run])


def request_for(demo: DemoFleet, **changes: object) -> RunRequest:
    fields = {"dataset": str(demo.runs[0].dataset), "model": "llm.gpt", "instance": "eval1", **changes}
    return RunRequest.model_validate(fields)


async def test_a_second_operator_is_refused_by_name_before_anything_is_journalled(
    demo: DemoFleet, fleet: Fleet, other: tuple[Engine, Run], tmp_path: Path
) -> None:
    _, theirs = other
    async with engine_of(fleet, tmp_path / "mine") as engine:
        for force in (False, True):
            with pytest.raises(InstanceBusy, match=f"running since .*, started by {operator()}: run {theirs.run}"):
                await engine.start(request_for(demo, force=force))
        assert not engine.snapshot().runs
        row = engine.snapshot().instance("eval1")
        assert row is not None
        assert row.foreign is not None
        assert (row.foreign.run, row.foreign.attempt, row.foreign.operator) == (theirs.run, 1, operator())
        assert row.readiness is not None
        assert not row.readiness.ready


async def test_their_own_operator_still_sees_a_ready_instance(fleet: Fleet, other: tuple[Engine, Run]) -> None:
    engine, run = other
    (readiness,) = await engine.check(["eval1"])
    assert readiness.ready, readiness.reason
    assert readiness.holder is not None
    assert (readiness.holder.ours, readiness.holder.run) == (True, run.run)


async def test_a_foreign_run_is_followed_without_touching_it(
    sshd: Sshd, held: Path, fleet: Fleet, other: tuple[Engine, Run], tmp_path: Path
) -> None:
    theirs, run = other
    async with engine_of(fleet, tmp_path / "mine") as engine:
        with theirs.observe() as subscription:
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                group.create_task(engine.follow_foreign("eval1"))
                await until_true(engine.layout.log(run.run, 1, "trajectory").exists)
                held.unlink()
            (attempt,) = await ended(theirs, subscription, [run])
        assert attempt.state is AttemptState.FINISHED, attempt.failure
        for phase in ("image", "trajectory", "evaluation"):
            spool = sshd.home / ".velora/runs" / f"{run.run}.1" / phase
            assert engine.layout.log(run.run, 1, phase).read_bytes() == (spool / "log").read_bytes()
        with pytest.raises(Refused, match="nobody's run has eval1"):
            await engine.follow_foreign("eval1")


async def test_the_command_line_shows_refuses_and_watches(
    demo: DemoFleet, sshd: Sshd, held: Path, other: tuple[Engine, Run], tmp_path: Path
) -> None:
    _, theirs = other
    mine = make_operator(tmp_path / "mine", demo, sshd)
    watching = mine.start("watch", "eval1")
    refused = mine.start("run", "--dataset", str(demo.runs[0].dataset), "--model", "llm.gpt", "--instance", "eval1")
    assert await asyncio.to_thread(refused.wait, 60) == 3
    assert f"started by {operator()}: run {theirs.run}" in refused.err
    status = mine.start("status")
    assert await asyncio.to_thread(status.wait, 60) == 0
    assert "in use" in status.out
    assert "busy: running since" in status.out
    held.unlink()
    assert await asyncio.to_thread(watching.wait, 60) == 0, watching.err
    assert (sshd.home / ".velora/runs" / f"{theirs.run}.1" / "trajectory" / "log").read_text() in watching.out


async def test_whoever_waits_gets_the_instance_when_it_is_free(
    demo: DemoFleet,
    held: Path,
    fleet: Fleet,
    other: tuple[Engine, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("velora_tui.engine.worker._BACK_OFF_SECONDS", 0.2)
    monkeypatch.setattr("velora_tui.engine.machines.FRESH", timedelta(0))
    theirs, _ = other
    async with engine_of(fleet, tmp_path / "mine") as engine:
        with engine.observe() as subscription, theirs.observe() as their_events:
            run = await engine.start(request_for(demo, wait=True))
            held.unlink()
            await until(their_events, lambda event: isinstance(event, AttemptFinished))
            (attempt,) = await ended(engine, subscription, [run])
        assert attempt.state is AttemptState.FINISHED, attempt.failure


def dead_pid() -> int:
    """Return the number of a process that has just ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


async def test_a_dead_operators_lease_is_taken_over(demo: DemoFleet, fleet: Fleet, sshd: Sshd, tmp_path: Path) -> None:
    owner = LeaseOwner.here("somebodys", 1, "~/.velora/runs/somebodys.1").model_copy(update={"pid": dead_pid()})
    await lease.acquire(LocalHost("eval1", sshd.home), owner)
    async with engine_of(fleet_of(demo, sshd), tmp_path / "mine") as engine:
        with engine.observe() as subscription:
            (seen,) = await engine.check()
            assert seen.holder is not None
            assert (seen.holder.stale, seen.holder.is_foreign, seen.holder.run) == (True, False, "somebodys")
            assert "the Velora that took it is gone" in seen.holder.reason
            run = await engine.start(request_for(demo))
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.state is AttemptState.FINISHED, attempt.failure
    assert not (sshd.home / ".velora" / "lease").exists()
    async with Journal(tmp_path / "mine" / "journal.db") as journal:
        commands = [event for event in await journal.events() if isinstance(event, CommandRan)]
    removal, *jobs = commands
    assert [(job.run, job.purpose.split(" in ")[0]) for job in jobs] == [(run.run, "start the job")] * 3
    assert all("velora" in job.command for job in jobs), "the exact script"
    assert removal.instance == "eval1"
    assert removal.purpose.startswith(f"take over the dead lease of {operator()}, since ")
    assert removal.purpose.endswith(
        "for run somebodys, attempt 1: no job of it runs, and the Velora that took it is gone"
    )
    assert run.run in removal.command


async def test_a_lease_that_could_not_be_given_back_is_no_obstacle(
    demo: DemoFleet, fleet: Fleet, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(host: object, token: str) -> bool:
        raise Unreachable("the network is down")

    async with engine_of(fleet_of(demo, sshd), tmp_path / "mine") as engine:
        with engine.observe() as subscription:
            with monkeypatch.context() as patch:
                patch.setattr(lease, "release", unreachable)
                run = await engine.start(request_for(demo))
                await ended(engine, subscription, [run])
            assert (sshd.home / ".velora" / "lease").exists()
            again = await engine.retry(run.run)
            (attempt,) = await ended(engine, subscription, [again])
    assert attempt.state is AttemptState.FINISHED, attempt.failure


@contextmanager
def started_by_hand() -> Iterator[None]:
    """Somebody's `run_infer` on the machine, as the harness starts it."""
    command = 'exec -a "python evaluation/benchmarks/multi_swe_bench/run_infer.py" sleep 600'
    environment = {name: value for name, value in os.environ.items() if name != "VELORA_JOB"}
    with subprocess.Popen(["bash", "-c", command], env=environment) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.usefixtures("machine_alone")
async def test_a_run_that_was_started_by_hand_keeps_the_instance_busy(
    demo: DemoFleet, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "mine") as engine:
        assert (await engine.check())[0].ready
        with started_by_hand():
            with pytest.raises(InstanceNotReady, match=r"a run started by hand: process \d+ of .*run_infer\.py"):
                await engine.start(request_for(demo))
            assert not engine.snapshot().runs
        assert (await engine.check())[0].ready


@pytest.mark.timeout(300)
async def test_of_two_hundred_raced_starts_never_two_win_at_once(demo: DemoFleet, fleet: Fleet, tmp_path: Path) -> None:
    """Two operators start at the same time on one instance, 200 times; their runs fail after the upload: no Docker."""
    chance = random.Random(5)
    raced = local_fleet(fleet, tmp_path / "homes")
    record = json.loads(demo.runs[0].dataset.read_text())
    dataset = tmp_path / "dataset.json"
    dataset.write_text(json.dumps({**record, "image_storage_uri": "docker://registry.example/none:1"}))
    heard: list[AnyEvent | Notice] = []
    async with engine_of(raced, tmp_path / "a") as first, engine_of(raced, tmp_path / "b") as second:
        listening = [asyncio.create_task(collected(engine.events(), heard)) for engine in (first, second)]
        for race in range(RACES // INSTANCES):
            requests = [
                request_for(demo, dataset=str(dataset), instance=name, run_number=race * INSTANCES + number + 1)
                for number, name in enumerate(instance.name for instance in raced.instances)
            ]
            starts = [start(engine, request, chance) for request in requests for engine in (first, second)]
            await asyncio.gather(*starts)
        for listener in listening:
            listener.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    assert_never_two(heard)


async def start(engine: Engine, request: RunRequest, chance: random.Random) -> None:
    """Start and await the end, or be refused."""
    await asyncio.sleep(chance.uniform(0, 0.02))
    with engine.observe() as subscription:
        try:
            run = await engine.start(request)
        except InstanceBusy:
            return
        await ended(engine, subscription, [run])


def local_fleet(fleet: Fleet, homes: Path) -> Fleet:
    """Return a fleet of this machine many times over."""
    instances = []
    for number in range(INSTANCES):
        (homes / str(number)).mkdir(parents=True)
        instances.append(Instance(name=f"here{number}", host="local", home=homes / str(number), max_disk_percent=100))
    return fleet.model_copy(update={"instances": tuple(instances)})


def assert_never_two(heard: list[AnyEvent | Notice]) -> None:
    """Check that no two attempts that had started were on an instance at once, and that there were enough of both."""
    places: dict[str, str] = {}
    spans: dict[str, list[tuple[float, float]]] = {}
    began: dict[str, float] = {}
    refused = 0
    for event in heard:
        if isinstance(event, AttemptStarted):
            places[event.run], began[event.run] = event.instance, event.at.timestamp()
        elif isinstance(event, AttemptFinished) and event.run in began:
            spans.setdefault(places[event.run], []).append((began[event.run], event.at.timestamp()))
        elif isinstance(event, AttemptFinished):
            assert event.failure is not None
            assert event.failure.signature == "instance-busy", event.failure
            refused += 1
    assert sum(map(len, spans.values())) >= RACES, "each race has at least one winner"
    print(f"\n{RACES} races: {sum(map(len, spans.values()))} started, {refused} lost the race for the lease")
    for found in spans.values():
        found.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(found))
