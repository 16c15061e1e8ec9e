"""A cable between operator and instance: a TCP proxy that can be cut, or go silent without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Passes connections on to `port`; its own is `entry`."""

    def __init__(self, port: int) -> None:
        self.entry = 0
        self.connections = 0
        self._port = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._refusing = False
        self._links: set[asyncio.Task[None]] = set()

    def go_silent(self) -> None:
        """Let nothing pass any more; both ends still believe in their connections."""
        self._whole.clear()

    async def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._refusing = True
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def mend(self) -> None:
        """Work again. What was held back while it was silent goes on its way."""
        self._refusing = False
        self._whole.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.connections += 1
        link = asyncio.ensure_future(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = writer
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._pump(reader, there), self._pump(there_reader, writer))
        except OSError:
            return  # one end is gone, and so is the other in a moment
        finally:
            writer.transport.abort()
            there.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def cable_to(port: int) -> AsyncIterator[Cable]:
    """Lay a cable to a loopback port."""
    cable = Cable(port)
    server = await asyncio.start_server(cable.accept, "127.0.0.1", 0)
    cable.entry = server.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        server.close()
        await cable.cut()
        await server.wait_closed()
