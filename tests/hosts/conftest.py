"""Hosts to test against: this machine and a real OpenSSH server, each with a home folder of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.errors import CommandTimeout
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.local import LocalHost
from velora_tui.hosts.ssh import SshHost


@pytest.fixture(autouse=True)
def operator_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the machine's own SSH configuration, keys and agent out of the tests."""
    home = tmp_path / "operator"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A running sshd."""
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path / "sshd")
    yield server
    server.stop()


@pytest.fixture
async def ssh(sshd: Sshd) -> AsyncIterator[SshHost]:
    """A host that reaches `sshd`."""
    host = SshHost(sshd.target())
    yield host
    await host.close()


@pytest.fixture(params=["local", pytest.param("ssh", marks=pytest.mark.sshd)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The home folder of `host`."""
    if request.param == "ssh":
        server: Sshd = request.getfixturevalue("sshd")
        return server.home
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
async def host(request: pytest.FixtureRequest, home: Path) -> AsyncIterator[Host]:
    """This machine, then a machine behind SSH."""
    if "ssh" not in request.node.callspec.params.values():
        yield LocalHost("local", home)
        return
    server: Sshd = request.getfixturevalue("sshd")
    host = SshHost(server.target())
    yield host
    await host.close()


@pytest.fixture
def jobs(host: Host) -> DetachedJobs:
    """Jobs on `host`."""
    return DetachedJobs(host)


async def until(condition: Callable[[], bool], timeout_seconds: float = 30.0) -> None:
    """Poll until `condition` holds; fail after the time limit."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is alive."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def give_up_eight_at_once(host: Host, home: Path) -> None:
    """Start as many commands as a connection takes, give them up in one moment and see that none is left."""
    commands = (host.run(f"echo $$ >pid{number}; sleep 60", timeout_seconds=5) for number in range(8))
    results = await asyncio.gather(*commands, return_exceptions=True)
    assert all(isinstance(result, CommandTimeout) for result in results)
    pids = [int((home / f"pid{number}").read_text()) for number in range(8)]
    await until(lambda: not any(runs(pid) for pid in pids))
