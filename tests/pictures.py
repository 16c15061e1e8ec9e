"""Take the README's pictures anew from a running demo: `python -m tests.pictures [FOLDER]`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from velora_tui.config import load_fleet
from velora_tui.demo.fleet import demo_fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout
from velora_tui.ui.app import VeloraApp

FOLDER = Path(__file__).parent.parent / ".readme"
SIZE = (132, 30)
SPEED = 2.0
LIMIT_SECONDS = 120


async def take(folder: Path) -> None:
    """Save fleet.svg with runs under way, then results.svg and run.svg when they are over."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        async with demo_fleet(Path(root), instances=8, seed=1, speed=SPEED) as demo:
            engine = Engine(load_fleet(demo.fleet_file), Layout.under(Path(root) / "operator"))
            opening = [RunRequest(dataset=str(cell.dataset), model=cell.model, wait=True) for cell in demo.runs[:12]]
            app = VeloraApp(engine, opening=opening, datasets=demo.datasets)
            async with app.run_test(size=SIZE) as pilot:
                await until(pilot, lambda: len(over(engine)) >= 2 and busy_row(engine) is not None)
                await pilot.press("g", *["j"] * (busy_row(engine) or 0))
                await settled(pilot)
                app.save_screenshot("fleet.svg", str(folder))
                await until(pilot, lambda: len(over(engine)) == len(opening))
                await pilot.press("4")
                await settled(pilot)
                app.save_screenshot("results.svg", str(folder))
                await pilot.press("1", "g", "j", "enter")
                await settled(pilot)
                app.save_screenshot("run.svg", str(folder))


def over(engine: Engine) -> list[str]:
    """Return the runs that have ended."""
    return [run.run for run in engine.snapshot().runs.values() if not run.is_active]


def busy_row(engine: Engine) -> int | None:
    """Return the row of an instance whose agent is at work, with steps behind it and ahead."""
    progress = [state.progress for state in engine.snapshot().instances]
    return next((row for row, it in enumerate(progress) if it and it.unit == "steps" and 2 <= it.done <= 8), None)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not holds():
            await pilot.pause(0.1)


async def settled(pilot: Pilot[None]) -> None:
    """Let workers bring what they read from disk to the screen."""
    for _ in range(10):
        await pilot.pause(0.1)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
