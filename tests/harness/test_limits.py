"""Time limits of the script's phases, kept on the instance, and what is left there when a run is ended."""

from __future__ import annotations

import asyncio
import time

import psutil
import pytest

from tests.engine.following import ended, phase_of
from tests.harness.bench import Bench, Shown, joined_logs
from tests.harness.test_runs import fake_docker, kill_in_phase
from velora_tui.domain.events import AttemptState, PhaseState
from velora_tui.domain.failure import FailureClass
from velora_tui.domain.report import Outcome

LIMITS = {"image": 60.0, "trajectory": 2.0, "evaluation": 60.0, "report": 60.0}


async def test_a_hung_agent_is_ended_and_the_phase_and_its_limit_are_named(bench: Bench) -> None:
    calls = fake_docker(bench)
    bench.open_gate("image")
    shown = await bench.run("resolved", env={"STANDIN_GATES": str(bench.gates)}, timeouts=LIMITS)
    assert_over_limit(shown, bench)
    assert shown.attempt.phase("trajectory").seconds < 30
    assert [call for call in calls.read_text().splitlines() if call.startswith("rm")] == ["rm -f young"]


async def test_an_agent_that_ignores_sigterm_is_ended_too(bench: Bench) -> None:
    bench.open_gate("image")
    case = "resolved stubborn dressed"
    shown = await bench.run(case, env={"STANDIN_GATES": str(bench.gates)}, timeouts=LIMITS)
    assert_over_limit(shown, bench)


async def test_the_limit_holds_while_nobody_watches(bench: Bench) -> None:
    bench.open_gate("image")
    changes = {"env": {"STANDIN_GATES": str(bench.gates)}, "timeouts": LIMITS}
    await kill_in_phase(bench, bench.fleet("resolved", "february", **changes).model_dump_json(), "trajectory")
    deadline = time.monotonic() + 30
    while lives(bench.starts()[0][0]):
        assert time.monotonic() < deadline, "the limit does not hold"
        await asyncio.sleep(0.1)
    async with bench.engine("resolved", "february", timeouts={**LIMITS, "trajectory": 2.0}) as engine:
        with engine.observe() as subscription:
            (run,) = await engine.attach()
            (attempt,) = await ended(engine, subscription, [run])
        assert_over_limit(Shown(engine, engine.run(run.run), attempt), bench)


async def test_a_slow_script_without_banners_has_the_time_of_all_phases(bench: Bench) -> None:
    limits = {"image": 1.0, "trajectory": 1.0, "evaluation": 1.0, "report": 60.0}
    async with bench.engine("resolved no-banners", env={"STANDIN_GATES": str(bench.gates)}, timeouts=limits) as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            await phase_of(subscription, run, "image")
            await asyncio.sleep(3)  # longer than any phase that it might be taken for
            bench.open_gate("all")
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.outcome is Outcome.RESOLVED, attempt.failure


async def test_a_script_without_banners_is_ended_at_last(bench: Bench) -> None:
    limits = dict.fromkeys(LIMITS, 0.5)
    shown = await bench.run("resolved no-banners", env={"STANDIN_GATES": str(bench.gates)}, timeouts=limits)
    assert shown.failure.signature == "time-limit"
    assert shown.failure.message == "the script did not end within 2 s"


@pytest.mark.parametrize("case", ["resolved", "resolved stubborn"])
async def test_stop_removes_containers_even_of_a_script_that_must_be_killed(bench: Bench, case: str) -> None:
    calls = fake_docker(bench)
    bench.open_gate("image")
    async with bench.engine(case, env={"STANDIN_GATES": str(bench.gates)}) as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            await phase_of(subscription, run, "trajectory")
            await engine.stop(run.run)
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.state is AttemptState.STOPPED
    assert not lives(bench.starts()[0][0])
    assert [call for call in calls.read_text().splitlines() if call.startswith("rm")] == ["rm -f young"]


def assert_over_limit(shown: Shown, bench: Bench) -> None:
    assert (shown.failure.signature, shown.failure.failure_class) == ("time-limit", FailureClass.AGENT)
    assert shown.failure.message == "trajectory did not end within 2 s"
    assert shown.attempt.phase("trajectory").state is PhaseState.FAILED
    assert bench.job_log(shown).startswith(joined_logs(shown))
    assert not lives(bench.starts()[0][0])


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
