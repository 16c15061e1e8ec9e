"""An ordinary SSH client of the demo's instances, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncssh

from velora_tui.config import load_fleet
from velora_tui.domain.fleet import Instance

DEADLINE_SECONDS = 15.0


def instance_of(fleet_file: Path, name: str = "eval1") -> Instance:
    instance = load_fleet(fleet_file).instance(name)
    assert instance is not None
    return instance


def connect(
    fleet_file: Path, name: str = "eval1", **changes: object
) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
    instance = instance_of(fleet_file, name)
    options = {
        "port": instance.port,
        "username": load_fleet(fleet_file).defaults.user,
        "client_keys": [str(instance.identity_file)],
        "known_hosts": str(instance.known_hosts),
        "config": None,
        "agent_path": None,
    }
    return asyncssh.connect("127.0.0.1", **{**options, **changes})


def home_of(fleet_file: Path, name: str = "eval1") -> Path:
    return fleet_file.parent / "instances" / name / "home"


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
