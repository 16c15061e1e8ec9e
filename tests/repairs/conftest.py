"""An instance behind a real sshd with a harness on it, to be broken on purpose, and engines that mend it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.domain.events import AnyEvent, RepairEnded
from velora_tui.domain.fleet import CriticalFile, Defaults, Fleet, Instance, OwnCheck
from velora_tui.domain.readiness import CheckStatus
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.engine.engine import Engine
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

DOCKER_PY = "openhands/runtime/builder/docker.py"
SCRIPT = "evaluation/benchmarks/multi_swe_bench/scripts/run_full_eval_with_s3.sh"


@dataclass
class Bench:
    """One instance, the good copies, and an operator's folder."""

    sshd: Sshd
    folder: Path
    port: int | None = None
    critical_files: tuple[CriticalFile, ...] = ()
    checks: tuple[OwnCheck, ...] = ()
    max_disk_percent: int = 100
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The harness's folder on the instance."""
        return self.sshd.home / "harness"

    @property
    def fleet(self) -> Fleet:
        target = self.sshd.target()
        instance = Instance(
            name="eval1",
            host="127.0.0.1",
            port=self.port or self.sshd.port,
            user=target.user,
            identity_file=target.identity_file,
            ssh_config=target.ssh_config,
            known_hosts=self._known_hosts(),
            harness="~/harness",
            max_disk_percent=self.max_disk_percent,
            **self.changes,
        )
        others = [instance.model_copy(update={"name": name, **changes}) for name, changes in self.others.items()]
        return Fleet(
            defaults=Defaults(recipe="harness"),
            instances=(instance, *others),
            critical_files=self.critical_files,
            checks=self.checks,
        )

    def engine(self, state: str = "state", **options: Any) -> Engine:
        """Return an engine of the operator with that folder."""
        return Engine(self.fleet, Layout.under(self.folder / state), **options)

    def good_copy(self, path: str, text: str, *, md5: str | None = None, mode: int = 0o644) -> Path:
        """Make the good local copy of a critical file."""
        source = self.folder / "good" / Path(path).name
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        source.chmod(mode)
        wanted = md5 or hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        self.critical_files += (CriticalFile(path=path, md5=wanted, source=source),)
        return source

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Put a file into the harness."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        return target

    def tool(self, name: str, script: str) -> Path:
        """Put a program on the instance's PATH, before all others."""
        path = self.sshd.home / ".local" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    async def plan(self, name: str, **options: Any) -> RepairPlan:
        async with self.engine(**options) as engine:
            (plan,) = await engine.plan_repair(["eval1"], name)
            return plan

    async def mend(self, name: str) -> tuple[RepairPlan, RepairResult]:
        """Plan a repair and carry it out."""
        async with self.engine() as engine:
            (plan,) = await engine.plan_repair(["eval1"], name)
            return plan, await engine.repair(plan)

    async def journal(self, state: str = "state") -> list[AnyEvent]:
        """Return all that was journalled."""
        async with Journal(Layout.under(self.folder / state).journal) as journal:
            return await journal.events()

    def _known_hosts(self) -> Path:
        if self.port is None:
            return self.sshd.known_hosts
        known = self.folder / f"known_hosts_{self.port}"
        public = " ".join((self.sshd.folder / "host_key.pub").read_text().split()[:2])
        known.write_text(f"[127.0.0.1]:{self.port} {public}\n")
        return known


def statuses(result: RepairResult | RepairEnded) -> tuple[CheckStatus | None, CheckStatus | None]:
    """Return the status of the repair's check before and after."""
    return result.before and result.before.status, result.after and result.after.status


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose harness is an empty folder."""
    if reason := why_not():
        pytest.skip(reason)
    home = tmp_path / "operator-home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    server = make_sshd(tmp_path / "sshd")
    bench = Bench(server, tmp_path, changes={"env": {"PATH": os.environ["PATH"]}})
    bench.root.mkdir()
    _see_only_own_runs(bench)
    yield bench
    server.stop()


def _see_only_own_runs(bench: Bench) -> None:
    """Keep runs that other tests have started by hand on this machine out of sight of this instance."""
    marker = f"run_infer_{bench.folder.name}"
    grep = shutil.which("grep")
    find = f'case "$*" in *"[r]un_infer"*) exec {grep} -ls {marker} /proc/[0-9]*/cmdline ;; esac'
    bench.tool("grep", f'{find}\nexec {grep} "$@"')
