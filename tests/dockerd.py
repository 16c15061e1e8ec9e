"""A real Docker daemon of the tests' own, with its data in a folder that goes with it; it needs root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DOCKERD = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_START_SECONDS = 60.0


def why_not() -> str | None:
    """Return why no daemon can be started here; None where one can."""
    if not (DOCKERD and shutil.which("docker")):
        return "Docker's dockerd and docker are not installed"
    return None if os.geteuid() == 0 else "dockerd needs root"


@dataclass
class Dockerd:
    """One daemon; containers have no network. `folder` is short, because paths of sockets are limited."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="velora-dockerd-")))
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket(self) -> str:
        return str(self.folder / "docker.sock")

    @property
    def command(self) -> list[str]:
        """The command that runs the daemon."""
        assert DOCKERD
        folder = self.folder
        return [
            *(DOCKERD, "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
            *("-H", f"unix://{self.socket}", "--pidfile", str(folder / "pid")),
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while self._docker("version").returncode != 0:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"dockerd did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End its containers, the daemon, whoever started it, and its data."""
        if self._docker("version").returncode == 0 and (containers := self("ps", "-aq").split()):
            self("rm", "-f", *containers)
        pid_file = self.folder / "pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            os.kill(pid, 15)
            deadline = time.monotonic() + 30
            while pid_file.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, *arguments: str) -> str:
        """Run `docker ARGUMENTS…` and return what it prints."""
        done = self._docker(*arguments)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def image(self, *names: str, mark: str = "") -> str:
        """Make an image with a shell and `sleep` in it, unlike any with another `mark`; return its id."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for program in ("sh", "sleep"):
                _pack(Path(shutil.which(program) or f"/bin/{program}"), root)
            (root / "mark").write_bytes((mark or "-".join(names)).encode() * 1000)
            packed = subprocess.run(["tar", "-C", folder, "-c", "."], capture_output=True, check=True, timeout=60)
        done = self._docker("import", "-", *names[:1], stdin=packed.stdout)
        image = done.stdout.decode().strip()
        for name in names[1:]:
            self("tag", image, name)
        return image

    def has(self, image: str) -> bool:
        """Tell whether an image of that id or name is there."""
        return self._docker("image", "inspect", image).returncode == 0

    def _docker(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}
        return subprocess.run(["docker", *arguments], env=environment, input=stdin, capture_output=True, timeout=60)


def _pack(program: Path, root: Path) -> None:
    """Copy a program and the libraries that it needs to where it looks for them."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=30).stdout
    (root / "bin").mkdir(exist_ok=True)
    shutil.copy(program.resolve(), root / "bin" / program.name)
    for library in re.findall(r"(/\S+) \(0x", listed):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)


@contextmanager
def dockerd(*, running: bool = True) -> Iterator[Dockerd]:
    """Give a daemon, running or not; where none can be started, the test is skipped with the reason."""
    if reason := why_not():
        pytest.skip(reason)
    daemon = Dockerd()
    try:
        if running:
            daemon.start()
        yield daemon
    finally:
        daemon.stop()
