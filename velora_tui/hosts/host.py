"""The protocol of a machine: one primitive, `open`, on which everything else is built."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

OUTPUT_LIMIT = 8 * 1024 * 1024


class RemoteProcess(Protocol):
    """A command running on a host, with byte streams. Leaving its context ends it on both sides.

    Output waits in bounded buffers. Over SSH both output streams share one channel: leaving one of them unread while
    the command fills it holds up the other.
    """

    async def write(self, data: bytes) -> None:
        """Send `data` to its standard input, waiting while the peer is slow. Raises ConnectionLost.

        What a command that has ended can no longer read is dropped; its exit status tells.
        """

    async def write_eof(self) -> None:
        """Close its standard input."""

    async def read(self, limit: int = 65536) -> bytes:
        """Return up to `limit` bytes of standard output; b"" at the end. Raises ConnectionLost."""

    async def read_stderr_line(self) -> bytes:
        r"""Return the next line of standard error with its \n; b"" at the end. Raises ConnectionLost.

        A line over 64 KiB comes in pieces.
        """

    async def wait(self) -> int:
        """Return the exit status (128 + signal number where a signal ended it). Raises ConnectionLost."""


@dataclass(frozen=True)
class CommandResult:
    """What a finished command left."""

    exit_status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last newline; invalid UTF-8 is replaced."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")


class Host(Protocol):
    """A machine that runs POSIX `sh` commands. `name` is the instance's name."""

    name: str

    def open(self, command: str) -> AbstractAsyncContextManager[RemoteProcess]:
        """Run `command` with `sh -c` in the home folder. Raises HostError."""

    async def run(
        self, command: str, *, stdin: bytes = b"", timeout_seconds: float = 60.0, check: bool = True
    ) -> CommandResult:
        """Run `command` to its end and return what it printed (at most OUTPUT_LIMIT bytes of each stream).

        Raises CommandFailed where `check` is set and the status is not 0, CommandTimeout, and other HostErrors.
        """

    async def close(self) -> None:
        """Let go of the connection; what runs detached on the host goes on."""
