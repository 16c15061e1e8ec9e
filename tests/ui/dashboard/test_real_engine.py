"""An operator's first minutes on the embedded fleet: real machines, real engine, keys only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.dashboard.drive import Dashboard, dashboard
from velora_tui.config import load_fleet
from velora_tui.demo.fleet import demo_fleet
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

OUTCOMES = ("✓ resolved", "○ unresolved", "– no patch", "? no verdict")


async def start_on(seen: Dashboard, instance: str) -> None:
    """Start the proposed task on an instance through the form."""
    seen.screen.go_to(instance)
    await seen.press("s")
    await seen.until(lambda: seen.app.screen.query_one("#task").value is not None and "choose a task" not in seen.text)
    await seen.press("ctrl+s")
    await seen.hears("started")


async def ended(seen: Dashboard, instance: str) -> None:
    await seen.until(lambda: any(word in seen.line_with(f" {instance} ") for word in OUTCOMES))


@pytest.mark.timeout(180)
async def test_start_watch_stop_retry_and_read_the_result(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tests.ui.dashboard.drive.DEADLINE_SECONDS", 60)
    async with demo_fleet(tmp_path / "demo", instances=4, seed=1, speed=20) as demo:
        engine = Engine(load_fleet(demo.fleet_file), Layout.under(tmp_path / "state"))
        async with dashboard(engine, live=False, datasets=demo.datasets[:1]) as seen:
            await seen.until(lambda: seen.app.is_live)

            await seen.press("asterisk", "c")
            await seen.hears("3 of 4 ready; not: eval4")
            await seen.sees("! not ready")
            await seen.press("asterisk")

            await start_on(seen, "eval1")
            await seen.until(lambda: "▶ trajectory" in seen.line_with(" eval1 "))
            await seen.press("x", "y")
            await seen.until(lambda: "■ stopped" in seen.line_with(" eval1 "))

            await seen.press("r")
            await seen.sees("where it stopped")
            await seen.press("enter")
            await ended(seen, "eval1")
            await seen.sees("attempt 2")

            await seen.press("s")
            await seen.sees("Start a run")
            seen.app.screen.query_one("#instance").value = "eval4"
            await seen.press("ctrl+s")
            await seen.sees("eval4: disk:")
            assert "Start a run" in seen.text
            await seen.press("escape")
            await seen.until(lambda: "Start a run" not in seen.text)

            await seen.press("4")
            await seen.until(lambda: seen.screen.NAME == "results" and len(seen.rows) == 1)
            await seen.press("1", "q")
            await seen.until(lambda: not seen.app.is_running)
