"""One embedded fleet for a module's tests, and engines on it that share nothing but the machines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from velora_tui.config import load_fleet
from velora_tui.demo.fleet import DemoFleet, demo_fleet
from velora_tui.domain.fleet import Fleet
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

MakeEngine = Callable[..., Engine]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoFleet]:
    async with demo_fleet(tmp_path_factory.mktemp("demo"), instances=8, seed=1, speed=20) as fleet:
        yield fleet


@pytest.fixture
def fleet(demo: DemoFleet) -> Fleet:
    return load_fleet(demo.fleet_file)


@pytest.fixture
def make_engine(fleet: Fleet, tmp_path: Path) -> MakeEngine:
    """Give engines that keep their state in the same folder, as one operator's do; `fleet` may be changed."""

    def make(changed: Fleet | None = None, state: str = "state") -> Engine:
        return Engine(changed or fleet, Layout.under(tmp_path / state))

    return make
