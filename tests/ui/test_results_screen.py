"""The Results screen as an operator sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import FIXED, LOG, ended_run, failed_run, fleet_of, graded, keep, running_run, write_log
from velora_tui.ui.screens.results import ResultsScreen
from velora_tui.ui.screens.run import RunScreen


def _all_passing(log: str) -> str:
    """The log of the same tests, all passing."""
    summary = log[log.index("=========================== short") :]
    passed = re.sub(r"FAILED (\S+).*", r"PASSED \1", summary).replace("2 failed, 9 passed", "12 passed")
    return log.splitlines(keepends=True)[0] + passed.replace("======\nPASSED", f"======\nPASSED {FIXED[2]}\nPASSED", 1)


GOOD_LOG = _all_passing(LOG)


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    good = graded(GOOD_LOG)
    runs = ended_run("01AAA"), ended_run("01BBB", "llm.claude", good), failed_run("01CCC"), running_run("01DDD")
    engine = FakeEngine(fleet_of(*runs), tmp_path)
    keep(engine.layout, runs[0])
    keep(engine.layout, runs[1], good, log=GOOD_LOG)
    write_log(engine.layout, runs[2], "evaluation", "one\n" * 1300)
    return engine


async def test_runs_that_ended_stand_with_their_numbers(engine):
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        await seen.sees("1 resolved, 50 % of 2 valid   1 unresolved   1 failed", on="3 runs")
        await seen.sees_like(r"sepal_ui 1319603449 +claude +1 +✓ resolved +3/3 +8/8")
        await seen.sees_like(r"sepal_ui 1319603449 +gpt +1 +○ unresolved +0/3 +8/8 .*16:29 +\$1.21")
        await seen.sees("✗ failed", on="click 1769880766")
        await seen.sees("✗ docker-daemon-down in evaluation: Docker does not run · start Docker, then retry")
        assert "5182905279" not in seen.text


async def test_the_pane_shows_the_run_under_the_cursor_and_keeps_its_tab(engine):
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        seen.table.move_to("01AAA")
        await seen.sees("FAIL_TO_PASS 0/3")
        seen.table.move_to("01BBB")
        await seen.sees("FAIL_TO_PASS 3/3")
        await seen.press("right_square_bracket")
        await seen.sees("diff --git a/sepal_ui/aoi.py")
        seen.table.move_to("01CCC")
        await seen.sees("ended before a patch was collected")


async def test_enter_opens_the_run_and_a_failed_one_at_its_evidence(engine):
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        seen.table.move_to("01CCC")
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.screen, RunScreen))
        await seen.sees("▌ 1204  one")


async def test_the_filter_counts_and_the_header_sorts(engine):
    async with dashboard(engine) as seen:
        await seen.press("4", "slash")
        await seen.type("model:claude,kimi")
        await seen.press("enter")
        await seen.sees("2/3")
        assert set(seen.rows) == {"01BBB", "01CCC"}
        await seen.press("escape")
        await seen.until(lambda: len(seen.rows) == 3)
        assert isinstance(seen.screen, ResultsScreen)
        seen.screen._use_order(seen.screen._order.turned("f2p"))
        await seen.until(lambda: seen.rows[0] == "01AAA")


async def test_capital_h_and_l_go_from_run_to_run_while_one_reads(engine):
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        seen.table.move_to("01AAA")
        await seen.sees("FAIL_TO_PASS 0/3")
        seen.screen.pane.tab.focus_lines()
        before = seen.table.cursor_key
        await seen.press("H")
        assert seen.table.cursor_key == "01BBB"
        await seen.press("L")
        assert seen.table.cursor_key == before
        assert seen.screen.is_in_pane


async def test_capital_h_and_l_say_where_the_runs_end(engine):
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        await seen.press("H")
        await seen.hears("this is the first run")
        await seen.press("G", "L")
        await seen.hears("this is the last run")


async def test_flags_of_the_verdict_stand_at_the_bottom(engine):
    log = LOG.replace(f"PASSED {'tests/test_map.py::test_zoom'}", "XPASS tests/test_map.py::test_zoom")
    flagged = ended_run("01FLAG", verdict=graded(log))
    keep(engine.layout, flagged.model_copy(update={"run_number": 2}), graded(log), log=log)
    engine.shown = fleet_of(flagged.model_copy(update={"run_number": 2}))
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("! tests/test_map.py::test_zoom")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 48)])
async def test_table_and_pane_fit_every_width(engine, size):
    async with dashboard(engine, size) as seen:
        await seen.press("4")
        await seen.sees("3 runs")
        seen.table.move_to("01AAA")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.sees("○ unresolved", on="gpt  ")
        await seen.press("z")
        await seen.until(lambda: not seen.table.display)
        await seen.press("escape")
        await seen.until(lambda: seen.table.has_focus)


async def test_without_a_result_it_says_where_to_start(tmp_path):
    async with dashboard(FakeEngine(fleet_of(running_run()), tmp_path), (80, 24)) as seen:
        await seen.press("4")
        await seen.sees("no run has ended yet")
        await seen.sees("0 runs")
