"""One script on 50 hosts against `ssh` in a loop and `pssh`; and a check of 200 instances from one process.

Run: python -m pytest tests/benchmarks/bench_hosts.py -s
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.peers import best_ratio, call, in_turns, server, ssh_options
from tests.sshd import Sshd
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.engine.engine import Engine
from velora_tui.hosts.ssh import SshHost
from velora_tui.store.layout import Layout

HOSTS = 50
ROUNDS = 3
SCRIPT = "df -P / | tail -n 1; uname -a; id -u"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with server(tmp_path) as sshd:
        yield sshd


async def test_one_script_on_fifty_hosts(sshd: Sshd, tmp_path: Path) -> None:
    words = ["-p", str(sshd.port), *ssh_options(sshd)]
    aliases = [f"eval{number}" for number in range(HOSTS)]
    config = tmp_path / "config"
    config.write_text(f"Host eval*\n  HostName 127.0.0.1\n  Port {sshd.port}\n  HostKeyAlias [127.0.0.1]:{sshd.port}\n")
    (tmp_path / "hosts").write_text("".join(f"{alias}\n" for alias in aliases))
    hosts = [SshHost(sshd.target(alias)) for alias in aliases]

    async def cold() -> None:
        await asyncio.gather(*(host.close() for host in hosts))
        await ask()

    async def ask() -> None:
        answers = await asyncio.gather(*(host.run(SCRIPT) for host in hosts))
        assert all(answer.text for answer in answers)

    async def loop() -> None:
        for _ in aliases:
            await call("ssh", *words, "127.0.0.1", SCRIPT)

    async def pssh() -> None:
        options = [word for word in ssh_options(sshd) if word != "-F"][1:]
        extra = " ".join(["-F", str(config), *options])
        await call("parallel-ssh", "-p", "8", "-h", str(tmp_path / "hosts"), "-x", extra, SCRIPT)

    ways = {"velora": cold, "a loop of ssh": loop}
    if shutil.which("parallel-ssh"):
        ways["pssh -p 8"] = pssh
    assert best_ratio(f"a script on {HOSTS} hosts, connecting", await in_turns(ways, ROUNDS)) < 1
    await ask()
    ratio = best_ratio("… on connections that are up", await in_turns({**ways, "velora": ask}, 1))
    await asyncio.gather(*(host.close() for host in hosts))
    assert ratio < 0.5


async def test_two_hundred_instances_are_checked_by_one_process(sshd: Sshd, tmp_path: Path) -> None:
    target = sshd.target()
    instances = tuple(
        Instance(
            name=f"eval{number}",
            host="127.0.0.1",
            port=sshd.port,
            user=target.user,
            identity_file=target.identity_file,
            ssh_config=target.ssh_config,
            known_hosts=target.known_hosts,
            max_disk_percent=100,
        )
        for number in range(200)
    )
    async with Engine(Fleet(instances=instances), Layout.under(tmp_path / "state")) as engine:
        started = time.perf_counter()
        checks = await engine.check()
        print(f"\n200 instances checked in {time.perf_counter() - started:.1f} s")
    assert [check.reason for check in checks if not check.ready] == []
