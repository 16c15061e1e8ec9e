"""One command on one SSH channel: binary-exact streams with backpressure, whatever the login shell prints first."""

from __future__ import annotations

import asyncio
import secrets
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncssh

from velora_tui.errors import CommandFailed, CommandTimeout, ConnectionLost, HostError
from velora_tui.hosts.command import last_line
from velora_tui.hosts.streams import Inbox

if TYPE_CHECKING:
    _Session = asyncssh.SSHClientSession[bytes]
    _Channel = asyncssh.SSHClientChannel[bytes]
else:
    _Session = asyncssh.SSHClientSession

_WRITE_PIECE_BYTES = 256 * 1024
_NOISE_LIMIT_BYTES = 1024 * 1024
_HANG_UP_SECONDS = 1.0


class Marker:
    """A word that tells where the output of the login shell's start-up files ends and the command's begins."""

    def __init__(self) -> None:
        self.word = f"velora-{secrets.token_hex(8)}"
        # Split by an empty pair of quotes, so that a shell that echoes its commands can't print the word.
        split = f'{self.word[:9]}""{self.word[9:]}'
        self.greeting = f"echo {split} $$ && echo {split} $$ >&2 && "


class Preamble:
    """Discards a stream up to the marker's line, from which it learns the process group."""

    def __init__(self, marker: Marker) -> None:
        self.group: int | None = None
        self.noise = b""
        self.noise_bytes = 0
        self._word = marker.word.encode() + b" "

    def strip(self, data: bytes) -> bytes:
        """Return what of `data` belongs to the command."""
        if self.group is not None:
            return data
        seen = self.noise + data
        before, found, after = seen.partition(self._word)
        number, newline, rest = after.partition(b"\n")
        if found and newline:
            self.group, self.noise = int(number), before
            return rest
        self.noise_bytes += len(data)
        self.noise = seen[-4096:]
        return b""


class SshProcess(_Session):
    """The client's end of one exec channel. `started` must be awaited before anything else."""

    def __init__(self, instance: str, marker: Marker) -> None:
        self._instance = instance
        self._channel: _Channel
        self._preambles = {None: Preamble(marker), asyncssh.EXTENDED_DATA_STDERR: Preamble(marker)}
        self._inboxes = {datatype: Inbox(self._balance) for datatype in self._preambles}
        self._reading_paused = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._changed = asyncio.Event()
        self._status: int | None = None
        self._closed = False
        self._whole = False
        self._error: HostError | None = None

    def connection_made(self, chan: _Channel) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        preamble = self._preambles[datatype]
        if preamble.group is not None:
            self._inboxes[datatype].feed(data)
            return
        self._inboxes[datatype].feed(preamble.strip(data))
        self._changed.set()

    def eof_received(self) -> bool:
        self._whole = True
        for inbox in self._inboxes.values():
            inbox.end()
        return True

    def exit_status_received(self, status: int) -> None:
        self._ended_with(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._ended_with(128 + _signal_number(signal))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        # asyncssh may pass over the end of a stream when the close is right behind it, but then tells no error.
        if self._status is None or (exc is not None and not self._whole):
            self._error = ConnectionLost(
                f"the connection broke while a command was running{f': {exc}' if exc else ''}", instance=self._instance
            )
        for inbox in self._inboxes.values():
            inbox.end(self._error)
        self._writable.set()
        self._changed.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    @property
    def group(self) -> int | None:
        """The process group on the instance while it may still be running there, else None."""
        return None if self._closed or self._status is not None else self._preambles[None].group

    async def started(self, timeout_seconds: float) -> None:
        """Wait until the command itself begins. Raises ConnectionLost, CommandFailed or CommandTimeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not all(preamble.group is not None for preamble in self._preambles.values()):
                    self._refuse_broken_start()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise CommandTimeout(
                f"the login shell ran no command within {timeout_seconds:g} s{self._said()}",
                hint="its start-up files (.bashrc, .profile) wait for something: try `ssh HOST true`",
                instance=self._instance,
            ) from None

    def _refuse_broken_start(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise CommandFailed(
                f"the login shell ended with status {self._status} before it ran a command{self._said()}",
                hint="its start-up files (.bashrc, .profile) fail or forbid commands: try `ssh HOST true`",
                instance=self._instance,
                exit_status=self._status,
            )
        if any(preamble.noise_bytes > _NOISE_LIMIT_BYTES for preamble in self._preambles.values()):
            raise CommandFailed(
                "the login shell's start-up files print without end",
                hint="let .bashrc return early where it is not interactive",
                instance=self._instance,
            )

    def _said(self) -> str:
        said = next((line for line in (last_line(p.noise) for p in reversed(self._preambles.values())) if line), "")
        return f": {said}" if said else ""

    async def write(self, data: bytes) -> None:
        """Send `data`, waiting while the peer is slow; what an ended process can't take is dropped."""
        for start in range(0, len(data), _WRITE_PIECE_BYTES):
            await self._writable.wait()
            if self._error is not None:
                raise self._error
            if self._closed or self._channel.is_closing():
                return
            self._channel.write(data[start : start + _WRITE_PIECE_BYTES])
        await self._writable.wait()

    async def write_eof(self) -> None:
        """Close its standard input."""
        if not self._closed and self._channel.can_write_eof() and not self._channel.is_closing():
            self._channel.write_eof()

    async def read(self, limit: int = 65536) -> bytes:
        """Return up to `limit` bytes of standard output; b"" at the end. Raises ConnectionLost."""
        return await self._inboxes[None].read(limit)

    async def read_stderr_line(self) -> bytes:
        """Return the next line of standard error; b"" at the end. Raises ConnectionLost."""
        return await self._inboxes[asyncssh.EXTENDED_DATA_STDERR].read_line()

    async def wait(self) -> int:
        """Return the exit status (128 + signal number where a signal ended it). Raises ConnectionLost."""
        while self._status is None:
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        return self._status

    async def hang_up(self) -> None:
        """Close the channel, dropping what was not sent or read, and let the server free its session."""
        if not self._closed:
            self._channel.abort()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._channel.wait_closed(), _HANG_UP_SECONDS)

    def _ended_with(self, status: int) -> None:
        self._status = status
        self._changed.set()

    def _balance(self) -> None:
        full = any(inbox.full for inbox in self._inboxes.values())
        if full != self._reading_paused and not self._closed:
            self._reading_paused = full
            (self._channel.pause_reading if full else self._channel.resume_reading)()


def _signal_number(name: str) -> int:
    number = getattr(signal, f"SIG{name}", None)
    return int(number) if number is not None else 0
