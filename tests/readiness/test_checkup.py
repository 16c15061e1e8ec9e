"""Check-ups by the engine: what is told while they go on, what is kept, and what a start waits for."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hosts.conftest import until
from tests.readiness.conftest import FILES, Machine
from velora_tui.domain.events import ChecksAnswered, InstanceChecked
from velora_tui.domain.fleet import Fleet, OwnCheck
from velora_tui.domain.readiness import CheckStatus, Readiness
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.errors import InstanceNotReady, UnknownName
from velora_tui.hosts.lease import LeaseOwner, acquire
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

pytestmark = pytest.mark.sshd

IN_POETRY = {"poetry", "datasets", "llm-key"}
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def engine_on(fleet: Fleet, folder: Path) -> Engine:
    return Engine(fleet, Layout.under(folder / "state"))


async def journalled(folder: Path) -> list[InstanceChecked]:
    async with Journal(Layout.under(folder / "state").journal) as journal:
        return [event for event in await journal.events() if isinstance(event, InstanceChecked)]


def dataset(folder: Path) -> str:
    task = {"instance_id": "t", "repo": "o/n", "base_commit": "c", "test_command": "true", "test_patch": ""}
    path = folder / "task.json"
    path.write_text(json.dumps({**task, "FAIL_TO_PASS": [], "PASS_TO_PASS": []}))
    return str(path)


async def test_answers_come_one_by_one_and_the_whole_is_journalled_once(machine: Machine, tmp_path: Path) -> None:
    go = machine.home / "go"
    machine.stub("poetry", f"while [ ! -e '{go}' ]; do sleep 0.05; done")
    async with engine_on(machine.fleet(), tmp_path) as engine:
        with engine.observe() as subscription:
            checking = asyncio.create_task(engine.check())
            async for event in subscription:
                assert not isinstance(event, InstanceChecked)
                if isinstance(event, ChecksAnswered) and event.readiness.asking == IN_POETRY:
                    break
            seen = engine.snapshot().instances[0]
            assert seen.checking
            assert seen.readiness is not None
            assert not seen.readiness.ready, "what was never answered is not ok"
            poetry, disk = seen.readiness.check("poetry"), seen.readiness.check("disk")
            assert poetry is not None
            assert disk is not None
            assert (poetry.status, poetry.detail, disk.status) == ("unknown", "not asked yet", "ok")
            go.touch()
            (readiness,) = await checking
    assert readiness.ready, readiness.reason
    assert readiness.asking == frozenset()
    (event,) = await journalled(tmp_path)
    assert event.checks == readiness.checks


async def test_since_is_when_a_status_began(machine: Machine, tmp_path: Path) -> None:
    def result(readiness: Readiness, name: str) -> tuple[CheckStatus, datetime]:
        found = readiness.check(name)
        assert found is not None
        assert found.at is not None
        assert found.since is not None
        assert found.since <= found.at
        return found.status, found.since

    async with engine_on(machine.fleet(), tmp_path) as engine:
        (first,) = await engine.check(slow=False)
    machine.stub("docker", "exit 1")
    async with engine_on(machine.fleet(), tmp_path) as engine:  # another process, which knows the journal
        (second,) = await engine.check(slow=False)
        (third,) = await engine.check(slow=False)
    assert result(second, "disk") == result(first, "disk")
    assert result(second, "docker")[0] is CheckStatus.UNKNOWN
    assert result(second, "docker")[1] > result(first, "docker")[1]
    assert result(third, "docker") == result(second, "docker")


async def test_a_cheap_round_keeps_what_the_slow_checks_said(machine: Machine, tmp_path: Path) -> None:
    async with engine_on(machine.fleet(), tmp_path) as engine:
        (full,) = await engine.check()
        machine.stub("poetry", "exit 1")
        (cheap,) = await engine.check(slow=False)
        assert cheap.check("poetry") == full.check("poetry")
        (alone,) = await engine.check(only=["datasets"])
        assert alone.check("poetry") == full.check("poetry")
        assert alone.check("disk") == cheap.check("disk")
        datasets = alone.check("datasets")
        assert datasets is not None
        assert datasets.status is CheckStatus.UNKNOWN
        with pytest.raises(UnknownName, match="unknown check 'dsk'"):
            await engine.check(only=["dsk"])


async def test_rounds_that_find_nothing_new_are_not_journalled(machine: Machine, tmp_path: Path) -> None:
    own = OwnCheck(id="flag", command=f"[ ! -e '{machine.home}/flag' ] && date >>'{machine.home}/asked'")
    asked = machine.home / "asked"
    async with engine_on(machine.fleet(own, recipe="native"), tmp_path) as engine:
        with engine.observe() as subscription:
            keeping = asyncio.create_task(engine.keep_checking(minutes=0.05 / 60))
            await until(lambda: asked.exists() and len(asked.read_text().splitlines()) >= 4)
            routine = len(await journalled(tmp_path))
            (machine.home / "flag").touch()
            async for event in subscription:
                if isinstance(event, InstanceChecked) and event.checks[-1].status is CheckStatus.FAIL:
                    break
        keeping.cancel()
        await asyncio.wait({keeping})
    assert routine < 4, "load and memory may have changed once or twice, nothing else did"


async def test_a_fleet_that_wants_no_rounds_is_checked_once(machine: Machine, tmp_path: Path) -> None:
    async with engine_on(machine.fleet(recipe="native", check_minutes=0), tmp_path) as engine:
        await asyncio.wait_for(engine.keep_checking(), 30)
    assert len(await journalled(tmp_path)) == 1


async def test_an_instance_that_does_not_answer_fails_ssh_alone(machine: Machine, tmp_path: Path) -> None:
    async with engine_on(machine.fleet(), tmp_path) as engine:
        assert (await engine.check())[0].ready
    machine.changes["port"] = 1
    machine.reach.pop("port")
    async with engine_on(machine.fleet(), tmp_path) as engine:
        (readiness,) = await engine.check()
    statuses = {check.id: check.status for check in readiness.checks}
    assert statuses.pop("ssh") is CheckStatus.FAIL
    assert set(statuses.values()) == {CheckStatus.UNKNOWN}, "what was seen earlier may not hold any more"
    assert readiness.reason.startswith("ssh: unreachable")


async def test_a_key_that_is_not_trusted_says_what_to_do_and_force_is_not_offered(
    machine: Machine, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    known.touch()
    machine.reach["known_hosts"] = known
    request = RunRequest(dataset=dataset(tmp_path), model="llm.gpt", instance="eval1")
    async with engine_on(machine.fleet(), tmp_path) as engine:
        with pytest.raises(InstanceNotReady, match="--accept-new-host-keys, or by K on the dashboard") as refused:
            await engine.start(request)
        assert refused.value.hint == "it must answer by SSH first: `velora check` tells how it stands"
        known.write_text(f"[127.0.0.1]:{machine.reach['port']} {OTHER_KEY}\n")
        with pytest.raises(InstanceNotReady, match=r"host key changed: .* ssh-keygen -R"):
            await engine.start(request)


async def test_force_is_offered_where_ssh_answers(machine: Machine, tmp_path: Path) -> None:
    machine.put(FILES[1], "bad\n")
    request = RunRequest(dataset=dataset(tmp_path), model="llm.gpt", instance="eval1")
    async with engine_on(machine.fleet(), tmp_path) as engine:
        with pytest.raises(InstanceNotReady) as refused:
            await engine.start(request)
    assert refused.value.hint == "mend it, or start with --force"


async def test_a_start_by_the_harness_is_checked_for_it_whatever_the_fleet_does(
    machine: Machine, tmp_path: Path
) -> None:
    machine.stub("poetry", "echo \"ModuleNotFoundError: No module named 'openhands'\"; exit 1")
    request = RunRequest(dataset=dataset(tmp_path), model="llm.gpt", instance="eval1", recipe="harness")
    async with engine_on(machine.fleet(recipe="native"), tmp_path) as engine:
        with pytest.raises(InstanceNotReady, match="poetry: ModuleNotFoundError"):
            await engine.start(request)
        known = engine.snapshot().instances[0].readiness
        assert known is not None
        assert known.ready, "runs of the fleet's own recipe need no poetry"
        assert known.check("poetry") is None


async def test_a_start_asks_only_those_slow_checks_that_block_and_are_due(machine: Machine, tmp_path: Path) -> None:
    notes = machine.home / "notes"
    for name in ("poetry", "aws"):
        machine.stub(name, f"echo \"{name} $*\" >>'{notes}'")
    machine.put("openhands/runtime/builder/docker.py", "bad\n")
    request = RunRequest(dataset=dataset(tmp_path), model="llm.gpt", instance="eval1")
    async with engine_on(machine.fleet(), tmp_path) as engine:
        for _ in range(2):
            with pytest.raises(InstanceNotReady, match=r"files: 1/2: docker.py differs"):
                await engine.start(request)
    assert notes.read_text() == "poetry run python -c import openhands.agenthub\n"


async def test_a_dead_lease_is_a_warning_with_a_repair(machine: Machine, tmp_path: Path) -> None:
    owner = LeaseOwner.here("somebodys", 1, "~/.velora/runs/somebodys.1")
    dead = owner.model_copy(update={"pid": 2**22 + 1, "since": datetime.now(UTC) - timedelta(hours=3)})
    await acquire(machine.host, dead)
    async with engine_on(machine.fleet(), tmp_path) as engine:
        (readiness,) = await engine.check(slow=False, only=["busy"])
    busy = readiness.check("busy")
    assert busy is not None
    assert (busy.status, busy.repair) == ("warn", "remove-lease")
    assert "run somebodys, attempt 1" in busy.detail
    assert readiness.holder is not None
    assert readiness.holder.stale


async def test_somebody_elses_lease_fails_without_a_repair(machine: Machine, tmp_path: Path) -> None:
    await acquire(machine.host, LeaseOwner.here("theirs", 2, "~/.velora/runs/theirs.2"))
    async with engine_on(machine.fleet(), tmp_path) as engine:
        (readiness,) = await engine.check(slow=False)
    busy = readiness.check("busy")
    assert busy is not None
    assert (busy.status, busy.repair) == ("fail", None)
    assert "run theirs, attempt 2" in busy.detail
    assert not readiness.ready
