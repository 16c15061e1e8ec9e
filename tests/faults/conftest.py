"""A fleet of one real sshd, an operator with a folder of their own, and commands that may be killed at any moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.config import load_fleet
from velora_tui.demo.fleet import AGENT_FOLDER, DemoFleet, demo_fleet
from velora_tui.domain.fleet import Agent, Fleet, Instance
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

SPEED = 15
# The tests of the demo's tasks need pytest, which the interpreter that runs this has.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
# Notes every start of the agent, so that a second one of the same attempt shows; one that is held does not end.
AGENT = (
    'echo "$VELORA_TASK" >> ~/starts; python3 -I -S ~/agent/scripted_agent.py --speed {speed:g} --seed 1 '
    "&& while [ -e ~/held ]; do sleep 0.05; done"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoFleet]:
    """The embedded fleet, of which only storage and datasets are used here."""
    async with demo_fleet(tmp_path_factory.mktemp("demo"), instances=1, seed=1, speed=SPEED) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real OpenSSH server, whose user has the demo's agent at home."""
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path_factory.mktemp("instance") / "sshd")
    shutil.copytree(AGENT_FOLDER, server.home / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    yield server
    server.stop()


def fleet_of(demo: DemoFleet, sshd: Sshd, *, speed: float = SPEED, port: int | None = None, names: int = 1) -> Fleet:
    """Return the demo's fleet with `sshd`, or what listens on `port` before it, as its instances."""
    known = sshd.folder / f"known_hosts_{port or sshd.port}"
    public = " ".join((sshd.folder / "host_key.pub").read_text().split()[:2])
    known.write_text(f"[127.0.0.1]:{port or sshd.port} {public}\n")
    target = sshd.target()
    fleet = load_fleet(demo.fleet_file)
    instances = tuple(
        Instance(
            name=f"eval{number + 1}",
            host="127.0.0.1",
            port=port or sshd.port,
            user=target.user,
            identity_file=target.identity_file,
            ssh_config=target.ssh_config,
            known_hosts=known,
            max_disk_percent=100,
            env={"PATH": PATH},
        )
        for number in range(names)
    )
    agents = {"scripted": Agent(command=AGENT.format(speed=speed))}
    return fleet.model_copy(update={"instances": instances, "agents": agents})


def engine_of(fleet: Fleet, state: Path) -> Engine:
    """Return an engine of the operator whose folder is `state`."""
    return Engine(fleet, Layout.under(state))


class Command(subprocess.Popen[bytes]):
    """A command of Velora that runs; what it says is kept in files, which hold up nobody."""

    def __init__(self, folder: Path, arguments: tuple[str, ...]) -> None:
        self._out = tempfile.NamedTemporaryFile(dir=folder, prefix="out-")  # noqa: SIM115 - lives as long as this does
        self._err = tempfile.NamedTemporaryFile(dir=folder, prefix="err-")  # noqa: SIM115
        super().__init__(
            [sys.executable, "-m", "velora_tui", "--fleet", "velora.toml", "--state", "state", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
        )

    @property
    def out(self) -> str:
        return Path(self._out.name).read_text()

    @property
    def err(self) -> str:
        return Path(self._err.name).read_text()


@dataclass(frozen=True)
class Operator:
    """Somebody who types commands; `folder` holds their fleet file, journal, logs and results."""

    folder: Path

    def start(self, *arguments: str) -> Command:
        """Start `velora ARGUMENTS…`."""
        return Command(self.folder, arguments)

    @property
    def layout(self) -> Layout:
        return Layout.under(self.folder / "state", self.folder / "results")


def make_operator(folder: Path, demo: DemoFleet, sshd: Sshd) -> Operator:
    """Lay out an operator's folder, with a fleet file that leads to `sshd`."""
    folder.mkdir(parents=True)
    target = sshd.target()
    text = demo.fleet_file.read_text().split("[[instances]]")[0]
    kept = [line for line in text.splitlines() if not line.startswith(("results =", "state =", "command =", "user ="))]
    agent = kept.index("[agents.scripted]")
    kept.insert(agent + 1, f"command = '''{AGENT.format(speed=SPEED)}'''")
    kept.insert(kept.index("[fleet]") + 1, 'results = "results"')
    kept = [line for line in kept if not line.startswith("known_hosts")]
    instance = (
        f'[[instances]]\nname = "eval1"\nhost = "127.0.0.1"\nport = {sshd.port}\nuser = "{target.user}"\n'
        f'identity_file = "{target.identity_file}"\nssh_config = "{target.ssh_config}"\n'
        f'known_hosts = "{sshd.known_hosts}"\nmax_disk_percent = 100\nenv = {{ PATH = "{PATH}" }}\n'
    )
    (folder / "velora.toml").write_text("\n".join([*kept, instance]))
    return Operator(folder)
