"""kill-stray and remove-lease: what somebody left behind, or never gave to Velora."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import psutil
import pytest

from tests.repairs.conftest import Bench, statuses
from tests.repairs.leases import hold, owner
from tests.repairs.strays import Stray, begun, ended, start_stray
from velora_tui.domain.events import CommandRan
from velora_tui.domain.readiness import CheckStatus
from velora_tui.errors import Refused
from velora_tui.hosts.ssh import SshHost

pytestmark = [pytest.mark.sshd, pytest.mark.usefixtures("machine_alone")]


@pytest.fixture
def stray(bench: Bench) -> Iterator[Stray]:
    yield from _guarded(start_stray(bench))


@pytest.fixture
def stubborn(bench: Bench) -> Iterator[Stray]:
    """One whose child does not listen to SIGTERM."""
    yield from _guarded(start_stray(bench, trap='trap "" TERM;'))


def _guarded(stray: Stray) -> Iterator[Stray]:
    yield stray
    stray.kill()


async def test_the_whole_tree_is_listed_and_ended(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    plan = await bench.plan("busy")
    assert plan.repair == "kill-stray"
    listed = {int(thing.name): thing.detail for thing in plan.affected if thing.kind == "process"}
    assert listed.keys() >= set(stray.pids)
    root = listed[stray.pids[0]]
    assert root.startswith(f"of {psutil.Process().username()} since ")
    assert "hush-hush" not in plan.model_dump_json()
    async with bench.engine() as engine:
        result = await engine.repair(plan)
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.OK), result
    assert result.mended
    await ended(stray)


async def test_who_wants_to_watch_it_is_told_that_its_log_cannot_be_followed(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    said = r"^eval1 has a run started by hand: process \d+ of \S+: .*; its log can't be followed — .* repair eval1 busy"
    async with bench.engine(read_only=True) as engine:
        with pytest.raises(Refused, match="a run started by hand: process") as caught:
            await engine.follow_foreign("eval1")
    assert re.search(said, caught.value.explain())


async def test_what_does_not_listen_is_killed(bench: Bench, stubborn: Stray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("velora_tui.readiness.repairs.kill_stray.GRACE_SECONDS", 1)
    await begun(stubborn)
    _, result = await bench.mend("kill-stray")
    assert result.mended, result
    await ended(stubborn)


async def test_another_process_with_the_same_number_is_never_killed(bench: Bench, stray: Stray) -> None:
    """The plan names another start time, as that of a process whose number was given to this one since."""
    await begun(stray)
    plan = await bench.plan("kill-stray")
    (step,) = plan.steps
    root = stray.pids[0]
    forged = step.command.replace(f"{root}:", f"{root}:9", 1)
    assert forged != step.command
    host = SshHost(bench.sshd.target())
    try:
        await host.run(forged)
        async with bench.engine() as engine:
            result = await engine.repair(
                plan.model_copy(update={"steps": (step.model_copy(update={"command": forged}),)})
            )
    finally:
        await host.close()
    assert "changed since the plan was shown" in result.error
    assert len(stray.living) == 2


async def test_a_run_that_has_ended_by_itself_is_not_ended(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "kill-stray")
        for pid in stray.pids:
            psutil.Process(pid).kill()
        await ended(stray)
        result = await engine.repair(plan)
    assert "changed since the plan was shown" in result.error
    assert not [event for event in await bench.journal() if isinstance(event, CommandRan)]


async def test_beside_a_stray_run_nothing_that_could_hurt_it_is_done(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    for name in ("free-disk", "drop-runtime-images", "push-files", "git-init"):
        plan = await bench.plan(name)
        assert plan.steps == ()
        assert plan.refused.startswith("a run started by hand")
        assert plan.refused.endswith("end it first, with kill-stray")


async def test_a_stray_run_that_comes_after_the_plan_is_seen(bench: Bench) -> None:
    bench.put("core.py", "pass\n")
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "git-init")
        stray = start_stray(bench)
        try:
            await begun(stray)
            result = await engine.repair(plan)
        finally:
            stray.kill()
    assert "a run started by hand" in result.error
    assert not (bench.root / ".git").exists()


def as_ordinary_user(bench: Bench, sudo: str) -> None:
    """Have the instance's user be no root, with that `sudo`; then the run is another user's."""
    bench.tool("id", "echo 4711")
    bench.tool("sudo", sudo)


async def test_the_run_of_another_user_is_ended_by_sudo(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    as_ordinary_user(bench, '[ "$1" = -n ] || exit 1; shift; [ "$1" = -l ] || exec /bin/"$@"')
    plan, result = await bench.mend("kill-stray")
    assert "as_root='sudo -n'" in plan.steps[0].command
    assert result.mended, result
    await ended(stray)


async def test_the_run_of_another_user_stays_where_sudo_asks_for_a_password(bench: Bench, stray: Stray) -> None:
    await begun(stray)
    as_ordinary_user(bench, "exit 1")
    plan = await bench.plan("kill-stray")
    assert plan.steps == ()
    assert plan.refused.endswith("sudo asks for a password there: end it by hand")
    assert len(stray.living) == 2


async def test_nobody_there_is_nothing_to_do(bench: Bench) -> None:
    plan, result = await bench.mend("kill-stray")
    assert plan.nothing_to_do == "no run that was started by hand is there"
    assert result.mended


# --- leases


async def test_a_stale_lease_is_removed(bench: Bench) -> None:
    lease = await hold(bench, owner(alive=False))
    plan, result = await bench.mend("busy")
    assert plan.repair == "remove-lease"
    assert "run 01SOMEBODYS, attempt 1" in plan.affected[0].detail
    assert statuses(result) == (CheckStatus.WARN, CheckStatus.OK)
    assert result.mended, result
    assert not lease.exists()


async def test_a_lease_that_is_held_is_not_removed(bench: Bench) -> None:
    lease = await hold(bench, owner(alive=True))
    plan, result = await bench.mend("remove-lease")
    assert plan.steps == ()
    assert plan.refused.startswith("the lease is in use")
    assert not result.mended
    assert (lease / "owner").exists()


async def test_a_lease_that_another_took_meanwhile_stays(bench: Bench) -> None:
    lease = await hold(bench, owner(alive=False))
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "remove-lease")
        shutil.rmtree(lease)
        new = owner(alive=False).model_copy(update={"run_id": "01ANOTHERS"})
        await hold(bench, new)
        result = await engine.repair(plan)
    assert "changed since the plan was shown" in result.error
    assert new.token in (lease / "owner").read_text()


async def test_the_command_itself_takes_no_other_lease(bench: Bench) -> None:
    lease = await hold(bench, owner(alive=False))
    plan = await bench.plan("remove-lease")
    shutil.rmtree(lease)
    new = owner(alive=False)
    await hold(bench, new)
    host = SshHost(bench.sshd.target())
    try:
        done = await host.run(plan.steps[0].command, check=False)
    finally:
        await host.close()
    assert done.exit_status == 75
    assert new.token in (lease / "owner").read_text()


@pytest.mark.parametrize("text", [None, "", '{"run_id": "01TORN'], ids=["none", "empty", "torn"])
async def test_a_lease_without_an_owner_is_removed_once_it_is_old(bench: Bench, text: str | None) -> None:
    lease = bench.sshd.home / ".velora" / "lease"
    lease.mkdir(parents=True)
    fresh = await bench.plan("remove-lease")
    assert fresh.refused.startswith("the lease is in use")
    if text is not None:  # as a power cut leaves it
        (lease / "owner").write_text(text)
        os.utime(lease / "owner", (1, 1))
    os.utime(lease, (1, 1))
    _, result = await bench.mend("remove-lease")
    assert not result.error
    assert not lease.exists()
