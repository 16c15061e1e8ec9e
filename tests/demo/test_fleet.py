"""The embedded fleet as a whole: what it lays out, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

import psutil
import pytest

from tests.demo.client import DEADLINE_SECONDS, connect, home_of, until
from velora_tui.config import load_fleet
from velora_tui.demo.fleet import demo_fleet, provision
from velora_tui.demo.fleet_file import MODELS
from velora_tui.demo.server_process import ServerProcess
from velora_tui.domain.task import parse_dataset
from velora_tui.engine.engine import Engine
from velora_tui.errors import Unreachable
from velora_tui.store.layout import Layout

# A demo in a process of its own: prints what it started, then waits to be killed.
LONELY_DEMO = """
import asyncio, json, sys
from pathlib import Path
from velora_tui.demo.fleet import demo_fleet
async def main():
    async with demo_fleet(Path(sys.argv[1]), instances=1) as fleet:
        print(json.dumps({"pids": fleet.server_pids, "fleet_file": str(fleet.fleet_file)}), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def start_detached_sleep(fleet_file: Path) -> int:
    """Start a job on eval1 that outlives its session and ignores SIGTERM; return its process id."""
    job = 'trap "" TERM; echo $$ > pid.part; mv pid.part pid; sleep 300; true'
    async with connect(fleet_file) as connection:
        await connection.run(f"setsid sh -c '{job}' </dev/null >/dev/null 2>&1 &", check=True)
    note = home_of(fleet_file) / "pid"
    await until(note.exists)
    return int(note.read_text(encoding="ascii"))


async def test_the_fleet_file_is_one_that_velora_reads(root: Path) -> None:
    async with demo_fleet(root, instances=5, seed=7, speed=2.5) as demo:
        fleet = load_fleet(demo.fleet_file)

    assert fleet.name == "demo"
    assert [instance.name for instance in fleet.instances] == [f"eval{number}" for number in range(1, 6)]
    assert all(instance.docker_socket and not Path(instance.docker_socket).exists() for instance in fleet.instances)
    assert set(fleet.models) == set(MODELS)
    assert fleet.agents["scripted"].command.endswith("--speed 2.5 --seed 7")
    assert fleet.fleet.state == demo.state


@pytest.mark.usefixtures("machine_alone")
async def test_the_instance_that_is_not_ready_is_mended_by_the_repair_that_it_is_offered(root: Path) -> None:
    async with (
        demo_fleet(root, instances=4) as demo,
        Engine(load_fleet(demo.fleet_file), Layout.under(demo.state)) as engine,
    ):
        assert demo.refusing_instance == "eval4"
        answers = await engine.check()
        assert [readiness.instance for readiness in answers if not readiness.ready] == ["eval4"]
        (plan,) = await engine.plan_repair(["eval4"], "disk")
        assert [thing.kind for thing in plan.affected] == ["image tar"]
        result = await engine.repair(plan)
        assert result.mended, result
        assert result.freed_bytes == plan.frees_bytes
        (readiness,) = await engine.check(["eval4"])
        assert readiness.ready, readiness.reason


async def test_a_small_fleet_refuses_nothing(root: Path) -> None:
    async with demo_fleet(root, instances=3) as demo:
        assert demo.refusing_instance is None


async def test_keys_are_for_their_owner_alone(root: Path) -> None:
    async with demo_fleet(root, instances=1) as demo:
        folder = root / "instances" / "eval1"
        files = [folder / "client_key", folder / "host_key", demo.fleet_file]

        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert {stat.S_IMODE(path.stat().st_mode) for path in (root, folder, folder / "home")} == {0o700}


def test_the_datasets_hold_every_task_once_each_and_all_together(root: Path) -> None:
    provisioned = provision(root, instances=1, seed=1, speed=1)

    single = [parse_dataset(path.read_text(encoding="utf-8"), path.name) for path in provisioned.datasets]
    combined = parse_dataset(provisioned.combined_dataset.read_text(encoding="utf-8"), "all.jsonl")

    assert tuple(task for tasks in single for task in tasks) == combined
    assert {(run.instance_id, run.model) for run in provisioned.runs} == {
        (task.instance_id, model) for task in combined for model in MODELS
    }
    assert all(run.instance_id in run.dataset.read_text(encoding="utf-8") for run in provisioned.runs)


def test_a_second_time_everything_is_used_again(root: Path) -> None:
    first = provision(root, instances=2, seed=1, speed=1)
    key = first.machines[0].host_key.read_bytes()

    assert provision(root, instances=2, seed=1, speed=1) == first
    assert first.machines[0].host_key.read_bytes() == key


async def test_nothing_stays_behind(root: Path) -> None:
    async with demo_fleet(root, instances=1) as demo:
        job = await start_detached_sleep(demo.fleet_file)
        assert not is_gone(job)

    assert [pid for pid in (*demo.server_pids, job) if not is_gone(pid)] == []


async def test_nothing_stays_behind_when_the_parent_is_killed(root: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LONELY_DEMO, str(root), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    started = json.loads(await asyncio.wait_for(parent.stdout.readline(), DEADLINE_SECONDS))
    job = await start_detached_sleep(Path(started["fleet_file"]))

    parent.kill()
    await parent.wait()

    await until(lambda: all(is_gone(pid) for pid in (*started["pids"], job)))


async def test_a_job_ends_even_where_its_server_was_killed(root: Path) -> None:
    async with demo_fleet(root, instances=1) as demo:
        job = await start_detached_sleep(demo.fleet_file)
        os.kill(demo.server_pids[0], 9)

    assert is_gone(job)


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = await ServerProcess.start("velora_tui.demo.no_such_server", tmp_path / "log")

    with pytest.raises(Unreachable, match="No module named"):
        await server.ready()
    await server.stop()
