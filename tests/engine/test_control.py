"""Refusing, stopping, retrying, letting go and coming back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.engine.conftest import MakeEngine
from tests.engine.following import ended, phase_of, until
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import AttemptAttached, AttemptState, LogGrew, PhaseProgressed, PhaseState
from velora_tui.domain.fleet import Agent, Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.errors import DatasetError, InstanceBusy, InstanceNotReady, ReadOnly, Refused, UnknownName
from velora_tui.hosts.lease import read_lease
from velora_tui.store.layout import Layout

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def request_(demo: DemoFleet) -> RunRequest:
    """A run on an image whose download works the first time."""
    cell = demo.runs[0]
    return RunRequest(dataset=str(cell.dataset), model=cell.model, instance="eval1")


@pytest.fixture
def patient(fleet: Fleet) -> Fleet:
    """The fleet with an agent that works at a human pace."""
    command = fleet.agents["scripted"].command.replace("--speed 20", "--speed 1")
    return fleet.model_copy(update={"agents": {"scripted": Agent(command=command)}})


async def test_an_instance_that_is_not_ready_refuses_with_the_reason(
    demo: DemoFleet, request_: RunRequest, make_engine: MakeEngine
) -> None:
    async with make_engine() as engine:
        with pytest.raises(InstanceNotReady, match=r"eval4: disk: \d+ % used, limit \d+ %"):
            await engine.start(request_.model_copy(update={"instance": demo.refusing_instance}))
        assert not engine.snapshot().runs
        (readiness,) = await engine.check(["eval4"])
        assert not readiness.ready


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"instance": "evil9"}, UnknownName),
        ({"model": "llm.none"}, UnknownName),
        ({"recipe": "nativ"}, UnknownName),
        ({"task": "none"}, UnknownName),
        ({"dataset": "/nonexistent.json"}, DatasetError),
    ],
)
async def test_wrong_names_are_refused_before_anything_happens(
    request_: RunRequest, make_engine: MakeEngine, changes: dict[str, str], error: type[Exception]
) -> None:
    async with make_engine() as engine:
        with pytest.raises(error):
            await engine.start(request_.model_copy(update=changes))
        assert not engine.snapshot().runs


async def test_a_busy_instance_refuses_and_a_stopped_run_frees_it(
    demo: DemoFleet, request_: RunRequest, patient: Fleet, make_engine: MakeEngine
) -> None:
    async with make_engine(patient) as engine:
        with engine.observe() as subscription:
            run = await engine.start(request_)
            await phase_of(subscription, run, "trajectory")
            await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
            with pytest.raises(InstanceBusy, match=run.run):
                await engine.start(request_.model_copy(update={"run_number": 2}))
            with pytest.raises(Refused, match="is active"):
                await engine.start(request_)
            queued = await engine.start(request_.model_copy(update={"run_number": 2, "wait": True}))
            assert engine.snapshot().queue == (queued.run,)
            await engine.stop(queued.run)
            await engine.stop(run.run)
            (stopped, never) = await ended(engine, subscription, [run, queued])
            assert (stopped.state, never.state) == (AttemptState.STOPPED, AttemptState.STOPPED)
            assert stopped.phase("trajectory").state is PhaseState.STOPPED
            assert never.started_at is None
            host = await engine._machines.host("eval1")
            processes = await host.run(f"grep -lz '^VELORA_JOB=.*{run.run}' /proc/[0-9]*/environ 2>/dev/null | wc -l")
            assert processes.text.strip() == "0"
            with pytest.raises(Refused, match="is not running"):
                await engine.stop(run.run)


async def test_a_retry_from_a_phase_keeps_the_earlier_ones(request_: RunRequest, make_engine: MakeEngine) -> None:
    async with make_engine() as engine:
        with engine.observe() as subscription:
            run = await engine.start(request_)
            (first,) = await ended(engine, subscription, [run])
            assert first.state is AttemptState.FINISHED, first.failure
            with pytest.raises(UnknownName):
                await engine.retry(run.run, "evaluatoin")
            await engine.retry(run.run, "evaluation")
            (again,) = await ended(engine, subscription, [run])
            assert (again.number, again.state, again.outcome) == (2, AttemptState.FINISHED, first.outcome)
            states = {phase.name: phase.state for phase in again.phases}
            assert states["trajectory"] is PhaseState.SKIPPED
            assert states["evaluation"] is PhaseState.SUCCEEDED
            trees = [engine.layout.attempt_results(run, number) for number in (1, 2)]
            assert all((tree / "output.jsonl").is_file() for tree in trees), "the first attempt's results stay"


async def test_a_run_goes_on_while_no_operator_is_there(
    demo: DemoFleet, request_: RunRequest, patient: Fleet, make_engine: MakeEngine
) -> None:
    async with make_engine(patient) as engine:
        with engine.observe() as subscription:
            run = await engine.start(request_.model_copy(update={"instance": "eval2"}))
            await phase_of(subscription, run, "trajectory")
            await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
    job = await ended_job(demo, run.run)
    await asyncio.sleep(2)
    async with make_engine(patient) as engine:
        attempt = engine.run(run.run).attempt
        assert attempt is not None
        assert (attempt.state, attempt.detached) == (AttemptState.RUNNING, True)
        with engine.observe() as subscription:
            assert [taken.run for taken in await engine.attach()] == [run.run]
            await until(subscription, lambda event: isinstance(event, AttemptAttached))
            (attempt,) = await ended(engine, subscription, [run])
        assert attempt.state is AttemptState.FINISHED, attempt.failure
        ours = engine.log_path(run.run, 1, "trajectory").read_bytes()
        assert ours == (job / "log").read_bytes()
        job_seconds = (job / "exit").stat().st_mtime - (job / "started").stat().st_mtime
        assert attempt.phase("trajectory").seconds == pytest.approx(job_seconds, abs=0.01), "the time away counts not"
        assert await read_lease(await engine._machines.host("eval2")) is None


async def ended_job(demo: DemoFleet, run: str) -> Path:
    """Wait until the trajectory's job is over, and return its spool."""
    (spool,) = demo.fleet_file.parent.glob(f"**/runs/{run}.1/trajectory")
    async with asyncio.timeout(60):
        while not (spool / "exit").exists():  # noqa: ASYNC110 - a file of another process tells nobody
            await asyncio.sleep(0.05)
    return spool


