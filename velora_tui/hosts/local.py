"""This machine as an instance, without SSH, through the same protocol."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from velora_tui.errors import Unreachable
from velora_tui.hosts.command import run_command
from velora_tui.hosts.host import CommandResult, RemoteProcess
from velora_tui.hosts.shell import invocation
from velora_tui.hosts.streams import Inbox

# What a fresh login would know. The operator's own variables, secrets among them, stay out, as they do over SSH.
_INHERITED = (
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "SHELL",
    "DOCKER_HOST",
)
_WRITE_PIECE_BYTES = 256 * 1024
_TERMINATION_GRACE_SECONDS = 1.0


class LocalHost:
    """The machine Velora runs on; `home` stands for its home folder (default: the user's own)."""

    def __init__(self, name: str, home: Path | None = None) -> None:
        self.name = name
        self.home = home or Path.home()

    @asynccontextmanager
    async def open(self, command: str) -> AsyncIterator[RemoteProcess]:
        """Run `command` in a session of its own; leaving ends its whole process group."""
        ready = invocation(command)
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        loop = asyncio.get_running_loop()
        try:
            transport, process = await loop.subprocess_exec(
                LocalProcess,
                *("sh", "-c", ready.line),
                cwd=self.home,
                env={**environment, "HOME": str(self.home)},
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable(f"cannot run commands in {self.home}: {error.strerror}", instance=self.name) from error
        try:
            if ready.stdin_prefix:
                await process.write(ready.stdin_prefix)
            yield process
        finally:
            await process.end_group()
            transport.close()

    async def run(
        self, command: str, *, stdin: bytes = b"", timeout_seconds: float = 60.0, check: bool = True
    ) -> CommandResult:
        """Run `command` to its end, as `Host.run` says."""
        return await run_command(self, command, stdin=stdin, timeout_seconds=timeout_seconds, check=check)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


class LocalProcess(asyncio.SubprocessProtocol):
    """One `sh` and its descendants on this machine."""

    def __init__(self) -> None:
        self._transport: asyncio.SubprocessTransport
        self._pid = 0
        self._inboxes = {1: Inbox(lambda: self._balance(1)), 2: Inbox(lambda: self._balance(2))}
        self._paused = {1: False, 2: False}
        self._writable = asyncio.Event()
        self._writable.set()
        self._exited = asyncio.Event()
        self._stdin_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self._pid = transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._inboxes[fd].feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._stdin_open = False
            self._writable.set()
        else:
            self._inboxes[fd].end()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def process_exited(self) -> None:
        self._exited.set()

    def _balance(self, fd: int) -> None:
        pipe = self._transport.get_pipe_transport(fd)
        if not isinstance(pipe, asyncio.ReadTransport) or pipe.is_closing():
            return
        if self._inboxes[fd].full != self._paused[fd]:
            self._paused[fd] = not self._paused[fd]
            (pipe.pause_reading if self._paused[fd] else pipe.resume_reading)()

    async def write(self, data: bytes) -> None:
        """Send `data`, waiting while the process is slow; what an ended process can't take is dropped."""
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        for start in range(0, len(data), _WRITE_PIECE_BYTES):
            await self._writable.wait()
            if not self._stdin_open:
                return
            pipe.write(data[start : start + _WRITE_PIECE_BYTES])
        await self._writable.wait()

    async def write_eof(self) -> None:
        """Close its standard input."""
        pipe = self._transport.get_pipe_transport(0)
        if self._stdin_open and isinstance(pipe, asyncio.WriteTransport):
            pipe.write_eof()

    async def read(self, limit: int = 65536) -> bytes:
        """Return up to `limit` bytes of standard output; b"" at the end."""
        return await self._inboxes[1].read(limit)

    async def read_stderr_line(self) -> bytes:
        """Return the next line of standard error; b"" at the end."""
        return await self._inboxes[2].read_line()

    async def wait(self) -> int:
        """Return the exit status (128 + signal number where a signal ended it)."""
        await self._exited.wait()
        status = self._transport.get_returncode()
        assert status is not None
        return status if status >= 0 else 128 - status

    async def end_group(self) -> None:
        """End whatever is left of the process group, politely first."""
        if not self._exited.is_set():
            self._signal_group(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._exited.wait(), _TERMINATION_GRACE_SECONDS)
        self._signal_group(signal.SIGKILL)
        await self._exited.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        # Once the leader is gone, a process with its number is another's, and so is the group of that name.
        if self._exited.is_set() and Path(f"/proc/{self._pid}").exists():
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)
