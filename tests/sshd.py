"""A real OpenSSH server with its own host key, user key, known_hosts file and home folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from velora_tui.hosts.ssh_connect import SshTarget

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

_CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin yes
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding yes
Subsystem sftp internal-sftp
AllowStreamLocalForwarding yes
SetEnv "HOME={home}"
"""


def why_not() -> str | None:
    """Return why no server can be started here; None where one can."""
    return None if SSHD and shutil.which("ssh-keygen") else "OpenSSH's sshd and ssh-keygen are not installed"


@dataclass
class Sshd:
    """One server; `folder` holds everything that belongs to it.

    `launcher` is a command that runs it elsewhere, where its home folder may be called `home_there`.
    """

    folder: Path
    port: int
    lines: tuple[str, ...] = ()
    address: str = "127.0.0.1"
    launcher: tuple[str, ...] = ()
    home_name: str = "home"
    user: str = field(default_factory=lambda: psutil.Process().username())
    home_there: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def home(self) -> Path:
        return self.folder / self.home_name

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def target(self, name: str = "eval1", **changes: Any) -> SshTarget:
        """Return how to reach this server as its user, with any changes."""
        empty_config = self.folder / "ssh_config"
        target = SshTarget(
            name=name,
            host=self.address,
            port=self.port,
            user=self.user,
            identity_file=self.folder / "user_key",
            ssh_config=empty_config,
            known_hosts=self.known_hosts,
        )
        return replace(target, **changes)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        assert SSHD
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        # The first value of a keyword counts, so that `lines` can replace what is below them.
        values = {
            "port": self.port,
            "folder": self.folder,
            "home": self.home_there or self.home,
            "address": self.address,
        }
        (self.folder / "sshd_config").write_text("\n".join([*self.lines, _CONFIG.format(**values)]))
        pid_file = self.folder / "sshd.pid"
        pid_file.unlink(missing_ok=True)
        command = [*self.launcher, SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL)
        _await_file(pid_file, self.folder / "sshd.log")

    def stop(self) -> None:
        """Kill the server and every session of it, at once."""
        if self._process is not None:
            self.kill_sessions()
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill_sessions(self) -> int:
        """Kill the server's end of every connection, as a network that breaks would; return how many there were."""
        assert self._process is not None
        killed = 0
        for child in psutil.Process(self._process.pid).children(True):
            with suppress(psutil.NoSuchProcess):
                if child.name() == "sshd":
                    child.kill()
                    killed += 1
        return killed


def make_sshd(folder: Path, *lines: str, **fields: Any) -> Sshd:
    """Prepare keys, known_hosts and an empty home in `folder` and start a server with extra config `lines`.

    `fields` are those of Sshd.
    """
    server = Sshd(folder, free_port(), lines, **fields)
    server.home.mkdir(parents=True)
    make_key(folder / "host_key")
    make_key(folder / "user_key")
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    (folder / "ssh_config").touch()
    public = (folder / "host_key.pub").read_text().split()[:2]
    server.known_hosts.write_text(f"[{server.address}]:{server.port} {' '.join(public)}\n")
    server.start()
    return server


def make_key(path: Path, *options: str) -> None:
    """Make a key pair at `path`."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path), *options], check=True, timeout=30
    )


def free_port() -> int:
    """Return a loopback port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_file(pid_file: Path, log: Path, timeout_seconds: float = 10.0) -> None:
    """Wait for the file that sshd writes as soon as it listens."""
    deadline = time.monotonic() + timeout_seconds
    while not pid_file.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"sshd did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)
