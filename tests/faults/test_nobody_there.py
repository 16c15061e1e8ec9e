"""Runs that nobody follows: taken up by the Velora that is asked to stop them; and a disk that is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.following import ended, phase_of, taken_up, until
from velora_tui.config import load_fleet
from velora_tui.demo.fleet import demo_fleet
from velora_tui.domain.events import AttemptState, DriveBroken, LogGrew
from velora_tui.domain.fleet import Agent, Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

FILLER_BYTES = 64 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def slow(fleet: Fleet) -> Fleet:
    """Return the fleet with an agent that works on until it is stopped."""
    agent = Agent(command="while true; do echo step 1/2 wait; sleep 0.2; done")
    return fleet.model_copy(update={"agents": {"scripted": agent}})


async def test_a_stop_takes_up_the_run_that_it_ends(tmp_path: Path) -> None:
    async with demo_fleet(tmp_path / "demo", instances=1, speed=20) as demo:
        fleet, layout = slow(load_fleet(demo.fleet_file)), Layout.under(tmp_path / "state")
        request = RunRequest(dataset=str(demo.datasets[0]), model="llm.gpt")
        async with Engine(fleet, layout) as watching:
            async with Engine(fleet, layout) as driving:
                with driving.observe() as subscription:
                    run = await driving.start(request)
                    await phase_of(subscription, run, "trajectory")
                    await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
            with watching.observe() as subscription:
                await watching.stop(run.run)
                (attempt,) = await ended(watching, subscription, [run])
            assert attempt.state is AttemptState.STOPPED


async def test_a_full_disk_is_told_and_the_run_can_be_taken_up_again(tmp_path: Path, small_disk: Path) -> None:
    async with demo_fleet(tmp_path / "demo", instances=1, speed=20) as demo:
        fleet, layout = slow(load_fleet(demo.fleet_file)), Layout.under(small_disk / "state")
        async with Engine(fleet, layout) as engine:
            with engine.observe() as subscription:
                run = await engine.start(RunRequest(dataset=str(demo.datasets[0]), model="llm.gpt"))
                await phase_of(subscription, run, "trajectory")
                fill(small_disk / "filler")
                broken = await until(subscription, lambda event: isinstance(event, DriveBroken))
                assert isinstance(broken, DriveBroken)
                assert "No space left" in broken.message or "full" in broken.message
                (small_disk / "filler").unlink()
                assert await taken_up(engine) == [run.run]
                await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
                await engine.stop(run.run)
                (attempt,) = await ended(engine, subscription, [run])
            assert attempt.state is AttemptState.STOPPED
            log = layout.log(run.run, 1, "trajectory").read_bytes()
            assert log.startswith(b"step 1/2 wait\n")


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines(b"x" * 4096 for _ in range(FILLER_BYTES // 4096))
