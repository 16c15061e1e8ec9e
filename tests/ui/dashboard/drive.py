"""Opening the dashboard in a test, pressing keys, and reading what an operator sees."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.ui.app import VeloraApp
from velora_tui.ui.screens.base import BaseScreen

DEADLINE_SECONDS = 30


@asynccontextmanager
async def dashboard(
    engine: FakeEngine, size: tuple[int, int] = (160, 48), *, live: bool = True, **options: Any
) -> AsyncIterator[Dashboard]:
    """Open the dashboard and wait until it follows the engine."""
    app = VeloraApp(engine, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = Dashboard(app, pilot, engine)
        if live:
            await asyncio.wait_for(engine.following.wait(), DEADLINE_SECONDS)
            await driver.until(lambda: app.is_live and "last known" not in driver.text)
        await pilot.pause()
        yield driver


class Dashboard:
    """A dashboard under test."""

    def __init__(self, app: VeloraApp, pilot: Pilot[None], engine: FakeEngine) -> None:
        self.app = app
        self.pilot = pilot
        self.engine = engine

    @property
    def lines(self) -> list[str]:
        """The rows of the terminal, without the blanks at their ends."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def toasts(self) -> list[str]:
        return [f"{toast.title}: {toast.message}" for toast in self.app._notifications]

    @property
    def screen(self) -> BaseScreen:
        """The current tab or page, under a window that asks something."""
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, BaseScreen))

    @property
    def table(self):
        return self.screen.query_one("#table")

    @property
    def rows(self) -> list[str]:
        return [row.key for row in self.table.rows]

    def line_with(self, words: str) -> str:
        """The first row that has these words."""
        return next((line for line in self.lines if words in line), f"no line with {words!r} in:\n{self.text}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if character == " " else character for character in text))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; fail with the screen after ten seconds."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not holds():
            assert time.monotonic() < end, f"never came true; toasts {self.toasts}; the screen:\n{self.text}"
            await self.pilot.pause(0.01)

    async def sees(self, words: str, *, on: str = "") -> None:
        """Wait until the words are on the screen; with `on`, on the first row that has those."""
        await self.until(lambda: words in (self.line_with(on) if on else self.text))

    async def sees_like(self, pattern: str) -> None:
        """Wait until something on the screen matches."""
        await self.until(lambda: re.search(pattern, self.text) is not None)

    async def hears(self, words: str) -> None:
        """Wait for a toast with the words."""
        await self.until(lambda: any(words in toast for toast in self.toasts))
