"""Repairs as the engine makes them: alone on the instance, many at once, journalled, and never unasked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.domain.streams import RUN, created
from tests.engine.full_journal import FullJournal
from tests.hosts.conftest import until
from tests.repairs.conftest import Bench, statuses
from tests.repairs.leases import hold, owner
from tests.sshd import make_sshd
from velora_tui.domain.events import AttemptQueued, AttemptStarted, CommandRan, RepairEnded, RepairStarted
from velora_tui.domain.fleet import OwnCheck
from velora_tui.domain.readiness import CheckStatus
from velora_tui.domain.requests import RunRequest
from velora_tui.errors import InstanceBusy, StoreError, UnknownName, UsageError
from velora_tui.hosts.lease import LeaseOwner, acquire, operator
from velora_tui.hosts.local import LocalHost
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

pytestmark = pytest.mark.sshd

OWN = OwnCheck(id="mark", command="test -f ~/mark", repair="echo made >~/mark")
SLOW = OwnCheck(id="slow", command="true", repair=": >~/begun; while [ ! -e ~/go ]; do sleep 0.02; done")

TASK = {
    "instance_id": "shop-1",
    "repo": "acme/shop",
    "base_commit": "0123abcd",
    "FAIL_TO_PASS": ["a"],
    "PASS_TO_PASS": [],
    "test_patch": "",
    "test_command": "true",
    "problem_statement": "It is wrong.",
}


async def test_a_repair_of_the_operators_own(bench: Bench) -> None:
    bench.checks = (OWN,)
    plan, result = await bench.mend("mark")
    assert plan.repair == "own:mark"
    assert plan.steps[0].command == OWN.repair
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.OK)
    assert result.mended
    assert (bench.sshd.home / "mark").read_text() == "made\n"


async def test_an_own_repair_that_fails_is_told(bench: Bench) -> None:
    bench.checks = (OWN.model_copy(update={"repair": "echo no luck >&2; exit 3"}),)
    _, result = await bench.mend("own:mark")
    assert "exit status 3: no luck" in result.error
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.FAIL)
    assert not result.mended


async def test_wrong_names_are_refused(bench: Bench) -> None:
    async with bench.engine() as engine:
        with pytest.raises(UnknownName, match="unknown check or repair 'dsk'"):
            await engine.plan_repair(["eval1"], "dsk")
        with pytest.raises(UnknownName, match="unknown instance"):
            await engine.plan_repair(["eval7"], "disk")
        with pytest.raises(UsageError, match="nothing of Velora's mends 'load'"):
            await engine.plan_repair(["eval1"], "load")


async def test_many_at_once_each_alone(bench: Bench, tmp_path: Path) -> None:
    """Two instances that can be mended, and one that is not there. Each repair waits until the other has begun."""
    wait = ": >{me}/begun; while [ ! -e {other}/begun ]; do sleep 0.02; done; : >{me}/mark"
    second = make_sshd(tmp_path / "second")
    try:
        here, there = bench.sshd.home, second.home
        choose = f'if [ "$HOME" = {here} ]; then {wait.format(me=here, other=there)}; fi\n'
        choose += f'if [ "$HOME" = {there} ]; then {wait.format(me=there, other=here)}; fi\n'
        bench.checks = (OwnCheck(id="mark", command="test -f ~/mark", repair=choose),)
        target = second.target()
        reach = {"port": target.port, "identity_file": target.identity_file, "known_hosts": target.known_hosts}
        bench.others = {"eval2": reach, "gone": {"port": 9}}
        async with bench.engine() as engine:
            plans = await engine.plan_repair([], "mark")
            assert [plan.instance for plan in plans] == ["eval1", "eval2", "gone"]
            assert [bool(plan.steps) for plan in plans] == [True, True, False]
            assert "unreachable" in plans[2].refused.lower() or "connect" in plans[2].refused.lower()
            results = await asyncio.gather(*(engine.repair(plan) for plan in plans))
    finally:
        second.stop()
    assert [result.mended for result in results] == [True, True, False]
    assert results[2].error == plans[2].refused


async def test_a_second_operator_at_the_same_time_is_kept_out(bench: Bench) -> None:
    bench.checks = (SLOW, OWN)
    async with bench.engine("mine") as mine, bench.engine("theirs") as theirs:
        (plan,) = await mine.plan_repair(["eval1"], "slow")
        (other,) = await theirs.plan_repair(["eval1"], "mark")
        repairing = asyncio.create_task(mine.repair(plan))
        await until((bench.sshd.home / "begun").exists)
        refused = await theirs.repair(other)
        (late,) = await theirs.plan_repair(["eval1"], "mark")
        (bench.sshd.home / "go").touch()
        result = await repairing
        (free,) = await theirs.plan_repair(["eval1"], "mark")
    assert result.mended
    assert "has it since" in refused.error
    assert "repair-own:slow" in refused.error
    assert refused.done == ()
    assert late.steps == ()
    assert "repair-own:slow" in late.refused
    assert free.steps
    assert not (bench.sshd.home / "mark").exists()


async def test_nobody_can_start_on_it_meanwhile(bench: Bench, tmp_path: Path) -> None:
    bench.checks = (SLOW,)
    dataset = tmp_path / "task.json"
    dataset.write_text(json.dumps(TASK))
    request = RunRequest(dataset=str(dataset), model="llm.gpt", instance="eval1", force=True)
    async with bench.engine("mine") as mine, bench.engine("theirs") as theirs:
        (plan,) = await mine.plan_repair(["eval1"], "slow")
        repairing = asyncio.create_task(mine.repair(plan))
        await until((bench.sshd.home / "begun").exists)
        for engine in (mine, theirs):
            with pytest.raises(InstanceBusy, match="being repaired since "):
                await engine.start(request)
        (bench.sshd.home / "go").touch()
        await repairing


async def test_an_interrupted_repair_gives_the_instance_back_and_is_journalled(bench: Bench) -> None:
    bench.checks = (SLOW,)
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "slow")
        repairing = asyncio.create_task(engine.repair(plan))
        await until((bench.sshd.home / "begun").exists)
        repairing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await repairing
    (ended,) = [event for event in await bench.journal() if isinstance(event, RepairEnded)]
    assert (ended.error, ended.mended, ended.done) == ("it was interrupted", False, ())
    assert not (bench.sshd.home / ".velora" / "lease").exists()


async def test_beside_a_run_of_ours_nothing_that_could_hurt_it_is_done(bench: Bench) -> None:
    bench.checks = (OWN,)
    (bench.sshd.home / ".bashrc").write_text("export RUNTIME_CONTAINER_IMAGE=skip\n")
    async with Journal(Layout.under(bench.folder / "state").journal) as journal:
        ids = {"run": RUN, "attempt": 1}
        started = AttemptStarted(**ids, instance="eval1", by="x")
        await journal.append_all([created(), AttemptQueued(**ids, phases=("upload",)), started])
    async with bench.engine() as engine:
        for name in ("start-docker", "free-disk", "kill-stray", "push-files", "mark"):
            (plan,) = await engine.plan_repair(["eval1"], name)
            assert plan.refused == f"run {RUN} of yours is at work there: stop it, or wait for its end"
            assert plan.steps == ()
        (harmless,) = await engine.plan_repair(["eval1"], "unset-variable")
        result = await engine.repair(harmless)
    assert result.mended, result


async def test_a_plan_alone_changes_nothing_and_is_not_journalled(bench: Bench) -> None:
    bench.checks = (OWN,)
    await bench.plan("own:mark")
    kinds = (RepairStarted, RepairEnded, CommandRan)
    assert not [event for event in await bench.journal() if isinstance(event, kinds)]
    assert not (bench.sshd.home / "mark").exists()
    assert not (bench.sshd.home / ".velora").exists()


async def test_a_repair_whose_take_over_cannot_be_journalled_gives_the_instance_back(bench: Bench) -> None:
    bench.checks = (OWN,)
    lease = await hold(bench, owner(alive=False))
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "mark")
        FullJournal(Layout.under(bench.folder / "state").journal).refuse("command_ran")
        with pytest.raises(StoreError):
            await engine.repair(plan)
        assert not lease.exists()
    assert not (bench.sshd.home / "mark").exists()


async def test_somebodys_run_is_named_and_is_not_ours_to_end(bench: Bench) -> None:
    await acquire(LocalHost("eval1", bench.sshd.home), LeaseOwner.here("theirs", 2, "~/.velora/runs/theirs.2"))
    plan = await bench.plan("busy")
    assert plan.title == "free the instance of somebody's run"
    assert (
        f"started by {operator()}: run theirs, attempt 2. It was not started by hand, and is not yours" in plan.refused
    )
    assert plan.steps == ()
