"""Pictures of the run's page, Results and Log; run with --snapshot-update after looking at what changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.dashboard.drive import Dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import ended_run, failed_run, fleet_of, graded, keep, running_run, write_log
from tests.ui.test_results_screen import GOOD_LOG
from velora_tui.ui.app import VeloraApp

SIZES = [(80, 24), (160, 48)]
PICTURES = {
    "results": ("", ("4", "j", "j"), "FAIL_TO_PASS 0/3"),
    "tests": ("01AAA", (), "model.admin == 3"),
    "patch": ("01AAA", ("right_square_bracket",), "diff --git"),
    "trajectory": ("01AAA", ("right_square_bracket", "right_square_bracket", "enter"), "thinking of 1"),
    "failed": ("01CCC", (), "▌ 1204  Cannot connect"),
    "log": ("", ("5",), "● following"),
}


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    good = graded(GOOD_LOG)
    runs = ended_run("01AAA"), ended_run("01BBB", "llm.claude", good), failed_run("01CCC"), running_run("01DDD")
    engine = FakeEngine(fleet_of(*runs), tmp_path)
    keep(engine.layout, runs[0])
    keep(engine.layout, runs[1], good, log=GOOD_LOG)
    lines = [f"17:22:{number % 60:02} collected {number}" for number in range(1, 1241)]
    lines[1203] = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock"
    write_log(engine.layout, runs[2], "evaluation", "\n".join(lines) + "\n")
    steps = [f"17:01:{number:02} step {number}/200  edit sepal_ui/aoi.py" for number in range(1, 43)]
    write_log(engine.layout, runs[3], "trajectory", "\n".join(steps) + "\n")
    return engine


async def settled(pilot: Pilot[None], run_id: str, keys: tuple[str, ...], words: str) -> None:
    """Open the run if one is named, press the keys, and wait for the words."""
    app = pilot.app
    assert isinstance(app, VeloraApp)
    engine = app.engine
    assert isinstance(engine, FakeEngine)
    seen = Dashboard(app, pilot, engine)
    await seen.until(lambda: app.is_live)
    if run_id:
        app.open_run(run_id)
        await seen.sees("attempt ")
    for key in keys:
        await seen.press(key)
    await seen.sees(words)
    await seen.until(lambda: not any(worker.is_running and worker.group == "work" for worker in app.workers))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, size, engine, snap_compare):
    app = VeloraApp(engine)
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: settled(pilot, *PICTURES[name]))
