"""Open an SSH connection as the operator's `ssh` would, and say clearly why where that fails."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import asyncssh
import stamina

from velora_tui.errors import AuthenticationFailed, HostError, HostKeyUnknown, Unreachable
from velora_tui.hosts.known_hosts import HostKey, KnownHosts
from velora_tui.hosts.turns import Turn, Turns

# sshd drops connections at random once ten of them wait for their login (MaxStartups 10:30:100).
CONNECT_BUDGET = 8
# A machine that does not answer, or answers and then hangs, must not keep the others from connecting.
_SILENCE_SECONDS = 2.0
_LOGIN_SECONDS = 4.0
_CONNECT_TRIES = 4
_MAXIMUM_JUMPS = 8
# After those of the keys that are known: a server that comes with another kind must be seen as changed.
_HOST_KEY_ALGORITHMS = (
    "+ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
)
_connects = Turns(CONNECT_BUDGET, _SILENCE_SECONDS)
# Parsing is slow work for the interpreter: several threads of it at once would starve the event loop.
_config_parsers = Turns(1, _SILENCE_SECONDS)


@dataclass(frozen=True)
class SshTarget:
    """How to reach an instance. `host` may be an alias of the SSH config; what is None comes from there.

    `default_user` logs in where neither `user` nor the SSH config names one. `jump` is what ProxyJump takes:
    user@host:port, several with commas. A peer that went silent is noticed after about three times
    `keepalive_seconds`.
    """

    name: str
    host: str
    port: int | None = None
    user: str | None = None
    default_user: str | None = None
    identity_file: Path | None = None
    jump: str | None = None
    ssh_config: Path | None = None
    known_hosts: Path | None = None
    connect_timeout_seconds: float = 20.0
    keepalive_seconds: float = 10.0


@dataclass(frozen=True)
class Link:
    """A connection that is up, and the connections it goes through."""

    connection: asyncssh.SSHClientConnection
    jumps: tuple[asyncssh.SSHClientConnection, ...]

    @property
    def alive(self) -> bool:
        """Tell whether new channels may still be opened."""
        return not self.connection.is_closed()

    async def close(self) -> None:
        """Close it all, in the order in which one goes through the other."""
        for connection in (self.connection, *reversed(self.jumps)):
            connection.abort()
            await connection.wait_closed()


class Watcher(asyncssh.SSHClient):
    """Notes what a server offers while it is being connected to, and when it goes away."""

    def __init__(self, on_lost: Callable[[Exception | None], None], turn: Turn) -> None:
        self.offered: asyncssh.SSHKey | None = None
        self.address = ""
        self.accepts: list[str] = []
        self.key_locked = False
        self._on_lost = on_lost
        self._turn = turn

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._turn.keep(_LOGIN_SECONDS)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.offered, self.address = key, addr
        return False

    def public_key_auth_requested(self) -> None:
        self.accepts.append("key")

    def password_auth_requested(self) -> None:
        self.accepts.append("password")

    def kbdint_auth_requested(self) -> None:
        self.accepts.append("keyboard-interactive")

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost(exc)


class UntrustedKey(Exception):
    """Carries the refusal of a host key together with the key that may be accepted."""

    def __init__(self, error: HostError, key: HostKey | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.key = key


async def connect(target: SshTarget, on_lost: Callable[[Exception | None], None]) -> Link:
    """Connect to `target`, through its jump hosts, within its time limit. Raises HostErrors and UntrustedKey."""
    async with _connects.turn() as turn:
        try:
            async with asyncio.timeout(target.connect_timeout_seconds) as limit:
                return await _connect_undropped(target, on_lost, turn)
        except TimeoutError as error:
            if not limit.expired():
                raise _unreachable(target, target.host, error) from error
            raise Unreachable(
                f"no answer from {target.host} within {target.connect_timeout_seconds:g} s",
                hint="is the instance up, and does its firewall let this machine in?",
                instance=target.name,
            ) from None


async def _connect_undropped(target: SshTarget, on_lost: Callable[[Exception | None], None], turn: Turn) -> Link:
    """Connect, and again where the server hung up at once: too many others may just be logging in there."""
    async for attempt in stamina.retry_context(
        on=_was_dropped, attempts=_CONNECT_TRIES, wait_initial=0.1, wait_max=1.0, wait_jitter=0.3
    ):
        with attempt:
            return await _connect_through(target, on_lost, turn, depth=0)
    raise AssertionError("a retry ends with a result or an error")


def _was_dropped(error: Exception) -> bool:
    return isinstance(error, Unreachable) and isinstance(
        error.__cause__, asyncssh.ConnectionLost | ConnectionResetError
    )


async def _connect_through(
    target: SshTarget, on_lost: Callable[[Exception | None], None], turn: Turn, depth: int
) -> Link:
    options = await _resolve(target)
    target = replace(target, user=target.user or cast(str, options.config.get("User", "")) or target.default_user)
    route = _route(target, options) if depth < _MAXIMUM_JUMPS else []
    jumps: list[asyncssh.SSHClientConnection] = []
    try:
        for number, hop in enumerate(route):
            if number == 0:
                link = await _connect_through(await _jump_target(target, hop), _ignore_loss, turn, depth + 1)
                jumps += [*link.jumps, link.connection]
            else:
                step = await _jump_target(target, hop)
                jumps.append(await _open(step, await _resolve(step), jumps[-1], Watcher(_ignore_loss, turn)))
        watcher = Watcher(on_lost, turn)
        return Link(await _open(target, options, jumps[-1] if jumps else None, watcher), tuple(jumps))
    except BaseException:
        for connection in reversed(jumps):
            connection.abort()
        raise


def _ignore_loss(_: Exception | None) -> None:
    """Leave the loss of a jump host to the connection that goes through it."""


def _route(target: SshTarget, options: asyncssh.SSHClientConnectionOptions) -> list[str]:
    jump = target.jump or (options.tunnel if isinstance(options.tunnel, str) else "")
    hops = [hop.strip().removeprefix("ssh://") for hop in jump.split(",") if hop.strip() not in {"", "none"}]
    # A pattern such as `Host *` gives the jump host itself a ProxyJump too.
    return hops if target.host not in {hop.rpartition("@")[2].partition(":")[0] for hop in hops} else []


async def _jump_target(target: SshTarget, hop: str) -> SshTarget:
    """Describe a jump host: it takes the instance's key only where the SSH config names none for it."""
    user, _, address = hop.rpartition("@")
    host, colon, port = address.rpartition(":")
    numbered = bool(colon) and port.isdecimal() and (":" not in host or host.endswith("]"))
    jump = replace(
        target,
        host=(host if numbered else address).strip("[]"),
        port=int(port) if numbered else None,
        user=user or None,
        default_user=None,
        jump=None,
    )
    configured = (await _resolve(jump)).config.get("IdentityFile")
    return replace(jump, identity_file=None) if configured else jump


