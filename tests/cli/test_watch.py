"""`velora watch`: whose run it is first, its logs, and how it ended last, also where its operator is dead."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.lease import LeaseOwner, LeaseReport, acquire, operator, release, take_over
from velora_tui.hosts.local import LocalHost

pytestmark = pytest.mark.sshd

RUN = "01KEEPSGOINGANDGOINGAND01"
SPOOLS = f"~/.velora/runs/{RUN}.1"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path_factory.mktemp("watched") / "sshd")
    yield server
    server.stop()


@pytest.fixture
def host(sshd: Sshd) -> Host:
    """The instance as the other operator, whose machine this is as well, reaches it."""
    subprocess.run(["rm", "-rf", str(sshd.home / ".velora")], check=True, timeout=30)
    return LocalHost("eval1", sshd.home)


@pytest.fixture
def me(sshd: Sshd, tmp_path: Path) -> Place:
    """An operator whose fleet has the instance."""
    target = sshd.target()
    (tmp_path / "velora.toml").write_text(
        f'[fleet]\nstate = "state"\n[[instances]]\nname = "eval1"\nhost = "127.0.0.1"\nport = {sshd.port}\n'
        f'user = "{target.user}"\nidentity_file = "{target.identity_file}"\nssh_config = "{target.ssh_config}"\n'
        f'known_hosts = "{target.known_hosts}"\n'
    )
    return Place(tmp_path)


def theirs() -> LeaseOwner:
    return LeaseOwner.here(RUN, 1, SPOOLS)


def dead(owner: LeaseOwner) -> LeaseOwner:
    """Return that owner after `kill -9`."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return owner.model_copy(update={"pid": process.pid})


async def test_a_run_whose_velora_was_killed_is_shown_and_ends(me: Place, host: Host) -> None:
    await acquire(host, dead(theirs()))
    await DetachedJobs(host).start(f"{SPOOLS}/trajectory", "echo solving; exit 3")
    answer = await asyncio.to_thread(me, "watch", "eval1")
    assert answer.status == 0, answer
    assert answer.out == "solving\n"
    first, phase, last = answer.err.splitlines()
    assert first.startswith(f"eval1: run {RUN}, attempt 1, of {operator()} since 20")
    assert phase == "── trajectory ──"
    assert f"goes on no more: {operator()} left its lease (that Velora is gone, last seen " in last
    assert "velora repair eval1 remove-lease" in last
    assert last.endswith("its last job, trajectory, ended with status 3")


async def test_the_operator_dies_while_the_run_is_watched_to_its_end(me: Place, host: Host, sshd: Sshd) -> None:
    await acquire(host, dead(theirs()))
    await DetachedJobs(host).start(f"{SPOOLS}/evaluation", "echo one; until [ -e go ]; do sleep 0.05; done; echo two")
    watching = me.start("watch", "eval1")
    assert watching.stdout is not None
    assert await asyncio.to_thread(watching.stdout.readline) == "one\n"
    (sshd.home / "go").touch()
    out, err = await asyncio.to_thread(watching.communicate, timeout=60)
    assert (watching.returncode, out) == (0, "two\n")
    assert "left its lease" in err.splitlines()[-1]


async def test_a_lease_that_is_given_back_is_a_regular_end(me: Place, host: Host) -> None:
    owner = theirs()
    await acquire(host, owner)
    watching = me.start("watch", "eval1", "--json")
    assert watching.stderr is not None
    assert f"run {RUN}" in await asyncio.to_thread(watching.stderr.readline)
    await release(host, owner.token)
    out, err = await asyncio.to_thread(watching.communicate, timeout=60)
    assert (watching.returncode, out) == (0, "")
    assert err.endswith("is over, and the instance was given back; no job of it was started\n")


async def test_a_velora_that_takes_the_run_up_again_is_watched_on(me: Place, host: Host) -> None:
    gone, again = dead(theirs()), theirs()
    await acquire(host, gone)
    await DetachedJobs(host).start(f"{SPOOLS}/trajectory", "echo one; until [ -e on ]; do sleep 0.05; done")
    watching = me.start("watch", "eval1")
    assert watching.stdout is not None
    assert await asyncio.to_thread(watching.stdout.readline) == "one\n"
    await take_over(host, LeaseReport(state="stale", reason="", owner=gone), again)
    await host.run("touch on")
    await DetachedJobs(host).start(f"{SPOOLS}/evaluation", "echo two")
    assert await asyncio.to_thread(watching.stdout.readline) == "two\n"
    await release(host, again.token)
    _, err = await asyncio.to_thread(watching.communicate, timeout=60)
    assert "was given back; its last job, evaluation, ended with status 0" in err.splitlines()[-1]


async def test_nothing_to_watch_is_1_and_no_such_instance_2(me: Place, host: Host) -> None:
    nobody = await asyncio.to_thread(me, "watch", "eval1")
    assert (nobody.status, "nobody's run has eval1" in nobody.complaint) == (1, True)
    unknown = await asyncio.to_thread(me, "watch", "evil1")
    assert (unknown.status, "did you mean eval1" in unknown.complaint) == (2, True)
    help_text = " ".join((await asyncio.to_thread(me, "watch", "--help")).out.split())
    assert "Exit status: 0 the run is over, 1 there is none to watch" in help_text
