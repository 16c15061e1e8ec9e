"""The page of an imported run, which no journal knows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.results.trees import january
from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import fleet_of
from tests.ui.results.catalogued import imported, plant
from tests.ui.results.test_browser import key_of, opened
from velora_tui.ui.screens.run import RunScreen
from velora_tui.ui.screens.run_pane import TABS


async def page_of(seen: Dashboard, task: str, model: str, run: int, runs: int = 9) -> RunScreen:
    screen = await opened(seen, runs)
    seen.table.move_to(key_of(screen, task, model, run))
    await seen.press("enter")
    await seen.until(lambda: isinstance(seen.screen, RunScreen) and "import ›" in seen.text)
    return seen.screen


def key_of_shown(seen: Dashboard, task: str, run: int) -> str:
    rows = seen.app.catalog.rows
    return next(row.key for row in rows if (row.task, row.run_number) == (task, run))


async def test_it_opens_at_its_tests_under_where_it_lies_and_what_flips(engine):
    async with dashboard(engine, (150, 40)) as seen:
        await page_of(seen, "shop-1", "gpt", 1)
        await seen.sees("FAIL_TO_PASS 0/1")
        await seen.sees("import › acme/shop 1 › gpt-5.2 › run 1")
        await seen.sees("○ unresolved   F2P 0/1   P2P 2/2")
        await seen.sees("the harness said passed: tests/test_cart.py::test_total; it is FAILED at line 4")
        await seen.press("enter")
        await seen.sees("▌    4  FAILED tests/test_cart.py::test_total")
        await seen.press("escape")
        await seen.sees("FAIL_TO_PASS 0/1")


async def test_all_its_tabs_are_read_from_its_tree(engine):
    async with dashboard(engine, (150, 40)) as seen:
        await page_of(seen, "shop-1", "gpt", 1)
        await seen.press("right_square_bracket")
        await seen.sees("return sum(item.price * item.count for item in items)")
        await seen.press("right_square_bracket")
        await seen.sees("pytest -k total")
        await seen.press("enter")
        await seen.sees("1 failed [/b]")
        await seen.press("right_square_bracket")
        await seen.sees("eval_pilot2_output.jsonl")
        await seen.press("right_square_bracket")
        await seen.sees("What is suspicious")
        await seen.sees("! harness-differs  the harness said resolved")
        await seen.press("G")
        await seen.until(lambda: "velora import" in seen.line_with("from  "))
        await seen.press("right_square_bracket")
        await seen.sees("test_output.txt")


async def test_h_and_l_go_from_run_to_run_in_the_same_tab_and_the_table_follows(engine):
    async with dashboard(engine, (150, 40)) as seen:
        screen = await page_of(seen, "shop-1", "gpt", 1)
        await seen.press("right_square_bracket")
        await seen.sees("item.count")
        keys = seen.app.catalog.shown
        place = keys.index(screen.run_id)
        await seen.press("H")
        await seen.until(lambda: screen.place is not None and screen.place.run.run == keys[place - 1])
        assert screen.pane.tab_name == "patch"
        for _ in keys:
            await seen.press("H")
        await seen.hears("this is the first run in Results")
        await seen.press("escape")
        await seen.until(lambda: seen.screen.NAME == "results")
        assert seen.table.cursor_key == keys[0]


async def test_esc_ends_a_search_first_in_every_tab(engine):
    async with dashboard(engine, (150, 40)) as seen:
        screen = await page_of(seen, "shop-1", "gpt", 1)
        for tab in TABS:
            screen.pane.show_tab(tab)
            await seen.press("slash")
            await seen.type("e")
            await seen.press("enter")
            await seen.sees("/e ")
            await seen.press("escape")
            await seen.until(lambda: "/e " not in seen.text)
            assert seen.screen is screen, tab


async def test_a_search_goes_on_in_the_next_run_where_it_is_shown_and_n_still_works(engine):
    async with dashboard(engine, (150, 40)) as seen:
        screen = await page_of(seen, "shop-1", "gpt", 1)
        screen.pane.show_tab("patch")
        await seen.sees("item.count")
        await seen.press("slash")
        await seen.type("item.count")
        await seen.press("enter")
        await seen.sees("/item.count  1/")
        screen.choose("01OWN", None)
        await seen.sees("/item.count  nothing found")
        await seen.press("n")
        lines = screen.pane.tab.lines
        assert lines.lines[lines.cursor_place].text.startswith("@@ "), "to the next hunk"
        screen.pane.show_tab("trajectory")
        await seen.press("slash")
        await seen.type("thinking of 3")
        await seen.press("enter")
        await seen.sees("step 1/1 found")
        screen.choose(key_of_shown(seen, "shop-1", 1), None)
        await seen.sees("/thinking of 3  nothing found")
        await seen.press("n", "escape")
        await seen.until(lambda: "/thinking" not in seen.text)


async def test_actions_on_runs_of_others_say_why_they_cannot_be_done(engine):
    async with dashboard(engine, (150, 40)) as seen:
        await page_of(seen, "shop-1", "gpt", 1)
        await seen.press("r")
        await seen.hears("an imported run: only Velora's own can be retried")
        await seen.press("x")
        await seen.hears("nothing runs here: this run is over")


async def test_patch_and_test_output_are_found_in_the_record_where_they_have_no_file(tmp_path: Path):
    plant(tmp_path / "disk", tasks=1, runs=1)
    for path in tmp_path.rglob("eval_outputs"):
        shutil.rmtree(path)
    engine = FakeEngine(fleet_of(), tmp_path / "state")
    imported(engine.layout.state, tmp_path / "disk")
    before = sorted(path for path in (tmp_path / "disk").rglob("*"))
    async with dashboard(engine, (150, 40)) as seen:
        await page_of(seen, "shop-1", "gpt", 1, runs=2)
        await seen.sees("4  FAILED tests/test_cart.py::test_total")
        await seen.press("right_square_bracket")
        await seen.sees("return sum(item.price * item.count for item in items)")
        written = seen.app.catalog._quoted
        assert written is not None
        assert written.is_dir()
    assert sorted(path for path in (tmp_path / "disk").rglob("*")) == before, "the tree is only read"
    assert not written.exists(), "what was written goes with the dashboard"


async def test_a_run_whose_files_are_gone_still_shows_its_verdict(engine, tmp_path: Path):
    shutil.rmtree(january(tmp_path / "disk", 1, "shop-1", "gpt-5.2"))
    async with dashboard(engine, (150, 40)) as seen:
        await page_of(seen, "shop-1", "gpt", 1)
        await seen.sees("FAIL_TO_PASS 0/1")
        await seen.press("right_square_bracket", "right_square_bracket")
        await seen.sees("left no trajectory")