async def _resolve(target: SshTarget) -> asyncssh.SSHClientConnectionOptions:
    """Read the SSH config for `target`, without loading keys."""
    if target.ssh_config is not None and not target.ssh_config.is_file():
        raise Unreachable(f"the SSH config {target.ssh_config} does not exist", instance=target.name)
    try:
        async with _config_parsers.turn():
            options = await asyncssh.SSHClientConnectionOptions.construct(**_options(target), client_keys=None)
    except (OSError, ValueError, asyncssh.ConfigParseError) as error:
        raise Unreachable(f"the SSH configuration for {target.host} is wrong: {error}", instance=target.name) from error
    return cast(asyncssh.SSHClientConnectionOptions, options)


def _options(target: SshTarget) -> dict[str, Any]:
    options: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "username": target.user,
        "config": [str(target.ssh_config)] if target.ssh_config else (),  # none named: the user's own
    }
    return {name: value for name, value in options.items() if value is not None}


async def _open(
    target: SshTarget,
    options: asyncssh.SSHClientConnectionOptions,
    through: asyncssh.SSHClientConnection | None,
    watcher: Watcher,
) -> asyncssh.SSHClientConnection:
    known = await KnownHosts.load([str(target.known_hosts)] if target.known_hosts else _listed(options.known_hosts))
    extra: dict[str, Any] = {} if through is None else {"tunnel": through}
    if not options.config.get("Ciphers"):
        extra["encryption_algs"] = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
    if not options.config.get("HostKeyAlgorithms"):
        extra["server_host_key_algs"] = _HOST_KEY_ALGORITHMS
    try:
        return await asyncssh.connect(
            **(_known_options(target, options) | extra | await _identity(target, watcher)),
            agent_forwarding=False,
            x11_forwarding=False,
            known_hosts=known.entries,
            client_factory=lambda: watcher,
            keepalive_interval=target.keepalive_seconds,
            keepalive_count_max=2,
            connect_timeout=None,
            login_timeout=target.connect_timeout_seconds,
        )
    except (OSError, asyncssh.Error, ValueError) as error:
        raise _explain(target, options, known, watcher, error) from error


