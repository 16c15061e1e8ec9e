"""A TCP wire between client and server that can be cut: nothing passes, nobody is told, as when a cable is pulled."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from tests.sshd import Sshd
from velora_tui.hosts.ssh_connect import SshTarget


class Wire:
    """Forwards a loopback port to `port` while it is whole."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Let nothing pass from now on, in connections old and new."""
        self._whole.clear()

    def hold_answers(self) -> None:
        """Keep what the server says from now on."""
        self._answering.clear()

    def let_answers_go(self) -> None:
        """Pass on what was kept, and what comes."""
        self._answering.set()

    def mend(self) -> None:
        """Let new connections pass; what was held back in the old ones is gone with them."""
        for pump in self._pumps:
            pump.cancel()
        self._whole.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = ((reader, there_writer, self._whole), (there_reader, writer, self._answering))
        for source, target, way in ways:
            pump = asyncio.create_task(self._pump(source, target, way))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                await self._whole.wait()
                await way.wait()
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()


def behind(wire: Wire, sshd: Sshd, **changes: Any) -> SshTarget:
    """Return how to reach `sshd` through `wire`, whose port becomes known as the server's."""
    key = sshd.known_hosts.read_text().split(" ", 1)[1]
    sshd.known_hosts.write_text(f"[127.0.0.1]:{wire.port} {key}")
    return sshd.target(port=wire.port, **changes)
