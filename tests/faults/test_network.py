"""Cables that break, servers that restart, machines that reboot: the run goes on, and what is shown is true."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine.following import ended, phase_of, until
from tests.faults.cable import Cable, cable_to
from tests.faults.conftest import engine_of, fleet_of
from tests.hosts.conftest import until as happened
from tests.sshd import Sshd
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import AttemptState, ConnectionChanged, ConnectionState, LogGrew, PhaseStarted, PhaseState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Attempt, Run
from velora_tui.engine import driver, machines
from velora_tui.engine.engine import Engine
from velora_tui.engine.ledger import Subscription

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module")]

SLOW = 4  # the speed of an agent that is to be caught at work
JOBS = ("image", "trajectory", "evaluation")


@pytest_asyncio.fixture(loop_scope="module")
async def cable(sshd: Sshd) -> AsyncIterator[Cable]:
    async with cable_to(sshd.port) as cable:
        yield cable


@pytest.fixture
def fleet(demo: DemoFleet, sshd: Sshd, cable: Cable) -> Fleet:
    return fleet_of(demo, sshd, speed=SLOW, port=cable.entry)


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice a silent peer after three seconds instead of half a minute."""
    target = machines._target
    monkeypatch.setattr(machines, "_target", lambda *of: replace(target(*of), keepalive_seconds=1.0))


async def at_work(engine: Engine, subscription: Subscription, demo: DemoFleet, phase: str = "trajectory") -> Run:
    """Start a run and return it when the log of `phase` grows."""
    run = await engine.start(RunRequest(dataset=str(demo.runs[0].dataset), model="llm.gpt", instance="eval1"))
    await phase_of(subscription, run, phase)
    await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == phase)
    return run


async def connection(subscription: Subscription, state: ConnectionState, detail: str = "") -> None:
    """Wait until the connection is told to be in `state`, with a detail that begins with `detail`."""
    await until(
        subscription,
        lambda event: isinstance(event, ConnectionChanged) and event.state is state and event.detail.startswith(detail),
    )


def assert_whole(engine: Engine, sshd: Sshd, run: Run, attempt: Attempt) -> None:
    """Check that the run finished, that its agent worked once, and that every log came home to the byte."""
    assert attempt.state is AttemptState.FINISHED, attempt.failure
    assert (sshd.home / "starts").read_text().count(f"{run.run}.1/") == 1
    for phase in JOBS:
        theirs = sshd.home / ".velora/runs" / f"{run.run}.1" / phase / "log"
        assert engine.log_path(run.run, 1, phase).read_bytes() == theirs.read_bytes()


async def test_a_cut_cable_is_shown_with_its_tries_and_costs_nothing(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            await cable.cut()
            await connection(subscription, ConnectionState.RECONNECTING, "try 1 now: the connection broke")
            await connection(subscription, ConnectionState.RECONNECTING, "try 3 in 1 s: no connection to 127.0.0.1")
            row = engine.snapshot().instance("eval1")
            assert row is not None
            assert (row.connection.state, row.is_busy) == (ConnectionState.RECONNECTING, True)
            cable.mend()
            await connection(subscription, ConnectionState.CONNECTED)
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)


@pytest.mark.usefixtures("attentive")
async def test_a_silent_cable_is_noticed_and_what_ended_meanwhile_is_collected(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            cable.go_silent()
            await connection(subscription, ConnectionState.RECONNECTING)
            exit_file = sshd.home / ".velora/runs" / f"{run.run}.1" / "trajectory" / "exit"
            await happened(exit_file.exists, 60)
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)


@pytest.mark.parametrize("phase", ["upload", "image", "trajectory", "evaluation", "report", "collect"])
async def test_a_cable_cut_at_the_start_of_any_phase(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path, phase: str
) -> None:
    quick = fleet_of(demo, sshd, port=cable.entry)
    async with engine_of(quick, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await engine.start(RunRequest(dataset=str(demo.runs[0].dataset), model="llm.gpt"))
            await until(subscription, lambda event: isinstance(event, PhaseStarted) and event.phase == phase)
            await cable.cut()
            await connection(subscription, ConnectionState.RECONNECTING)
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)
        assert all(found.state is PhaseState.SUCCEEDED for found in attempt.phases)


async def test_a_job_that_ended_in_time_counts_although_it_was_heard_of_late(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cable is cut until long after the phase's time limit and what is added to it."""
    monkeypatch.setattr(driver, "_OVERTIME_SECONDS", 3.0)
    limited = fleet.defaults.model_copy(update={"timeouts": {"trajectory": 8.0}})
    async with engine_of(fleet.model_copy(update={"defaults": limited}), tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            await cable.cut()
            late = asyncio.get_running_loop().time() + 13
            await happened(lambda: asyncio.get_running_loop().time() > late, 20)
            assert engine.run(run.run).is_active
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)


async def test_an_sshd_that_restarts_in_the_middle(demo: DemoFleet, sshd: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            await asyncio.to_thread(sshd.stop)
            try:
                await connection(subscription, ConnectionState.RECONNECTING)
            finally:
                await asyncio.to_thread(sshd.start)
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)


async def test_a_reboot_loses_the_job_and_says_so(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            await cable.cut()
            kill_job(sshd.home / ".velora/runs" / f"{run.run}.1" / "trajectory")
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
            assert attempt.failure is not None
            assert (attempt.state, attempt.failure.signature) == (AttemptState.FAILED, "job-lost")
            ours = engine.log_path(run.run, 1, "trajectory").read_bytes()
            theirs = (sshd.home / ".velora/runs" / f"{run.run}.1" / "trajectory" / "log").read_bytes()
            assert ours.startswith(theirs)
            await engine.retry(run.run, "trajectory")
            (again,) = await ended(engine, subscription, [run])
        assert again.state is AttemptState.FINISHED, again.failure


def kill_job(spool: Path) -> None:
    """Kill every process of the job at once, as a reboot does; no exit file can be written."""
    leader = int((spool / "pid").read_text().split()[0])
    marker = f"VELORA_JOB={spool.resolve()}/".encode()
    victims = [leader]
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if marker in (entry / "environ").read_bytes():
                victims.append(int(entry.name))
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


async def test_a_stop_waits_for_the_connection_until_the_instance_confirms_it(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
            await cable.cut()
            await engine.stop(run.run)
            await connection(subscription, ConnectionState.RECONNECTING)
            attempt = engine.run(run.run).attempt
            assert attempt is not None
            assert (attempt.state, attempt.stopping) == (AttemptState.RUNNING, True)
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
        assert attempt.state is AttemptState.STOPPED
        assert attempt.phase("trajectory").detail == "stopped by the operator"
        assert (sshd.home / ".velora/runs" / f"{run.run}.1" / "trajectory" / "exit").exists()


async def test_taking_a_run_up_waits_for_an_instance_that_does_not_answer(
    demo: DemoFleet, sshd: Sshd, cable: Cable, fleet: Fleet, tmp_path: Path
) -> None:
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            run = await at_work(engine, subscription, demo)
    await cable.cut()
    async with engine_of(fleet, tmp_path / "state") as engine:
        with engine.observe() as subscription:
            assert [taken.run for taken in await engine.attach()] == [run.run]
            await connection(subscription, ConnectionState.RECONNECTING)
            assert engine.run(run.run).is_active
            cable.mend()
            (attempt,) = await ended(engine, subscription, [run])
        assert_whole(engine, sshd, run, attempt)
