"""Follow a job's log over one channel, and go on after breaks without losing or repeating a byte."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from velora_tui.errors import CommandFailed, ConnectionLost, HostError
from velora_tui.hosts.host import Host, RemoteProcess
from velora_tui.hosts.patience import OUTAGE_SECONDS, Break, OnBreak, ignore_break, through_breaks

_CHUNK_BYTES = 256 * 1024
# How often a job is asked whether it lives; its regular end is noticed at once.
_CHECK_SECONDS = 2.0
_FAREWELL_SECONDS = 1.0
_TOOK = re.compile(rb"TOOK (\d{1,12}\.\d{1,9}) (\d{1,12}\.\d{1,9}) *\n")
_FINAL = re.compile(rb"(?:END|LOST) (\d{1,18}) ?(\d{1,3})? *\n")


@dataclass(frozen=True)
class JobEnd:
    """The end of a followed job; `exit_status` is None where the job was lost.

    `seconds` is how long it took by the instance's clock, None where that does not tell.
    """

    exit_status: int | None
    log_size: int
    seconds: float | None = field(default=None, compare=False)


class LogStream:
    """The log's bytes, by `async for`; `offset` counts what was delivered, `end` is set after the last byte."""

    def __init__(self, process: RemoteProcess, instance: str, offset: int) -> None:
        self.offset = offset
        self.end: JobEnd | None = None
        self._process = process
        self._instance = instance
        self._final: JobEnd | None = None
        self._seconds: float | None = None
        self._error: HostError | None = None

    def __aiter__(self) -> LogStream:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes. Raises ConnectionLost, and CommandFailed where the log is missing or shrank."""
        if self._complete():
            raise StopAsyncIteration
        data = await self._process.read(_CHUNK_BYTES)
        self.offset += len(data)
        if self._error is not None:
            raise self._error
        if data:
            return data
        if self._complete():
            raise StopAsyncIteration
        raise ConnectionLost("following the log ended early", instance=self._instance)

    def _complete(self) -> bool:
        if self._final is not None and self.offset >= self._final.log_size:
            self.end = JobEnd(self._final.exit_status, self.offset, self._seconds)
        return self.end is not None

    async def listen(self) -> None:
        """Take the control lines until the job has ended or the connection broke."""
        while line := await self._process.read_stderr_line():
            if took := _TOOK.fullmatch(line):
                # A clock that was set back meanwhile tells nothing.
                self._seconds = seconds if (seconds := float(took[2]) - float(took[1])) >= 0 else None
            elif found := _FINAL.fullmatch(line):
                # A job that was lost, and one whose exit file is empty, have no status.
                self._final = JobEnd(int(found[2]) if found[2] else None, int(found[1]))
            elif line.startswith(b"ABSENT"):
                self._error = CommandFailed("there is no job to follow", instance=self._instance)
            elif line.startswith(b"SHRANK") or (line.startswith(b"tail:") and b"truncated" in line):
                self._error = _shrank(self._instance, self.offset)
            elif line.strip().isdigit():
                await self._process.write(b"?\n")
            if self._error is not None or self._complete():
                await self._process.write_eof()  # wakes the reader, which may have had the last byte already

    async def ask(self) -> None:
        """Ask now and then whether the job lives: a process that was killed leaves no exit file."""
        while True:
            await self._process.write(b"?\n")
            await asyncio.sleep(_CHECK_SECONDS)


class LogSource(Protocol):
    """Whatever can stream a job's log, from any byte on."""

    def follow(self, spool: str, offset: int = 0) -> AbstractAsyncContextManager[LogStream]:
        """Stream the log's bytes from `offset` until the job has ended and all were delivered."""


@asynccontextmanager
async def follow_log(host: Host, command: str, offset: int) -> AsyncIterator[LogStream]:
    """Run the following `command` on `host` and give its stream. Raises HostErrors."""
    async with host.open(command) as process:
        stream = LogStream(process, host.name, offset)
        tasks = [asyncio.create_task(stream.listen()), asyncio.create_task(stream.ask())]
        try:
            yield stream
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(HostError, TimeoutError):
                await process.write_eof()
                await asyncio.wait_for(process.wait(), _FAREWELL_SECONDS)


async def follow_to_end(
    jobs: LogSource,
    spool: str,
    sink: Callable[[bytes], Awaitable[None]],
    *,
    offset: int = 0,
    patience_seconds: float = OUTAGE_SECONDS,
    on_break: OnBreak = ignore_break,
) -> JobEnd:
    """Give `sink` every byte of the log from `offset` on exactly once, through any number of broken connections.

    Connecting is tried again with growing, jittered pauses for `patience_seconds` after the last contact; then the last
    error is raised, and `on_break` is told of each. Refused keys and a log that shrank are raised at once.
    """
    reader = _Reader(jobs, spool, sink, offset, on_break)
    while True:
        end = await through_breaks(reader.read_on, patience_seconds=patience_seconds, on_break=on_break)
        if end is not None:
            return end


class _Reader:
    """How far the sink has come, across connections."""

    def __init__(
        self,
        jobs: LogSource,
        spool: str,
        sink: Callable[[bytes], Awaitable[None]],
        offset: int,
        on_break: OnBreak,
    ) -> None:
        self._jobs = jobs
        self._spool = spool
        self._sink = sink
        self._offset = offset
        self._on_break = on_break

    async def read_on(self) -> JobEnd | None:
        """Read to the end; None where the connection broke after bytes had come, so that patience starts anew."""
        before = self._offset
        try:
            async with self._jobs.follow(self._spool, self._offset) as stream:
                async for data in stream:
                    await self._sink(data)
                    self._offset += len(data)
        except ConnectionLost as error:
            if self._offset == before:
                raise
            self._on_break(Break(0, 0, error))
            return None
        return stream.end


def _shrank(instance: str, offset: int) -> CommandFailed:
    return CommandFailed(
        f"the log on the instance is shorter than the {offset} bytes that were read of it",
        hint="something there truncated it; what was read so far is kept",
        instance=instance,
    )
