"""Leases: of any number of operators one has the instance."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from velora_tui.errors import CommandFailed, InstanceBusy
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.lease import LeaseOwner, acquire, read_lease, release, renew, take_over
from velora_tui.hosts.local import LocalHost

SPOOLS = "~/.velora/runs/r1.1"


def owner(run_id: str = "r1", **changes: Any) -> LeaseOwner:
    """Return an owner, this process if nothing else is said."""
    return LeaseOwner.here(run_id, 1, SPOOLS).model_copy(update=changes)


def dead_pid() -> int:
    """Return the number of a process that has just ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_a_machine_of_the_same_name_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = owner(pid=dead_pid())
    assert theirs.alive() is False
    monkeypatch.setattr("uuid.getnode", lambda: 0x020000000001)
    assert theirs.alive() is None


def lease_folder(home: Path) -> Path:
    return home / ".velora" / "lease"


def age(path: Path, seconds: float) -> None:
    """Set a file's time back."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


async def test_a_lease_names_its_owner_and_can_be_given_back(host: Host, home: Path) -> None:
    mine = owner()
    assert await read_lease(host) is None
    await acquire(host, mine)
    report = await read_lease(host)
    assert report is not None
    assert (report.state, report.owner) == ("held", mine)
    with pytest.raises(InstanceBusy, match=f"{mine.operator} has it since .* for r1.1"):
        await acquire(host, owner("r2"))
    assert not await release(host, owner("r2").token)
    assert await renew(host, mine.token)
    assert await release(host, mine.token)
    assert await read_lease(host) is None
    assert not await release(host, mine.token)
    assert not await renew(host, mine.token)
    assert [entry.name for entry in (home / ".velora").iterdir()] == []


async def test_of_two_hundred_races_each_has_one_winner(host: Host) -> None:
    for race in range(200 if host.name == "local" else 20):
        racers = [owner(f"r{race}-{number}") for number in range(2)]
        results = await asyncio.gather(*(acquire(host, racer) for racer in racers), return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["InstanceBusy", "NoneType"]
        winner = racers[results.index(None)]
        report = await read_lease(host)
        assert report is not None
        assert report.owner == winner
        assert await release(host, winner.token)


async def test_a_lease_that_is_given_back_at_that_moment_is_no_fault(tmp_path: Path) -> None:
    host = LocalHost("local", tmp_path)
    wins = 0

    async def come_and_go(name: str) -> None:
        nonlocal wins
        for number in range(20):
            mine = owner(f"{name}-{number}")
            with suppress(InstanceBusy):
                await acquire(host, mine)
                wins += 1
                assert await release(host, mine.token)

    await asyncio.gather(*(come_and_go(name) for name in "abc"))
    assert wins > 10


async def test_a_dead_operators_lease_is_stale_and_one_of_many_takes_it_over(host: Host, home: Path) -> None:
    for race in range(10):
        await acquire(host, owner(pid=dead_pid()))
        report = await read_lease(host)
        assert report is not None
        assert report.state == "stale"
        racers = [owner(f"r{race}-{number}") for number in range(4)]
        results = await asyncio.gather(*(take_over(host, report, racer) for racer in racers), return_exceptions=True)
        assert results.count(None) == 1
        winner = racers[results.index(None)]
        now = await read_lease(host)
        assert now is not None
        assert now.owner == winner
        assert [entry.name for entry in lease_folder(home).iterdir()] == ["owner"]
        assert await release(host, winner.token)


async def test_a_lease_whose_job_runs_is_held_whoever_died(host: Host) -> None:
    jobs = DetachedJobs(host)
    dead = owner(pid=dead_pid())
    await acquire(host, dead)
    await jobs.start(f"{SPOOLS}/trajectory", "sleep 600")
    report = await read_lease(host)
    assert report is not None
    assert (report.state, report.reason) == ("held", "its job is running")
    with pytest.raises(InstanceBusy, match="its job is running"):
        await take_over(host, report, owner())
    await jobs.stop(f"{SPOOLS}/trajectory")
    report = await read_lease(host)
    assert report is not None
    assert report.state == "stale"


async def test_an_operator_elsewhere_has_a_quarter_of_an_hour(host: Host, home: Path) -> None:
    away = owner(machine="somewhere-else")
    await acquire(host, away)
    report = await read_lease(host)
    assert report is not None
    assert report.state == "held"
    age(lease_folder(home) / "owner", 1000)
    report = await read_lease(host)
    assert report is not None
    assert report.state == "stale"
    assert await renew(host, away.token)
    report = await read_lease(host)
    assert report is not None
    assert report.state == "held"


async def test_a_process_that_reuses_the_number_is_not_the_owner(host: Host) -> None:
    await acquire(host, owner(process_start="1"))
    report = await read_lease(host)
    assert report is not None
    assert report.state == "stale"


async def test_a_lease_without_an_owner_is_being_made_or_broken(host: Host, home: Path) -> None:
    lease_folder(home).mkdir(parents=True)
    report = await read_lease(host)
    assert report is not None
    assert (report.state, report.owner) == ("held", None)
    with pytest.raises(InstanceBusy):
        await acquire(host, owner())
    age(lease_folder(home), 20)
    report = await read_lease(host)
    assert report is not None
    assert report.state == "stale"
    racers = [owner(f"r{number}") for number in range(4)]
    results = await asyncio.gather(*(take_over(host, report, racer) for racer in racers), return_exceptions=True)
    assert results.count(None) == 1


@pytest.mark.parametrize("text", ["", "rubbish", "{}", '{"run_id": 1}', json.dumps({"token": "$(id)"})])
async def test_an_owner_file_that_makes_no_sense_names_nobody(host: Host, home: Path, text: str) -> None:
    lease_folder(home).mkdir(parents=True)
    (lease_folder(home) / "owner").write_text(text)
    age(lease_folder(home) / "owner", 20)
    report = await read_lease(host)
    assert report is not None
    assert (report.state, report.owner) == ("stale", None)
    age(lease_folder(home), 20)
    racers = [owner(f"r{number}") for number in range(4)]
    results = await asyncio.gather(*(take_over(host, report, racer) for racer in racers), return_exceptions=True)
    assert results.count(None) == 1
    winner = racers[results.index(None)]
    assert winner.token in (lease_folder(home) / "owner").read_text()
    assert [path.name for path in lease_folder(home).iterdir()] == ["owner"]
    assert await release(host, winner.token)


async def test_a_home_that_cannot_be_written_is_told_so(host: Host, home: Path) -> None:
    (home / ".velora").write_text("a file where a folder should be")
    with pytest.raises(CommandFailed, match=r"File exists|Not a directory"):
        await acquire(host, owner())


async def test_since_when_it_is_taken_is_told_by_the_instances_clock_alone(host: Host, home: Path) -> None:
    wrong = datetime.now(UTC) + timedelta(hours=1)
    await acquire(host, owner(pid=dead_pid(), since=wrong))
    age(lease_folder(home), 600)
    for again, minutes in (("r1", 10), ("r2", 0)):
        report = await read_lease(host)
        assert report is not None
        assert report.since is not None
        await take_over(host, report, owner(again, pid=dead_pid(), since=wrong))
        after = await read_lease(host)
        assert after is not None
        assert after.since is not None
        assert round((datetime.now(UTC) - after.since) / timedelta(minutes=1)) == minutes, "who goes on had it before"
