"""An instance reached over SSH: one shared connection, opened on first use and again after a break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import asyncssh
import stamina

from velora_tui.errors import ConnectionLost, HostError, Unreachable
from velora_tui.hosts.command import run_command
from velora_tui.hosts.host import CommandResult, RemoteProcess
from velora_tui.hosts.known_hosts import HostKey, accept_new_host_key
from velora_tui.hosts.shell import invocation
from velora_tui.hosts.ssh_connect import Link, SshTarget, UntrustedKey, connect
from velora_tui.hosts.ssh_process import Marker, SshProcess
from velora_tui.hosts.turns import Turns

# sshd allows ten sessions on a connection (MaxSessions); the rest is for ending processes.
CHANNEL_BUDGET = 8
_ENDER_BUDGET = 2
_SHELL_START_SECONDS = 60.0
_TERMINATION_GRACE_SECONDS = 1.0
_GREETING_SECONDS = 1.0
_END_SECONDS = 3.0
_ALL_ENDS_SECONDS = 9.0  # of all commands of a connection, given up at once: they take turns
# Two hundred commands begun in one turn of the event loop would hold it up; a slow network gives the turn away.
_session_starts = Turns(at_once=16, seconds=0.05)


@dataclass(frozen=True)
class ConnectionState:
    """What is known of a connection, since when, and why it is down where it is."""

    kind: Literal["idle", "connecting", "connected", "unreachable"]
    since: datetime
    reason: str | None = None


class SshHost:
    """A machine behind SSH. `state` tells about the connection; `on_state` is called when it changes.

    `trust` decides about a key that was never seen before; without it, such keys are refused and `offered_key` is one.
    """

    def __init__(
        self,
        target: SshTarget,
        on_state: Callable[[ConnectionState], None] | None = None,
        trust: Callable[[HostKey], Awaitable[bool]] | None = None,
    ) -> None:
        self.name = target.name
        self.target = target
        self.state = ConnectionState("idle", datetime.now(UTC))
        self.offered_key: HostKey | None = None
        self._on_state = on_state
        self._trust = trust
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._channels = asyncio.Semaphore(CHANNEL_BUDGET)
        self._enders = asyncio.Semaphore(_ENDER_BUDGET)

    @asynccontextmanager
    async def open(self, command: str) -> AsyncIterator[RemoteProcess]:
        """Run `command`; leaving ends its process group on the instance. Raises HostErrors."""
        async with self._channels:
            link, process = await self._start(command)
            try:
                await process.started(_SHELL_START_SECONDS)
                if prefix := invocation(command).stdin_prefix:
                    await process.write(prefix)
                yield process
            finally:
                await self._end(link, process)

    async def run(
        self, command: str, *, stdin: bytes = b"", timeout_seconds: float = 60.0, check: bool = True
    ) -> CommandResult:
        """Run `command` to its end, as `Host.run` says."""
        return await run_command(self, command, stdin=stdin, timeout_seconds=timeout_seconds, check=check)

    async def connect(self) -> None:
        """Connect now where there is no connection. Raises HostErrors."""
        await self._connected()

    async def close(self) -> None:
        """Close the connection; what runs detached on the instance goes on."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()
        self._tell("idle")

    async def _start(self, command: str) -> tuple[Link, SshProcess]:
        """Open a channel, once more on a new connection where the old one turns out to be gone."""
        link = await self._connected()
        try:
            return link, await self._exec(link, command)
        except ConnectionLost:
            link = await self._connected()
            return link, await self._exec(link, command)

    async def _exec(self, link: Link, command: str) -> SshProcess:
        try:
            async for attempt in _retries_of_opening(link):
                with attempt:
                    async with _session_starts.turn():
                        return await self._create_session(link, command)
        except (asyncssh.Error, OSError) as error:
            if link.alive:
                raise Unreachable(
                    f"the server refuses another session: {error}",
                    hint="its MaxSessions may be small, or the account may not run commands",
                    instance=self.name,
                ) from error
            self._forget(link, error)
            raise ConnectionLost(f"the connection broke: {error}", instance=self.name) from error
        raise AssertionError("a retry ends with a result or an error")

    async def _connected(self) -> Link:
        if self._link is not None and self._link.alive:
            return self._link
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect(), name=f"connect {self.name}")
            self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
        attempt = self._connecting
        await asyncio.wait([attempt])
        if attempt.cancelled():
            raise ConnectionLost("the connection was closed", instance=self.name)
        return attempt.result()

    async def _connect(self) -> Link:
        self._tell("connecting")
        try:
            self._link = await self._trusting_connect()
        except UntrustedKey as refused:
            self.offered_key = refused.key
            self._tell("unreachable", refused.error.message)
            raise refused.error from None
        except HostError as error:
            self._tell("unreachable", error.message)
            raise
        self.offered_key = None
        self._tell("connected")
        return self._link

    async def _trusting_connect(self) -> Link:
        """Connect, once more after each new key that `trust` accepts: a jump host has one of its own."""
        while True:
            try:
                return await connect(self.target, self._lost)
            except UntrustedKey as refused:
                if refused.key is None or self._trust is None or not await self._trust(refused.key):
                    raise
                await accept_new_host_key(refused.key)

    def _lost(self, error: Exception | None) -> None:
        if self.state.kind == "connected" and self._link is not None:
            self._forget(self._link, error)

    def _forget(self, link: Link, error: Exception | None) -> None:
        if self._link is link:
            self._link = None
            self._tell("unreachable", f"connection lost: {error}" if error else "connection closed")

    def _tell(self, kind: Literal["idle", "connecting", "connected", "unreachable"], reason: str | None = None) -> None:
        self.state = ConnectionState(kind, datetime.now(UTC), reason)
        if self._on_state is not None:
            self._on_state(self.state)

    async def _create_session(self, link: Link, command: str) -> SshProcess:
        marker = Marker()
        line = invocation(command, greeting=marker.greeting).line
        creating = asyncio.ensure_future(
            link.connection.create_session(
                lambda: SshProcess(self.name, marker), line, encoding=None, request_pty=False
            )
        )
        try:
            _, process = await asyncio.shield(creating)
        except asyncio.CancelledError:
            await self._give_up(link, creating)
            raise
        return cast(SshProcess, process)

    async def _give_up(self, link: Link, creating: asyncio.Future[tuple[Any, Any]]) -> None:
        """End a command that the server may have begun although its session is not yet known to be open."""
        try:
            await asyncio.wait([creating], timeout=_END_SECONDS)
        finally:
            if not creating.done():
                creating.add_done_callback(_abandon)  # else the session would stay open as long as the connection
        if creating.done() and not creating.cancelled() and creating.exception() is None:
            await self._end(link, creating.result()[1])

    async def _end(self, link: Link, process: SshProcess) -> None:
        """Leave nothing behind: closing a channel alone would let the command run on."""
        try:
            if link.alive:
                with suppress(TimeoutError, asyncssh.Error, OSError, HostError):
                    await self._end_command(link, process)
        finally:
            await process.hang_up()

    async def _end_command(self, link: Link, process: SshProcess) -> None:
        # A command may have begun although its greeting was not read yet; one that greets after the hang-up dies of it.
        await process.started(_GREETING_SECONDS)
        if process.group is not None:
            async with asyncio.timeout(_ALL_ENDS_SECONDS), self._enders, asyncio.timeout(_END_SECONDS):
                await _end_group(link, process, process.group)


def _retries_of_opening(link: Link) -> AsyncIterator[stamina.Attempt]:
    """Attempts at a session: sshd counts one that just ended for a moment longer, and refuses the next."""
    return stamina.retry_context(
        on=lambda error: isinstance(error, asyncssh.ChannelOpenError) and link.alive,
        attempts=8,
        wait_initial=0.02,
        wait_max=0.5,
        wait_jitter=0.05,
    )


def _abandon(creating: asyncio.Future[tuple[Any, Any]]) -> None:
    if not creating.cancelled() and creating.exception() is None:
        creating.result()[0].abort()


async def _end_group(link: Link, process: SshProcess, group: int) -> None:
    """Send SIGTERM to the group, and SIGKILL once its leader is gone or has had its time."""
    script = f"kill -s TERM -- -{group} && read -r go; kill -s KILL -- -{group}"
    line = f"exec sh -c '{script}' >/dev/null 2>&1"
    async for attempt in _retries_of_opening(link):
        with attempt:
            killer = await link.connection.create_process(line, encoding=None)
    async with killer:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _TERMINATION_GRACE_SECONDS)
        killer.stdin.write_eof()
        await killer.wait()
