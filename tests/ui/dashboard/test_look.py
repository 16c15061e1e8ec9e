"""ASCII, colours, and the pictures of the screens at two sizes."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.ui.app import VeloraApp
from velora_tui.ui.ascii_filter import to_ascii

SIZES = [(80, 24), (160, 48)]
SCREENS = {
    "fleet": (),
    "readiness": ("2",),
    "queue": ("3",),
    "help": ("question_mark",),
    "palette": ("colon", *"eval"),
    "start": ("s",),
    "retry": ("j", "j", "r"),
    "stop": ("space", "j", "space", "x"),
    "quit": ("q",),
    "filter": ("slash", *"state:running"),
    "zoom": ("j", "z"),
}


def logs(engine: FakeEngine) -> None:
    engine.write_log("01A1", "trajectory", "".join(f"17:00:{n % 60:02} step {n}/200  edit aoi.py\n" for n in range(60)))
    engine.write_log("01A2", "evaluation", "".join(f"tests/test_a.py::test_case[{n}] PASSED\n" for n in range(80)))


async def settled(pilot, keys: tuple[str, ...]) -> None:
    app = pilot.app
    assert isinstance(app, VeloraApp)
    engine = app.engine
    assert isinstance(engine, FakeEngine)
    await engine.following.wait()
    while not app.is_live:
        await pilot.pause()
    for field in app.query(Input):
        field.cursor_blink = False
    await pilot.press(*keys)
    await pilot.pause()
    for field in app.screen.query(Input):
        field.cursor_blink = False
        field._cursor_visible = True
    app._refresh()
    while any(worker.group in {"index", "dataset", "tabs"} and worker.is_running for worker in app.workers):
        await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_picture(name, size, engine, snap_compare):
    logs(engine)
    app = VeloraApp(engine)
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: settled(pilot, SCREENS[name]))


@pytest.mark.parametrize("theme", ["velora-light", "ansi"])
def test_picture_of_a_theme(theme, engine, snap_compare):
    logs(engine)
    app = VeloraApp(engine, theme=theme)
    assert snap_compare(app, terminal_size=(120, 30), run_before=lambda pilot: settled(pilot, ()))


async def test_ascii_leaves_nothing_else_on_the_terminal(engine):
    logs(engine)
    async with dashboard(engine, live=False, ascii_only=True) as seen:
        await seen.until(lambda: seen.app.is_live)
        for key in ("j", "question_mark", "escape", "2", "3", "1", "s"):
            await seen.press(key)
            filters = seen.app.get_line_filters()
            for strip in seen.app.screen._compositor.render_strips():
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, seen.app.screen.background_colors[1])
                assert strip.text.isascii()


def test_ascii_is_as_wide_as_what_it_stands_for():
    assert to_ascii("▶ trajectory ━─ 漢字") == "> trajectory =- ????"


async def test_no_color_shows_no_colours(engine, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(engine) as seen:
        assert seen.app.no_color
        await seen.sees("✗ failed in image", on="eval3")
