"""A bounded buffer between a transport that pushes bytes and a coroutine that reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

HIGH_WATER_BYTES = 1024 * 1024
LINE_LIMIT_BYTES = 64 * 1024


class Inbox:
    """Bytes that arrived and wait for their one reader; `balance` is called whenever their number changes."""

    def __init__(self, balance: Callable[[], None]) -> None:
        self.size_bytes = 0
        self._balance = balance
        self._chunks: deque[bytes] = deque()
        self._ended = False
        self._error: Exception | None = None
        self._wake = asyncio.Event()

    @property
    def full(self) -> bool:
        """Tell whether the transport should stop pushing for now."""
        return self.size_bytes > HIGH_WATER_BYTES

    def feed(self, data: bytes) -> None:
        """Add what the transport received."""
        if data and not self._ended:
            self._chunks.append(data)
            self.size_bytes += len(data)
            self._wake.set()
            self._balance()

    def end(self, error: Exception | None = None) -> None:
        """Close the buffer: readers get what is left, then `error` or the end of the stream. The first call counts."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake.set()

    async def read(self, limit: int) -> bytes:
        """Return up to `limit` bytes as soon as there are any; b"" at the end. Raises the error given to `end`."""
        await self._filled()
        parts: list[bytes] = []
        room = limit
        while self._chunks and room:
            parts.append(self._take(room))
            room -= len(parts[-1])
        self._balance()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read_line(self) -> bytes:
        r"""Return one line with its \n; a line over LINE_LIMIT_BYTES comes in pieces. Raises as `read`."""
        line = bytearray()
        while len(line) < LINE_LIMIT_BYTES and not line.endswith(b"\n"):
            await self._filled()
            if not self._chunks:
                break
            newline = self._chunks[0].find(b"\n")
            wanted = newline + 1 if newline >= 0 else len(self._chunks[0])
            line += self._take(min(wanted, LINE_LIMIT_BYTES - len(line)))
        self._balance()
        return bytes(line)

    def _take(self, limit: int) -> bytes:
        chunk = self._chunks.popleft()
        if len(chunk) > limit:
            self._chunks.appendleft(chunk[limit:])
            chunk = chunk[:limit]
        self.size_bytes -= len(chunk)
        return chunk

    async def _filled(self) -> None:
        while not self._chunks and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        if not self._chunks and self._error is not None:
            raise self._error
