"""Runs of the harness that were started by hand."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.hosts.conftest import until
from tests.repairs.conftest import Bench

# The run of the harness starts a child in a session of its own, which no signal to a group would reach.
_RUN = """\
echo $$ >"$1/root"
setsid sh -c 'echo $$ >"$0/child"; {trap} while :; do sleep 0.05; done' "$1" &
while :; do sleep 0.05; done
"""


@dataclass
class Stray:
    """A run of the harness that was started by hand."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def pids(self) -> list[int]:
        return [int((self.folder / name).read_text()) for name in ("root", "child")]

    @property
    def living(self) -> list[int]:
        return [pid for pid in self.pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]

    def kill(self) -> None:
        """Leave nothing of it behind."""
        for pid in self.living:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        self.process.kill()
        self.process.wait()


def start_stray(bench: Bench, *, trap: str = "") -> Stray:
    folder = bench.folder / "stray"
    folder.mkdir()
    script = folder / f"run_infer_{bench.folder.name}.sh"
    script.write_text(_RUN.format(trap=trap))
    process = subprocess.Popen(["sh", str(script), str(folder), "--api-key", "hush-hush"], start_new_session=True)
    return Stray(process, folder)


async def begun(stray: Stray) -> None:
    await until(lambda: all((stray.folder / name).exists() for name in ("root", "child")))
    await until(lambda: all((stray.folder / name).read_text() for name in ("root", "child")))


async def ended(stray: Stray) -> None:
    await until(lambda: stray.process.poll() is not None)
    await until(lambda: not stray.living)
