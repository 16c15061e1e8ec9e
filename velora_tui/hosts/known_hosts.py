"""Host keys: which are trusted, which are new, which changed."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from shlex import quote

import asyncssh

from velora_tui.errors import HostError, HostKeyChanged, HostKeyUnknown

SSH_PORT = 22
_reading = threading.Lock()


@dataclass(frozen=True)
class HostKey:
    """A key that a server offered and no known_hosts file has; accepting it appends `line` to `known_hosts`."""

    instance: str
    host: str
    port: int
    algorithm: str
    fingerprint: str
    line: str
    known_hosts: Path


@dataclass(frozen=True)
class KnownHosts:
    """The known_hosts files of one connection: read all, append to the first."""

    files: tuple[Path, ...]
    entries: asyncssh.SSHKnownHosts

    @classmethod
    async def load(cls, configured: list[str] | None) -> KnownHosts:
        """Read the `configured` files, or the user's and the machine's; files that are missing count as empty."""
        names = configured or ["~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"]
        files = tuple(_expanded(name) for name in names if name not in {"none", os.devnull})
        return cls(files, await asyncio.to_thread(_read, files))

    def refusal(self, instance: str, host: str, addr: str, port: int, offered: asyncssh.SSHKey | None) -> HostError:
        """Say why the key that the server offered (None: none that we could use) was not accepted."""
        trusted, revoked = _match_exactly(self.entries, host, addr, port)
        where = _as_noted(host, port)
        fingerprint = offered.get_fingerprint() if offered else "not shown"
        if trusted or revoked:
            known = ", ".join(sorted(key.get_fingerprint() for key in trusted)) or "revoked"
            return HostKeyChanged(
                f"the host key of {where} is not the known one: offered {fingerprint}, known {known}",
                hint="someone may be listening in, or the machine was rebuilt; if you are sure, take its old line "
                f"out with {self._removal(host, addr, port)}",
                instance=instance,
            )
        return HostKeyUnknown(
            f"the host key of {where} is not known: {fingerprint}",
            hint="compare the fingerprint with the machine's own, then accept it: with --accept-new-host-keys, or by "
            "K on the dashboard",
            instance=instance,
        )

    def _removal(self, host: str, addr: str, port: int) -> str:
        """Return the command that takes the key of that host out of the file that has it."""
        noted = ((file, name) for file in self.files for name in (host, addr) if name)
        for file, name in noted:
            if any(_match_exactly(_read((file,)), name, "", port)):
                return f"ssh-keygen -R '{_as_noted(name, port)}' -f {quote(str(file))}"
        return f"ssh-keygen -R '{_as_noted(host, port)}'"

    def offer(self, instance: str, host: str, port: int, key: asyncssh.SSHKey) -> HostKey | None:
        """Describe an unknown key for the one who decides; None where there is no file to keep it in."""
        if not self.files:
            return None
        public = key.export_public_key("openssh").decode().split()[:2]
        line = " ".join([_as_noted(host, port), *public])
        return HostKey(instance, host, port, public[0], key.get_fingerprint(), line, self.files[0])


async def accept_new_host_key(key: HostKey) -> None:
    """Trust `key` from now on.

    Raises HostKeyChanged where another key for that host was added meanwhile, HostKeyUnknown where it can't be kept.
    """
    known = await KnownHosts.load([str(key.known_hosts)])
    offered = asyncssh.import_public_key(key.line.split(" ", 1)[1])
    trusted, revoked = _match_exactly(known.entries, key.host, "", key.port)
    if offered in trusted:
        return
    if trusted or revoked:
        raise known.refusal(key.instance, key.host, "", key.port, offered)
    try:
        await asyncio.to_thread(_append, key.known_hosts, key.line)
    except OSError as error:
        raise HostKeyUnknown(
            f"the host key of {key.host} cannot be kept in {key.known_hosts}: {error.strerror}",
            hint="check the rights of that file and of its folder",
            instance=key.instance,
        ) from error


@dataclass(frozen=True)
class _Version:
    """What changes when somebody writes a file."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, file: Path) -> _Version | None:
        try:
            status = file.stat()
        except OSError:
            return None
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _read(files: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
    """Read the files, once for all the hosts of a fleet: thousands of keys take their time."""
    with _reading:
        return _entries(files, tuple(_Version.of(file) for file in files))


@lru_cache(maxsize=8)
def _entries(files: tuple[Path, ...], _: tuple[_Version | None, ...]) -> asyncssh.SSHKnownHosts:
    entries = asyncssh.SSHKnownHosts()
    for line in (line for file in files if file.is_file() for line in file.read_text(errors="replace").splitlines()):
        try:
            entries.load(line)
        except ValueError:
            continue  # one damaged line must not lock the operator out of every machine
    return entries


def _match_exactly(
    entries: asyncssh.SSHKnownHosts, host: str, addr: str, port: int
) -> tuple[set[asyncssh.SSHKey], set[asyncssh.SSHKey]]:
    """Return the keys trusted and the keys revoked for this very host and port."""
    trusted: set[asyncssh.SSHKey] = set()
    revoked: set[asyncssh.SSHKey] = set()
    for name in {host, addr} - {""}:
        # asyncssh would fall back to entries without a port: a key noted for another port has not changed here.
        host_keys, _, revoked_keys, *_ = entries.match(_as_noted(name, port), "", None)
        trusted.update(host_keys)
        revoked.update(revoked_keys)
    return trusted, revoked


def _as_noted(name: str, port: int) -> str:
    """Return a host and port as known_hosts files have them."""
    return name if port == SSH_PORT else f"[{name}]:{port}"


def _expanded(name: str) -> Path:
    return Path(name).expanduser()


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 1))
        broken = size > 0 and stream.read(1) != b"\n"
        stream.write((b"\n" if broken else b"") + line.encode() + b"\n")
