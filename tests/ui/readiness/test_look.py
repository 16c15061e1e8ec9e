"""Pictures of readiness, repairs, files, the audit and causes at two sizes."""

from __future__ import annotations

import time

import pytest

from tests.ui.readiness.canned import CannedEngine
from velora_tui.ui.app import VeloraApp


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    """Times of day are told as people here read them: everywhere the same ones."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


SIZES = [(80, 24), (160, 48)]
TO_DISK = ("2", "j", "j")
PICTURES = {
    "readiness": ("2",),
    "chosen": (*TO_DISK, "right", "right"),
    "zoomed": (*TO_DISK, "z"),
    "plan": (*TO_DISK, "R"),
    "mended": (*TO_DISK, "R", "y"),
    "which": ("2", "asterisk", "R"),
    "files": ("2", "F"),
    "diff": ("2", "D"),
    "audit": ("2", "A"),
    "strip": ("W",),
    "causes": ("W", "enter"),
}
SEES = {
    "plan": "Free disk space on eval4?",
    "mended": "mended on eval4",
    "which": "Which repair?",
    "files": "good copy",
    "diff": "+BUILDKIT",
    "audit": "journal entry 9",
    "strip": "2 × docker-buildx",
    "causes": "▌      3  ERROR",
}
READ = {"tabs", "ask", "look", "diff", "read", "causes", "excerpt"}


async def settled(pilot, name: str) -> None:
    app = pilot.app
    await app.engine.following.wait()
    while not app.is_live:
        await pilot.pause()
    for key in PICTURES[name]:
        await at_rest(pilot)
        await pilot.press(key)
    while SEES.get(name, "") not in "\n".join(strip.text for strip in app.screen._compositor.render_strips()):
        await pilot.pause(0.02)
    await at_rest(pilot)


async def at_rest(pilot) -> None:
    """Wait for what is being read, and show it."""
    await pilot.pause()
    while any(worker.group in READ and worker.is_running for worker in pilot.app.workers):
        await pilot.pause()
    pilot.app._refresh()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, size, tmp_path, snap_compare):
    engine = CannedEngine(tmp_path)
    for run_id in ("01A2", "01A3"):
        engine.write_log(run_id, "image", "loading the image\nbuilding\nERROR: unknown flag: --load\n")
    app = VeloraApp(engine)
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: settled(pilot, name))
