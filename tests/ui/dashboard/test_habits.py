"""What operators complained of: keys, marks, toasts, the palette, help, and views that are forgotten."""

from __future__ import annotations

import json

import pytest

from tests.ui.dashboard.build import busy_fleet, instance, snapshot
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.dashboard.test_actions import asked


def widget_rows(seen, selector: str) -> range:
    region = seen.app.screen.query_one(selector).region
    return range(region.y, region.bottom)


# --- keys


@pytest.mark.parametrize("tab", ["1", "4"])
async def test_5_opens_the_run_under_the_cursor(engine, tab):
    engine.write_log("01A9", "validate", "of the run under the cursor\n")
    async with dashboard(engine) as seen:
        await seen.press(tab)
        await seen.until(lambda: seen.screen.NAME in {"fleet", "results"} and len(seen.rows) > 0)
        key = "eval9" if tab == "1" else "01A9"
        await seen.until(lambda: seen.table.move_to(key))
        await seen.press("5")
        await seen.until(lambda: seen.screen.NAME == "log")
        await seen.until(lambda: seen.screen.run_id == "01A9")


async def test_5_on_a_runs_page_shows_that_attempts_log(engine):
    async with dashboard(engine) as seen:
        await seen.press("j", "enter")
        await seen.until(lambda: seen.screen.NAME == "run" and seen.screen.place is not None)
        await seen.press("5")
        await seen.until(lambda: seen.screen.NAME == "log" and seen.screen.run_id == "01A2")


async def test_capital_h_and_l_go_from_run_to_run_and_are_in_the_help(engine):
    async with dashboard(engine, (170, 60)) as seen:
        await seen.press("4")
        await seen.until(lambda: seen.screen.NAME == "results" and len(seen.rows) >= 2)
        first = seen.table.cursor_key
        await seen.press("L")
        await seen.until(lambda: seen.table.cursor_key != first)
        await seen.press("H")
        await seen.until(lambda: seen.table.cursor_key == first)
        await seen.press("question_mark")
        await seen.sees("To the next run, from wherever the keys go")


# --- marks


async def test_marks_go_once_what_they_were_made_for_is_done(engine):
    async with dashboard(engine) as seen:
        await seen.press("space", "j", "space", "x")
        await seen.sees("Stop 2 runs?")
        await seen.press("n")
        await seen.until(lambda: "Stop 2 runs?" not in seen.text)
        assert len(seen.table.marked) == 2, "nothing was done"
        await seen.press("x")
        await seen.sees("Stop 2 runs?")
        await seen.press("y")
        await seen.until(lambda: len(asked(engine, "stop")) == 2 and not seen.table.marked)


async def test_a_range_begins_at_the_row_marked_last(engine):
    async with dashboard(engine) as seen:
        await seen.press("space", "j", "j", "V")
        await seen.until(lambda: seen.table.marked == ("eval1", "eval2", "eval3"))
        await seen.press("asterisk", "asterisk", "j", "V")
        await seen.until(lambda: seen.table.marked[-1:] == ("eval4",))


async def test_a_mark_taken_away_begins_no_range(engine):
    async with dashboard(engine) as seen:
        await seen.press("space", "space", "j", "j", "V")
        await seen.until(lambda: seen.table.marked == ("eval3",))


# --- toasts


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_toasts_cover_no_row_and_no_line_that_is_read(engine, size):
    engine.write_log("01A1", "trajectory", "".join(f"line {number}\n" for number in range(200)))
    async with dashboard(engine, size) as seen:
        for number in range(3):
            seen.screen.say(f"word {number} " * 60, title="long", is_problem=True)
        await seen.sees("word 2")
        toast = seen.app.screen.query("Toast").last().region
        assert toast.bottom <= widget_rows(seen, "#table").start
        assert "word 0" not in seen.text, "the latest one alone"


# --- the palette and help


async def test_the_palette_finds_groups_and_words(engine):
    async with dashboard(engine) as seen:
        await seen.press("ctrl+p", *"theme")
        await seen.until(lambda: "Choose the colours" in seen.text and "velora-light" in seen.text)
        await seen.press("escape", "ctrl+p", *"instances")
        await seen.sees("Check whether instances are ready")
        await seen.sees("Decide on a new host key")


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 15), ((120, 40), 31), ((200, 60), 24)])
async def test_help_uses_the_room_there_is(engine, size, lines):
    async with dashboard(engine, size) as seen:
        await seen.press("question_mark")
        await seen.sees("Keys · Fleet")
        await seen.sees("esc back")
        await seen.until(lambda: seen.app.screen.query_one("HelpText").region.height >= lines)
        if size[0] == 200:
            assert "Mark all rows, or none" in seen.text, "all of it is in sight"


# --- restarts


async def test_filter_and_order_are_there_again_after_a_restart(engine):
    async with dashboard(engine) as seen:
        await seen.press("slash", *"state:running", "enter")
        place = next(place for place in seen.table.places if place.column.id == "time")
        await seen.pilot.click("#table", offset=(place.end - 2, 0))
        await seen.until(lambda: "TIME▴" in seen.text and len(seen.rows) == 5)
        rows = seen.rows
    again = FakeEngine(engine.shown, engine.layout.state)
    async with dashboard(again) as seen:
        await seen.sees("/ state:running  5/10")
        await seen.sees("TIME▴")
        assert seen.rows == rows
        await seen.press("escape")
        await seen.until(lambda: len(seen.rows) == 10)
    kept = json.loads(engine.layout.views.read_text())["fleet"]
    assert kept == {"filter": "", "column": "time", "descending": False, "group": ""}


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"fleet": {"filter": "/(/", "column": "no such"}}', "\x00" * 100])
async def test_a_damaged_file_of_views_is_nothing(tmp_path, text):
    engine = FakeEngine(busy_fleet(), tmp_path)
    engine.layout.views.write_text(text)
    async with dashboard(engine) as seen:
        assert len(seen.rows) == 10


async def test_a_state_folder_that_cannot_be_written_is_no_obstacle(tmp_path):
    engine = FakeEngine(snapshot(instance("eval1")), tmp_path)
    engine.layout.views.mkdir()
    async with dashboard(engine) as seen:
        await seen.press("slash", *"eval", "enter", "q")
        await seen.until(lambda: not seen.app.is_running)
