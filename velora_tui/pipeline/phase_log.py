"""The log of one phase: bytes to disk first, then word to those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from velora_tui.store.log_writer import LogWriter

LineObserver = Callable[[str], None]

_LINE_LIMIT = 8192
# Threads of their own: work that is slow elsewhere must not keep lines from the screen.
_threads = ThreadPoolExecutor(4, thread_name_prefix="logs")


class PhaseLog:
    """Appends to the phase's log file. For a phase with a job the file is a byte-exact copy of the job's log."""

    def __init__(self, path: Path, grew: Callable[[int], None]) -> None:
        self.path = path
        self._writer = LogWriter(path)
        self._grew = grew

    @property
    def size(self) -> int:
        return self._writer.size

    async def write(self, data: bytes) -> None:
        """Append `data`. Raises StoreError, for instance on a full disk."""
        await asyncio.get_running_loop().run_in_executor(_threads, self._writer.append, data)
        self._grew(self._writer.size)

    async def say(self, text: str) -> None:
        """Append a line of our own."""
        await self.write(text.encode("utf-8", "replace") + b"\n")

    async def restart(self) -> None:
        """Empty the log, for work that begins anew. Raises StoreError."""
        await asyncio.get_running_loop().run_in_executor(_threads, self._writer.truncate, 0)
        self._grew(0)

    def close(self) -> None:
        self._writer.close()


class LineSplitter:
    r"""Cuts a byte stream into lines at \n and \r; of a longer line only the first 8 KiB are kept."""

    def __init__(self, observer: LineObserver) -> None:
        self._observer = observer
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = rest[:_LINE_LIMIT]
        for line in lines:
            if line:
                self._observer(line[:_LINE_LIMIT].decode("utf-8", "replace"))
