"""The Results screen over the catalog: imported runs beside one's own, filters, groups, live."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import ended_run, failed_run, fleet_of, graded, keep
from tests.ui.results.catalogued import imported, plant
from tests.ui.test_results_screen import GOOD_LOG
from velora_tui.ui.screens.results import ResultsScreen
from velora_tui.view.results_rows import GROUP_PREFIX


async def opened(seen: Dashboard, runs: int = 9) -> ResultsScreen:
    await seen.press("4")
    await seen.sees(f"{runs} runs")
    assert isinstance(seen.screen, ResultsScreen)
    return seen.screen


def key_of(screen: ResultsScreen, task: str, model: str, run: int) -> str:
    return next(
        row.key for row in screen._found.rows if (row.task, row.run_number) == (task, run) and model in row.model
    )


async def group_by(seen: Dashboard, by: str) -> None:
    """Choose from the menu of groups."""
    await seen.press("B")
    await seen.sees("Group by")
    places = ["", "task", "repo", "model", "run", "outcome", "origin", "instance", "date", "quality", "valid"]
    await seen.press("g", *["j"] * places.index(by), "enter")
    await seen.until(lambda: f"by {by} ·" in seen.text)


async def test_imported_runs_stand_beside_ones_own(engine):
    async with dashboard(engine, (170, 40)) as seen:
        await opened(seen)
        await seen.sees("2 resolved, 22 % of 9 valid   7 unresolved", on="9 runs, 8 imported")
        await seen.sees_like(r"sepal_ui 1319603449 +gpt +1 +○ unresolved +0/3 +8/8")
        await seen.sees_like(r"shop 2 +claude-4.6 +1 +✓ resolved +1/1 +2/2")


async def test_where_the_harness_judged_otherwise_is_marked_told_and_filtered(engine):
    async with dashboard(engine, (170, 40)) as seen:
        screen = await opened(seen)
        await seen.sees_like(r"shop 1 +gpt-5.2 +1 +○ unresolved ! +0/1")
        await seen.sees("harness said resolved, we do not: 1 run")
        await seen.press("exclamation_mark")
        await seen.sees("harness:differs  1/9")
        assert seen.rows == [key_of(screen, "shop-1", "gpt", 1)]
        await seen.sees("the harness said passed: tests/test_cart.py::test_total; it is FAILED at line 4")
        await seen.press("exclamation_mark")
        await seen.until(lambda: len(seen.rows) == 9)


async def test_filters_know_the_catalogs_fields_and_the_fleets_names(engine):
    async with dashboard(engine) as seen:
        await opened(seen)
        for text, number in (
            ("origin:import", 8),
            ("model:gpt !shop", 1),
            ("/shop-1/ run:2", 2),
            ("date:2026-01-12", 4),
        ):
            await seen.press("slash", "ctrl+u")
            await seen.type(text)
            await seen.press("enter")
            await seen.sees(f"{text}  {number}/9")
            assert len(seen.rows) == number
            await seen.press("escape")


async def test_a_filter_that_cannot_be_meant_says_why_and_what_there_is(engine):
    async with dashboard(engine, (80, 24)) as seen:
        await opened(seen)
        await seen.press("slash")
        await seen.type("bogus:1")
        await seen.sees("unknown filter key 'bogus' — there are task, repo, model, run, outcome,")
        await seen.sees("state — esc takes the filter away")
        await seen.press("ctrl+u")
        await seen.type("/[a")
        await seen.sees("/[a is no whole /regex/ yet")
        assert len(seen.rows) == 9
        await seen.press("enter")
        await seen.hears("/[a is no whole /regex/ yet — end it, or drop the slash")


async def test_without_a_row_nothing_is_told_of_the_last_run(engine):
    async with dashboard(engine, (170, 40)) as seen:
        screen = await opened(seen)
        seen.table.move_to(key_of(screen, "shop-1", "gpt", 1))
        await seen.sees("the harness said passed: tests/test_cart.py::test_total")
        await seen.press("slash")
        await seen.type("nowhere")
        await seen.sees("nothing matches nowhere")
        await seen.until(lambda: "the harness said passed" not in seen.text)
        await seen.press("escape")
        await seen.sees("the harness said passed: tests/test_cart.py::test_total")


async def test_help_lists_the_keys_of_this_tables_filter(engine):
    async with dashboard(engine, (180, 70)) as seen:
        await opened(seen)
        await seen.press("question_mark")
        await seen.sees("task repo model run outcome origin instance date")
        assert "phase" not in seen.line_with("in one column:")


async def test_the_palette_finds_imported_runs_by_words(engine):
    async with dashboard(engine, (120, 40)) as seen:
        screen = await opened(seen)
        wanted = key_of(screen, "shop-2", "claude", 1)
        await seen.press("ctrl+p")
        await seen.type("shop 2 claude run 1")
        await seen.sees_like(r"run +acme/shop 2 +claude-4.6 +run 1 +✓ resolved")
        await seen.press("enter")
        await seen.until(lambda: seen.screen.NAME == "run" and seen.screen.run_id == wanted)


async def test_the_palette_says_that_nothing_is_found(engine):
    async with dashboard(engine, (80, 24)) as seen:
        await seen.press("ctrl+p")
        await seen.type("qqzz")
        await seen.sees("nothing found")
        await seen.press("enter", "ctrl+u")
        await seen.until(lambda: "nothing found" not in seen.text)


async def test_groups_count_fold_and_unfold_and_are_there_again(engine):
    async with dashboard(engine) as seen:
        await opened(seen)
        await group_by(seen, "model")
        assert seen.rows == [f"{GROUP_PREFIX}model:{model}" for model in ("claude-4.6", "gpt-5.2", "llm.gpt")]
        await seen.sees_like(r"▸ claude-4.6 +4 runs +2/4 50 % +50%")
        await seen.press("g", "enter")
        await seen.until(lambda: len(seen.rows) == 7)
        await seen.sees("▾ claude-4.6")
        await seen.press("O")
        await seen.until(lambda: len(seen.rows) == 3)
        await seen.press("O")
        await seen.until(lambda: len(seen.rows) == 12)
    async with dashboard(FakeEngine(engine.shown, engine.layout.state)) as seen:
        await seen.press("4")
        await seen.sees("by model · 3 groups")


async def test_the_cursor_stays_with_its_run_while_others_come(engine, tmp_path: Path):
    async with dashboard(engine) as seen:
        screen = await opened(seen)
        key = key_of(screen, "shop-1", "claude", 1)
        seen.table.move_to(key)
        good = graded(GOOD_LOG)
        new = ended_run("01NEW", "llm.kimi", good, number=2)
        engine.shown = fleet_of(*engine.shown.runs.values(), new, failed_run())
        await seen.sees("11 runs")
        assert seen.table.cursor_key == key
        assert re.search(r"sepal_ui 1319603449 +kimi +2 +✓ resolved", seen.text), "at once, from the journal"
        keep(engine.layout, new, good, log=GOOD_LOG)
        plant(tmp_path / "more", tasks=1, runs=1)
        imported(engine.layout.state, tmp_path / "more")
        await seen.sees("11 runs")
        assert seen.table.cursor_key == key


async def test_what_another_process_imports_appears(engine, tmp_path: Path):
    async with dashboard(engine) as seen:
        await opened(seen)
        plant(tmp_path / "more", tasks=3, runs=1)
        imported(engine.layout.state, tmp_path / "more")
        await seen.sees("11 runs")  # copies of runs that were there count once


async def test_without_a_result_it_says_how_to_import(tmp_path: Path):
    async with dashboard(FakeEngine(fleet_of(), tmp_path), (100, 24)) as seen:
        await seen.press("4")
        await seen.sees("`velora import DIR` takes in finished ones")


async def test_a_catalog_that_cannot_be_read_is_told_and_ones_own_runs_are_there(tmp_path: Path):
    own = ended_run("01OWN")
    engine = FakeEngine(fleet_of(own), tmp_path)
    (tmp_path / "catalog.db").write_bytes(b"no database at all, for sure" * 100)
    async with dashboard(engine) as seen:
        await seen.press("4")
        await seen.sees("cannot be read")
        await seen.sees("sepal_ui 1319603449")
