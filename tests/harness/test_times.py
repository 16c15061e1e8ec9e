"""How long the script's phases took is told by the instance, whoever was away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.following import ended
from tests.harness.bench import Bench
from tests.harness.test_runs import kill_in_phase
from velora_tui.domain.events import AttemptState
from velora_tui.pipeline.harness.banners import PHASES
from velora_tui.pipeline.harness.phase_times import measured

AWAY_SECONDS = 5.0


async def test_the_time_away_is_no_phases_time(bench: Bench) -> None:
    fleet = bench.fleet("resolved", "january", env={"STANDIN_GATES": str(bench.gates)})
    await kill_in_phase(bench, fleet.model_dump_json(), "image")
    (spool,) = bench.home.glob(".velora/runs/*/harness")
    bench.open_gate("image")
    await when(lambda: "trajectory" in noted(spool))
    await asyncio.sleep(1.5)
    bench.open_gate("all")
    await when(lambda: (spool / "exit").exists())
    job_seconds = (spool / "exit").stat().st_mtime - (spool / "started").stat().st_mtime
    await asyncio.sleep(AWAY_SECONDS)
    async with bench.engine("resolved") as engine:
        with engine.observe() as subscription:
            (attempt,) = await ended(engine, subscription, list(await engine.attach()))
    assert attempt.state is AttemptState.FINISHED, attempt.failure
    seconds = {name: attempt.phase(name).seconds for name in PHASES}
    assert seconds["trajectory"] >= 1.4
    assert job_seconds - 1.5 <= sum(seconds.values()) <= job_seconds + 0.2, seconds


async def test_the_time_away_is_no_failed_phases_time(bench: Bench) -> None:
    env = {"STANDIN_GATES": str(bench.gates)}
    await kill_in_phase(bench, bench.fleet("docker-down", "january", env=env).model_dump_json(), "image")
    (spool,) = bench.home.glob(".velora/runs/*/harness")
    bench.open_gate("all")
    await when(lambda: (spool / "exit").exists())
    job_seconds = (spool / "exit").stat().st_mtime - (spool / "started").stat().st_mtime
    await asyncio.sleep(AWAY_SECONDS)
    async with bench.engine("docker-down") as engine:
        with engine.observe() as subscription:
            (attempt,) = await ended(engine, subscription, list(await engine.attach()))
    assert attempt.state is AttemptState.FAILED
    assert attempt.phase("image").seconds == pytest.approx(job_seconds, abs=0.1)


BEGUN = "image 10.5\ntrajectory 52.0\nevaluation 90.0\n"
ENDED = "started 5000.25\nexit 5090.25\nnow 999.0\n"


@pytest.mark.parametrize(
    ("phase", "told", "seconds"),
    [
        ("image", f"{BEGUN}now 100.0", 41.5),
        ("trajectory", f"{BEGUN}{ENDED}", 38.0),
        ("evaluation", f"{BEGUN}{ENDED}", 10.5),
        ("evaluation", f"{BEGUN}started 5000.0\nnow 95.0", 5.0),  # the watcher's next turn is yet to come
        ("report", f"{BEGUN}started 5000.0\nnow 95.0", None),
        ("report", f"{BEGUN}{ENDED}", 0.0),  # over before the watcher's next turn
        ("image", "image 10.5\nstarted 5000.0\nnow 3.0", None),  # the machine was started anew
        ("image", ENDED, None),
        ("image", "", None),
        ("image", "image 10.5\ntraj\nnow 12.0", 1.5),  # the disk was full
    ],
)
def test_a_phase_lasts_from_its_note_to_the_next(phase: str, told: str, seconds: float | None) -> None:
    assert measured(phase, told) == seconds


def noted(spool: Path) -> str:
    notes = spool / "phases"
    return notes.read_text() if notes.exists() else ""


async def when(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - a file of another process tells nobody
            await asyncio.sleep(0.05)
