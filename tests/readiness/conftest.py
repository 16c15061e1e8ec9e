"""A real sshd whose user has a harness in good order, made of stand-ins, to be broken on purpose."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.domain.fleet import HARNESS_SCRIPT, CriticalFile, Defaults, Fleet, Instance, Model, OwnCheck
from velora_tui.domain.readiness import CheckResult
from velora_tui.hosts.host import Host
from velora_tui.hosts.ssh import SshHost
from velora_tui.readiness.checks import Subject, checks_for
from velora_tui.readiness.files import good_sums
from velora_tui.readiness.probe import Contact, ask

ROOT = "SWETEs7/the harness"
CONFIG = '[core]\nx = 1\n[llm.gpt]  # ours\nmodel = "m"\n["llm.claude"]\nmodel = "n"\n'
PYTHON_THAT_WORKS = """
case "$*" in
"run python -c import "*) exit 0 ;;
"run python -c "*" llm.gpt llm.claude") printf 'key %s 200\\n' llm.gpt llm.claude ;;
*) exit 64 ;;
esac
"""
DOCKER_THAT_WORKS = r"""
case "$*" in
"version --format {{.Server.Version}}") echo 24.0.7 ;;
"system df"*) printf 'Images\t12.5GB\t2.5GB (20%%)\nContainers\t0B\t0B\nBuild Cache\t0B\t0B\n' ;;
"image inspect"*) echo "Error: No such image: x" >&2; exit 1 ;;
*) exit 64 ;;
esac
"""
FILES = (HARNESS_SCRIPT, "openhands/runtime/builder/docker.py")


@dataclass
class Machine:
    """One instance: its home, its harness, and how it is seen."""

    home: Path
    good: Path
    reach: dict[str, Any]
    host: Host
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.home / ROOT

    def stub(self, name: str, script: str) -> None:
        """Put a program of that name where the harness's PATH finds it first."""
        path = self.home / ".local/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "safe.directory=*"]
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True, timeout=30)

    def fleet(self, *own: OwnCheck, **defaults: Any) -> Fleet:
        """Return the fleet that has this machine, with checks of its own; the harness is its recipe."""
        values = {"recipe": "harness", "harness": f"~/{ROOT}", "max_disk_percent": 100, **defaults}
        return Fleet(
            defaults=Defaults(**values),
            models={"llm.gpt": Model(), "llm.claude": Model()},
            critical_files=tuple(CriticalFile(path=path, source=self.good / Path(path).name) for path in FILES),
            checks=own,
            instances=(Instance(name="eval1", **self.reach, **self.changes),),
        )

    def subject(self, fleet: Fleet, **changes: Any) -> Subject:
        instance = fleet.instance("eval1")
        assert instance is not None
        return Subject(instance, fleet, fleet.defaults.recipe, good=good_sums(fleet.watched_files), **changes)

    async def ask(self, *names: str, fleet: Fleet | None = None, **changes: Any) -> dict[str, CheckResult]:
        """Ask the checks called `names`, or all, and return the results."""
        results: dict[str, CheckResult] = {}
        await self.ask_each(results, *names, fleet=fleet, **changes)
        return results

    async def ask_each(
        self, results: dict[str, CheckResult], *names: str, fleet: Fleet | None = None, **changes: Any
    ) -> Contact:
        """Ask, and keep each result in `results` the moment it comes."""
        subject = self.subject(fleet or self.fleet(), **changes)
        checks = [check for check in checks_for(subject) if not names or check.id in names]

        def keep(result: CheckResult) -> None:
            assert result.id not in results, "an answer counts once"
            results[result.id] = result

        return await ask(self.host, subject, checks, keep)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A running sshd."""
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path_factory.mktemp("instance") / "sshd")
    yield server
    server.stop()


@pytest.fixture
async def machine(sshd: Sshd, tmp_path: Path) -> AsyncIterator[Machine]:
    """An instance that is ready for the harness."""
    shutil.rmtree(sshd.home)
    sshd.home.mkdir()
    target = sshd.target()
    reach = {
        "host": "127.0.0.1",
        "port": sshd.port,
        "user": target.user,
        "identity_file": target.identity_file,
        "ssh_config": target.ssh_config,
        "known_hosts": target.known_hosts,
    }
    host = SshHost(sshd.target())
    machine = Machine(sshd.home, tmp_path / "good", reach, host)
    install(machine)
    yield machine
    await host.close()


def install(machine: Machine) -> None:
    """Put a harness in good order on the machine."""
    machine.good.mkdir()
    for path in FILES:
        (machine.good / Path(path).name).write_text(f"the good {path}\n")
        machine.put(path, f"the good {path}\n", 0o755 if path == HARNESS_SCRIPT else 0o644)
    machine.put("config.toml", CONFIG)
    machine.stub("poetry", PYTHON_THAT_WORKS)
    machine.stub("docker", DOCKER_THAT_WORKS)
    machine.stub("aws", "echo images/x.tar")
    machine.git("init", "-q")
    machine.git("commit", "-q", "--allow-empty", "-m", "x")
