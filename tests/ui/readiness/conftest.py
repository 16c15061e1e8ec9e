"""Fleets of broken instances under a real engine, watched through the dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.readiness.broken import OWN, Breakage, broken_fleet
from velora_tui.domain.fleet import Fleet, OwnCheck
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

Opener = Callable[..., AbstractAsyncContextManager[Dashboard]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.ui.dashboard.drive.DEADLINE_SECONDS", 40)


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Open the dashboard on instances that are broken in these ways; all have been checked once."""

    @asynccontextmanager
    async def open_dashboard(
        own: tuple[OwnCheck, ...] = (OWN,),
        size: tuple[int, int] = (160, 48),
        read_only: bool = False,
        **instances: tuple[Breakage, ...],
    ) -> AsyncIterator[Dashboard]:
        fleet = broken_fleet(tmp_path / "fleet", own, **instances)
        engine = Engine(fleet, layout(tmp_path), read_only=read_only, keep_checking=True)
        async with dashboard(engine, size, live=False) as seen:
            await seen.until(lambda: seen.app.is_live and all_checked(engine, fleet))
            yield seen

    return open_dashboard


def layout(folder: Path) -> Layout:
    return Layout.under(folder / "state")


def home(folder: Path, name: str) -> Path:
    return folder / "fleet" / name


def all_checked(engine: Engine, fleet: Fleet) -> bool:
    rows = engine.snapshot().instances
    return all(row.readiness and not row.checking and not row.readiness.asking for row in rows)
