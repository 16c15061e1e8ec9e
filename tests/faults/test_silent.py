"""Machines that say nothing: the others are reached all the same, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.domain.events import InstanceChecked
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.engine.engine import Engine
from velora_tui.hosts.ssh_connect import CONNECT_BUDGET
from velora_tui.store.layout import Layout

SILENT = 3 * CONNECT_BUDGET

pytestmark = pytest.mark.sshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path / "sshd")
    yield server
    server.stop()


@asynccontextmanager
async def silent_machine() -> AsyncIterator[int]:
    """Give a port where everybody is let in and nobody is answered."""
    writers: list[asyncio.StreamWriter] = []

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server:
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            for writer in writers:
                writer.transport.abort()


async def test_silent_machines_do_not_keep_another_from_being_reached(sshd: Sshd, tmp_path: Path) -> None:
    target = sshd.target()

    def instance(name: str, port: int) -> Instance:
        return Instance(
            name=name,
            host="127.0.0.1",
            port=port,
            user=target.user,
            identity_file=target.identity_file,
            ssh_config=target.ssh_config,
            known_hosts=target.known_hosts,
        )

    async with silent_machine() as port:
        silent = tuple(instance(f"silent{number}", port) for number in range(SILENT))
        fleet = Fleet(instances=(*silent, instance("alive", sshd.port)))
        async with Engine(fleet, Layout.under(tmp_path / "state")) as engine:
            with engine.observe() as subscription:
                checking = asyncio.create_task(engine.check())
                # Each of three groups would be waited for for 20 s.
                async with asyncio.timeout(30):
                    async for event in subscription:
                        if isinstance(event, InstanceChecked) and event.instance == "alive":
                            break
                assert event.checks[0].status == "ok"
                checking.cancel()
                await asyncio.wait({checking})