def _known_options(target: SshTarget, options: asyncssh.SSHClientConnectionOptions) -> dict[str, Any]:
    """Take `options` as they are, unless the SSH config must be read once more for what a host turns out to be."""
    config = options.config
    if config.has_match_final() or options.canonicalize_hostname or isinstance(options.tunnel, str):
        return _options(target)
    return {**_options(target), "options": options, "config": None, "client_keys": ()}


def _listed(known_hosts: object) -> list[str] | None:
    return [str(name) for name in known_hosts] if isinstance(known_hosts, (list, tuple)) and known_hosts else None


async def _identity(target: SshTarget, watcher: Watcher) -> dict[str, Any]:
    """Offer only the key that the fleet file names; where it has a passphrase, its twin in the agent may answer."""
    file = target.identity_file
    if file is None:
        return {}
    try:
        await asyncio.to_thread(asyncssh.read_private_key, str(file.expanduser()))
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if "encrypt" in str(error):
            watcher.key_locked = True
            return {}
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AuthenticationFailed(
            f"the key {file} cannot be used: {reason}", hint="correct identity_file", instance=target.name
        ) from error
    return {"client_keys": [str(file.expanduser())], "agent_path": None}


def _explain(
    target: SshTarget,
    options: asyncssh.SSHClientConnectionOptions,
    known: KnownHosts,
    watcher: Watcher,
    error: Exception,
) -> HostError | UntrustedKey:
    host, port = str(options.host_key_alias or options.host), int(options.port)
    if isinstance(error, asyncssh.HostKeyNotVerifiable) or "No matching server host key" in str(error):
        refusal = known.refusal(target.name, host, watcher.address, port, watcher.offered)
        unknown = watcher.offered if isinstance(refusal, HostKeyUnknown) else None
        return UntrustedKey(refusal, known.offer(target.name, host, port, unknown) if unknown else None)
    if isinstance(error, asyncssh.PermissionDenied) or "Too many authentication failures" in str(error):
        return _denied(target, options, watcher, error)
    return _unreachable(target, f"{options.host}:{port}", error)


def _denied(
    target: SshTarget, options: asyncssh.SSHClientConnectionOptions, watcher: Watcher, error: Exception
) -> AuthenticationFailed:
    user = target.user or options.username
    where = target.host if options.host == target.host else f"{target.host} ({options.host})"
    if watcher.accepts and "key" not in watcher.accepts:
        return AuthenticationFailed(
            f"{where} asks {user} for a password and accepts no keys",
            hint=f"install a key there: ssh-copy-id {user}@{options.host}",
            instance=target.name,
        )
    return AuthenticationFailed(
        f"{where} does not accept {_tried_keys(target, options)} for {user}",
        hint="the key has a passphrase: give it to the agent with ssh-add"
        if watcher.key_locked
        else f"check user and identity_file: {error}",
        instance=target.name,
    )


def _tried_keys(target: SshTarget, options: asyncssh.SSHClientConnectionOptions) -> str:
    if target.identity_file:
        return f"the key {target.identity_file}"
    named = cast(list[str], options.config.get("IdentityFile", []))
    return f"the key {', '.join(named)} of the SSH config" if named else "any key of the agent or of ~/.ssh"


def _unreachable(target: SshTarget, where: str, error: Exception) -> Unreachable:
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"the name {target.host} is unknown",
            hint=f"check host, or its alias in {target.ssh_config or '~/.ssh/config'}",
            instance=target.name,
        )
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return Unreachable(
        f"no connection to {where}: {reason or type(error).__name__}",
        hint="is the instance up, is this its address, and does its firewall let this machine in?",
        instance=target.name,
    )
