"""All cheap checks on 50 hosts against `ansible -m shell` and `pssh` running the same probes; and one host that hangs.

Run: python -m pytest tests/benchmarks/bench_checks.py -s
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.peers import Way, call, in_turns, server, ssh_options
from tests.readiness.conftest import Machine, install
from velora_tui.domain.events import InstanceChecked
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import Readiness
from velora_tui.engine.engine import Engine
from velora_tui.hosts.ssh import SshHost
from velora_tui.readiness.checks import checks_for
from velora_tui.store.layout import Layout

HOSTS = 50
ROUNDS = 2
CHEAP = 12

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """One sshd with a harness in good order, which stands for all hosts."""
    with server(tmp_path) as sshd:
        target = sshd.target()
        reach = {
            "host": "127.0.0.1",
            "port": sshd.port,
            "user": target.user,
            "identity_file": target.identity_file,
            "ssh_config": target.ssh_config,
            "known_hosts": target.known_hosts,
        }
        machine = Machine(sshd.home, tmp_path / "good", reach, SshHost(target))
        install(machine)
        (tmp_path / "ssh_options").write_text("\n".join(ssh_options(sshd)))
        yield machine


def fleet_of(machine: Machine, hosts: int = HOSTS) -> Fleet:
    fleet = machine.fleet()
    (instance,) = fleet.instances
    names = [f"eval{number}" for number in range(hosts)]
    return fleet.model_copy(update={"instances": tuple(instance.model_copy(update={"name": name}) for name in names)})


def probes(machine: Machine) -> str:
    """Return the probes of all cheap checks as an operator would run them, one after another.

    The hosts share this machine's disk, so Ansible need not even send them.
    """
    subject = machine.subject(machine.fleet())
    cheap = [check for check in checks_for(subject) if check.probe is not None and not check.slow]
    assert len(cheap) == CHEAP
    scripts = [f"(\n{check.probe(subject)}\n)" for check in cheap if check.probe is not None]
    return "\n".join(['export PATH="$HOME/.local/bin:$PATH"', *scripts, "true", ""])


def require_answers(readiness: tuple[Readiness, ...]) -> None:
    """Check that everything cheap was answered, and found in order."""
    for one in readiness:
        answered = [check for check in one.checks if check.at is not None and check.id not in {"load", "memory"}]
        assert len(answered) == CHEAP + 1 - 2
        assert {check.status for check in answered} == {"ok"}, one.reason


async def test_all_cheap_checks_on_fifty_hosts(machine: Machine, tmp_path: Path) -> None:
    script = tmp_path / "probes.sh"
    script.write_text(probes(machine))
    (tmp_path / "ansible.cfg").touch()
    config = tmp_path / "config"
    port = machine.reach["port"]
    config.write_text(f"Host eval*\n  HostName 127.0.0.1\n  Port {port}\n  HostKeyAlias [127.0.0.1]:{port}\n")
    (tmp_path / "hosts").write_text("".join(f"eval{number}\n" for number in range(HOSTS)))
    options = (tmp_path / "ssh_options").read_text().splitlines()
    words = ["-F", str(config), *options[2:]]

    async def velora() -> None:
        async with Engine(fleet_of(machine), Layout.under(tmp_path / f"state{time.monotonic_ns()}")) as engine:
            require_answers(await engine.check(slow=False))

    async def pssh() -> None:
        arguments = ["-p", "8", "-t", "0", "-h", str(tmp_path / "hosts"), "-x", " ".join(words), "-I", "sh"]
        await call("sh", "-c", f'exec parallel-ssh "$@" <{script}', "parallel-ssh", *arguments)

    async def ansible() -> None:
        settings = {
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_ARGS": " ".join(words),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "LC_ALL": "C.UTF-8",
        }
        given = [f"{name}={value}" for name, value in settings.items()]
        inventory = ["-i", str(tmp_path / "hosts"), "-f", "10"]
        await call("env", *given, _ansible(), *inventory, "all", "-m", "shell", "-a", f"sh {script}")

    ways: dict[str, Way] = {"velora": velora}
    if shutil.which("parallel-ssh"):
        ways["pssh -p 8"] = pssh
    if _ansible():
        ways["ansible -f 10"] = ansible
    if len(ways) < 3:
        pytest.skip("parallel-ssh (apt: pssh) or ansible (pip: ansible-core) is not installed")
    seconds = {name: statistics.median(times) for name, times in (await in_turns(ways, ROUNDS)).items()}
    shown = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    print(f"\n{CHEAP} probes on {HOSTS} hosts, connecting (load {os.getloadavg()[0]:.1f}): {shown}")
    assert seconds["velora"] <= seconds["ansible -f 10"] / 5
    assert seconds["velora"] <= seconds["pssh -p 8"]


async def test_one_host_that_hangs_delays_nobody(machine: Machine, tmp_path: Path) -> None:
    fleet = fleet_of(machine)
    together = await _seconds_of(fleet, tmp_path / "without")
    silent = await asyncio.start_server(lambda _reader, _writer: asyncio.sleep(3600), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        hung = fleet.instances[0].model_copy(update={"name": "hung", "port": port})
        beside = await _seconds_of(fleet.model_copy(update={"instances": (hung, *fleet.instances)}), tmp_path / "with")
    print(f"\n{HOSTS} hosts checked in {together:.2f} s; beside one that hangs in {beside:.2f} s")
    assert beside < together * 1.5 + 0.5


async def _seconds_of(fleet: Fleet, state: Path) -> float:
    """Return how long it takes until all instances but the hung one have answered."""
    async with Engine(fleet, Layout.under(state)) as engine:
        with engine.observe() as subscription:
            waiting = {instance.name for instance in fleet.instances} - {"hung"}
            started = time.perf_counter()
            checking = asyncio.create_task(engine.check(slow=False))
            async for event in subscription:
                if isinstance(event, InstanceChecked):
                    waiting.discard(event.instance)
                if not waiting:
                    break
            seconds = time.perf_counter() - started
        checking.cancel()
        await asyncio.wait({checking})
    return seconds


def _ansible() -> str:
    """Return where Ansible is; "" where it is not."""
    return shutil.which("ansible", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or ""
