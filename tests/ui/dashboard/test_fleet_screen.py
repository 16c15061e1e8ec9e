"""The fleet screen as an operator sees it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ui.dashboard.build import NOW, attempt, busy_fleet, instance, readiness, run, snapshot
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.domain.events import AttemptStarted, LogGrew, PhaseStarted
from velora_tui.ui import app as app_module
from velora_tui.ui.widgets.log_view import LogView


async def test_each_state_has_a_symbol_and_a_word(engine):
    async with dashboard(engine) as seen:
        await seen.sees("▶ trajectory", on="eval1")
        await seen.sees("✗ failed in image", on="eval3")
        await seen.sees("! not ready", on="eval4")
        await seen.sees("✓ resolved", on="eval9")
        await seen.sees("○ unresolved", on="lancer1")
        await seen.sees("● ready", on="lancer3")


async def test_progress_says_how_far_it_is_and_what_is_wrong(engine):
    async with dashboard(engine) as seen:
        await seen.sees("step 42/200", on="eval1")
        await seen.sees("docker-buildx", on="eval3")
        await seen.sees("disk: 91 % used, limit 80 %", on="eval4")
        await seen.sees("2.1 GB of 2.9 GB", on="eval6")
        assert re.search(r"F2P 3/3 +P2P 99/99", seen.line_with("eval9"))
        await seen.sees("312/500 files", on="lancer2")


async def test_the_header_counts_instances_and_runs(engine):
    async with dashboard(engine) as seen:
        assert re.search(r"swe-tes7 +▶ 5 running +✗ 1 failed +! 1 not ready +● 1 ready +✓ 2 done", seen.lines[0])
        assert "3/10 runs over" in seen.lines[1]
        assert "1/2 resolved 50 %" in seen.lines[1]
        assert "queue 2" in seen.lines[1]


@pytest.mark.parametrize("width", [80, 120, 160])
async def test_it_fits_three_widths(engine, width):
    async with dashboard(engine, (width, 24)) as seen:
        await seen.sees("42/200", on="eval1")
        await seen.sees("docker-buildx", on="eval3")
        assert ("✓✓▶····" in seen.line_with("eval1")) == (width == 80)
        assert "? help" in seen.lines[-1]


async def test_a_terminal_too_small_is_told_so(engine):
    async with dashboard(engine, (59, 16), live=False) as seen:
        await seen.sees("Velora needs 60×16 characters")
        assert "eval1" not in seen.text


async def test_before_the_engine_is_up_the_state_is_marked_stale(tmp_path):
    engine = FakeEngine(busy_fleet(), tmp_path, never_opens=True)
    async with dashboard(engine, live=False) as seen:
        await seen.sees("last known state")
        await seen.sees("eval1")
        await seen.press("x")
        await seen.hears("the engine is still starting")
        assert engine.asked == []


async def test_a_change_is_shown_without_waiting_for_the_timer(engine, monkeypatch):
    monkeypatch.setattr(app_module, "REFRESH_SECONDS", 3600)
    async with dashboard(engine) as seen:
        shown = busy_fleet()
        moved = run("01A1", "12rambau/sepal_ui", "1319603449", "llm.gpt", attempt("eval1", "evaluation"))
        rows = (instance("eval1", moved), *shown.instances[1:])
        engine.tell(
            PhaseStarted(run="01A1", attempt=1, phase="evaluation"), replace(shown, instances=rows, runs=shown.runs)
        )
        await seen.until(lambda: "▶ evaluation" in seen.line_with("eval1"))


async def test_an_instance_quiet_for_long_says_so(engine):
    async with dashboard(engine) as seen:
        engine.tell(LogGrew(run="01A1", attempt=1, phase="trajectory", size=10, at=NOW - timedelta(seconds=130)))
        await seen.until(lambda: "quiet 2 m" in seen.line_with("eval1"))


async def test_a_new_attempt_is_not_as_quiet_as_the_one_before(engine):
    async with dashboard(engine) as seen:
        engine.tell(LogGrew(run="01A1", attempt=1, phase="trajectory", size=10, at=NOW - timedelta(seconds=130)))
        await seen.until(lambda: "quiet 2 m" in seen.line_with("eval1"))
        engine.tell(AttemptStarted(run="01A1", attempt=2, instance="eval1", by="me"))
        await seen.until(lambda: "quiet" not in seen.line_with("eval1"))


async def test_an_empty_fleet_says_what_to_do(tmp_path):
    async with dashboard(FakeEngine(snapshot(), tmp_path)) as seen:
        await seen.sees("the fleet has no instances — add [[instances]] to the fleet file")


# --- selection, order, filter


async def test_the_cursor_stays_with_its_instance_through_order_filter_and_inserts(engine):
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "j", "j")
        assert seen.table.cursor_key == "eval5"
        await seen.press("S", "j", "enter")
        await seen.until(lambda: seen.rows[0] == "eval1" and seen.table.cursor_key == "eval5")
        await seen.press("S", "enter")
        await seen.until(lambda: seen.rows[0] == "lancer3" and seen.table.cursor_key == "eval5")
        await seen.press("slash", *"state:running", "enter")
        await seen.until(lambda: len(seen.rows) == 5 and seen.table.cursor_key == "eval5")
        shown = busy_fleet()
        engine.shown = replace(shown, instances=(instance("aaa", ready=readiness("aaa")), *shown.instances))
        await seen.press("escape")
        await seen.until(lambda: len(seen.rows) == 11 and seen.table.cursor_key == "eval5")


async def test_a_click_on_a_header_sorts_and_shows_it(engine):
    async with dashboard(engine) as seen:
        place = next(place for place in seen.table.places if place.column.id == "time")
        await seen.pilot.click("#table", offset=(place.end - 2, 0))
        await seen.until(lambda: "TIME▴" in seen.text)
        assert seen.rows[:2] == ["eval6", "eval3"]


async def test_the_filter_counts_survives_updates_and_is_recalled(engine):
    async with dashboard(engine) as seen:
        await seen.press("slash", *"model:gpt,kimi", "space", *"!eval3")
        await seen.until(lambda: seen.rows == ["eval1", "eval5", "eval9", "lancer1"])
        await seen.press("enter")
        await seen.sees("/ model:gpt,kimi !eval3  4/10")
        await seen.press("2")
        await seen.until(lambda: seen.screen.NAME == "readiness")
        await seen.press("1")
        await seen.until(lambda: seen.screen.NAME == "fleet" and len(seen.rows) == 4)
        await seen.press("slash")
        await seen.sees("/ model:gpt,kimi !eval3")
        await seen.press("ctrl+u", "escape")
        await seen.until(lambda: len(seen.rows) == 4)
        await seen.press("escape")
        await seen.until(lambda: len(seen.rows) == 10)


async def test_a_wrong_regular_expression_is_told_and_hides_nothing(engine):
    async with dashboard(engine) as seen:
        await seen.press("slash", *"/(/")
        await seen.sees("is not a regular expression")
        assert len(seen.rows) == 10


async def test_a_filter_that_matches_nothing_says_so(engine):
    async with dashboard(engine) as seen:
        await seen.press("slash", *"nobody", "enter")
        await seen.sees("nothing matches nobody — esc takes the filter away")
        await seen.sees("0/10")


# --- the log pane


async def test_the_pane_shows_the_log_of_the_row_under_the_cursor_and_follows_it(engine):
    path = engine.write_log("01A2", "evaluation", "first line\n")
    async with dashboard(engine) as seen:
        await seen.press("j")
        await seen.sees("first line")
        await seen.sees("● following", on="eval2 requests 5182905279 · claude · run 1 · evaluation")
        with path.open("a") as file:
            file.write("t.py::t[param-1] PASSED\n")
        engine.tell(LogGrew(run="01A2", attempt=1, phase="evaluation", size=path.stat().st_size))
        await seen.sees("t.py::t[param-1] PASSED")


async def test_the_pane_of_a_failed_run_stands_at_the_evidence(engine):
    engine.write_log("01A3", "image", "".join(f"line {number}\n" for number in range(1, 400)))
    async with dashboard(engine) as seen:
        await seen.press("j", "j")
        await seen.sees("line 3")
        assert seen.screen.query_one(LogView).current_line == 3


async def test_while_one_reads_the_log_stays_when_the_phase_changes(engine):
    engine.write_log("01A1", "trajectory", "".join(f"line {number}\n" for number in range(1, 400)))
    async with dashboard(engine) as seen:
        await seen.sees("line 399")
        await seen.press("tab", "g")
        await seen.sees("f follows")
        shown = busy_fleet()
        moved = run("01A1", "12rambau/sepal_ui", "1319603449", "llm.gpt", attempt("eval1", "evaluation"))
        engine.tell(
            PhaseStarted(run="01A1", attempt=1, phase="evaluation"),
            replace(shown, instances=(instance("eval1", moved), *shown.instances[1:])),
        )
        await seen.sees("▶ evaluation")
        await seen.sees("line 1")
        await seen.press("f")
        await seen.until(lambda: "· evaluation" in seen.line_with("eval1 sepal_ui"))


async def test_zoom_gives_the_log_the_screen_and_esc_takes_it_back(engine):
    engine.write_log("01A1", "trajectory", "hello\n")
    async with dashboard(engine) as seen:
        await seen.press("z")
        await seen.until(lambda: "INSTANCE" not in seen.text and "hello" in seen.text)
        await seen.press("escape")
        await seen.sees("INSTANCE")
        assert seen.screen.NAME == "fleet"


async def test_zooming_and_other_window_sizes_do_not_end_the_following(engine):
    engine.write_log("01A1", "trajectory", "".join(f"line {number}\n" for number in range(1, 200)))
    async with dashboard(engine, (120, 30)) as seen:
        await seen.sees("line 199")
        for change in ("z", (120, 45), (80, 24), (160, 48), "z"):
            await (seen.press(change) if isinstance(change, str) else seen.pilot.resize_terminal(*change))
            await seen.pilot.pause()
            await seen.sees("line 199")
            await seen.sees("● following")
            shown = [line for line in seen.lines if re.search(r"^ +\d+  line \d+\b", line)]
            assert len(shown) == seen.screen.query_one(LogView).size.height