async def test_another_engine_watches_and_its_stop_is_carried_out(
    request_: RunRequest, patient: Fleet, make_engine: MakeEngine
) -> None:
    async with make_engine(patient) as driving, make_engine(patient) as watching:
        with watching.observe() as subscription:
            run = await driving.start(request_.model_copy(update={"instance": "eval3"}))
            await phase_of(subscription, run, "image")
            assert await watching.attach() == ()
            with pytest.raises(Refused):
                await watching.retry(run.run)
            await watching.stop(run.run)
            (attempt,) = await ended(watching, subscription, [run])
        assert attempt.state is AttemptState.STOPPED


async def test_how_far_a_run_is_that_another_engine_drives_is_seen(
    request_: RunRequest, patient: Fleet, make_engine: MakeEngine
) -> None:
    async with make_engine(patient) as driving, make_engine(patient) as watching:
        with watching.observe() as subscription:
            run = await driving.start(request_.model_copy(update={"instance": "eval6"}))
            step = await until(
                subscription, lambda event: isinstance(event, PhaseProgressed) and event.phase == "trajectory"
            )
            log = driving.log_path(run.run, 1, "trajectory")
            grown = await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
            assert watching.snapshot().progress[run.run].unit == "steps"
            assert isinstance(step, PhaseProgressed)
            assert isinstance(grown, LogGrew)
            assert (step.run, grown.run) == (run.run, run.run)
            assert grown.at.timestamp() < log.stat().st_mtime + 0.001, "it says when it grew, not when that was seen"
            await driving.stop(run.run)
            await ended(watching, subscription, [run])
        assert run.run not in watching.snapshot().progress
    assert not driving.layout.progress(run.run).exists()


async def test_a_phase_that_takes_too_long_is_ended(
    request_: RunRequest, patient: Fleet, make_engine: MakeEngine
) -> None:
    defaults = patient.defaults.model_copy(update={"timeouts": {"trajectory": 2.0}})
    async with make_engine(patient.model_copy(update={"defaults": defaults})) as engine:
        with engine.observe() as subscription:
            run = await engine.start(request_.model_copy(update={"instance": "eval5"}))
            (attempt,) = await ended(engine, subscription, [run])
            assert attempt.failure is not None
            assert (attempt.state, attempt.failure.signature) == (AttemptState.FAILED, "time-limit")


async def test_read_only_touches_nothing(fleet: Fleet, tmp_path: Path, request_: RunRequest) -> None:
    async with Engine(fleet, Layout.under(tmp_path / "state"), read_only=True) as engine:
        with pytest.raises(ReadOnly):
            await engine.start(request_)
        assert await engine.attach() == ()
