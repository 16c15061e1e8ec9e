"""Pictures of the results browser and of comparisons; run with --snapshot-update after looking at what changed."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.ui.dashboard.drive import Dashboard
from velora_tui.ui.app import VeloraApp

SIZES = [(80, 24), (160, 48)]
PICTURES = {
    "results": (("G",), "FAIL_TO_PASS"),
    "differ": (("exclamation_mark",), "it is FAILED"),
    "groups": (("B", "j", "j", "j", "enter", "g", "enter"), "▾ claude"),
    "tests": (("G", "v", "f"), "1 of 3 tests differ"),
    "models": (("G", "v", "right_square_bracket"), "PASS@1"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
def test_picture(engine, snap_compare, name, size):
    keys, words = PICTURES[name]

    async def look(pilot: Pilot[None]) -> None:
        seen = Dashboard(pilot.app, pilot, engine)
        await seen.until(lambda: pilot.app.is_live)
        await seen.press("4")
        await seen.sees("9 runs")
        for key in keys:
            await seen.press(key)
        await seen.sees(words)
        await seen.until(lambda: seen.screen.NAME != "results" or seen.screen._timer is None)
        await seen.until(lambda: not any(worker.is_running for worker in pilot.app.workers))

    app = VeloraApp(engine)
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=look)
