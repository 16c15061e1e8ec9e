"""Finished runs beside each other: tests × runs, models, batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import fleet_of
from tests.ui.results.catalogued import imported, plant
from tests.ui.results.test_browser import group_by, key_of, opened
from velora_tui.ui.screens.compare import CompareScreen
from velora_tui.ui.screens.run import RunScreen


async def comparing(seen: Dashboard, *keys: str) -> CompareScreen:
    if keys:
        seen.table.mark(keys)
    await seen.press("v")
    await seen.until(lambda: isinstance(seen.screen, CompareScreen))
    return seen.screen


async def test_marked_runs_of_a_task_stand_side_by_side(engine):
    async with dashboard(engine, (120, 40)) as seen:
        screen = await opened(seen)
        await comparing(seen, key_of(screen, "shop-1", "gpt", 1), key_of(screen, "shop-1", "claude", 1))
        await seen.sees("1 of 3 tests differ")
        await seen.sees_like(r"outcome +(✓ resolved +○ unresolved|○ unresolved +✓ resolved)")
        await seen.sees_like(r"harness +(agrees +! resolved|! resolved +agrees)")
        await seen.sees_like(r"F2P test_total +(pass +FAIL|FAIL +pass)")
        await seen.sees_like(r"diff shop/cart.py +\+2 −1 +\+2 −1")
        assert "test_empty" not in seen.text
        await seen.press("f")
        await seen.sees("P2P test_empty")
        await seen.press("slash")
        await seen.type("test_add")
        await seen.press("enter")
        await seen.until(lambda: "test_empty" not in seen.text)
        await seen.sees("P2P test_add")


async def test_enter_on_a_test_opens_the_run_of_the_column_at_that_test(engine):
    async with dashboard(engine, (120, 40)) as seen:
        screen = await opened(seen)
        marked = [key_of(screen, "shop-1", "gpt", 1), key_of(screen, "shop-1", "claude", 1)]
        compare = await comparing(seen, *marked)
        await seen.sees("1 of 3 tests differ")
        await seen.press("right")
        seen.table.move_to("test:tests/test_cart.py::test_total")
        wanted = compare._tests.runs[1].row.key
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.screen, RunScreen))
        assert seen.screen.run_id == wanted
        await seen.sees("1 test ")
        await seen.press("escape", "escape")
        await seen.until(lambda: seen.screen is compare)


async def test_without_marks_all_runs_of_the_task_are_compared_and_then_the_models(engine):
    async with dashboard(engine, (150, 40)) as seen:
        screen = await opened(seen)
        seen.table.move_to(key_of(screen, "shop-2", "gpt", 1))
        await comparing(seen)
        await seen.sees("claude-4.6·2")
        titles = seen.line_with("claude-4.6·1").split()
        assert titles == ["claude-4.6·1", "claude-4.6·2", "gpt-5.2·1", "gpt-5.2·2"]
        await seen.press("right_square_bracket")
        await seen.sees("PASS@1")
        await seen.sees_like(r"claude-4.6 +2 +4 +4 +2 +50% 15–85")
        await seen.sees("Wilson")


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (80, ["clau…pus-4-5·1", "clau…pus-4-5·2", "clau…pus-4-6·1"]),
        (200, [f"claude-opus-4-{minor}·{run}" for minor in (5, 6) for run in (1, 2)]),
    ],
)
async def test_runs_of_models_with_long_names_are_told_apart_at_every_width(tmp_path: Path, width, titles):
    plant(tmp_path / "disk", tasks=1, models=("claude-opus-4-5", "claude-opus-4-6"))
    engine = FakeEngine(fleet_of(), tmp_path / "state")
    imported(engine.layout.state, tmp_path / "disk")
    async with dashboard(engine, (width, 30)) as seen:
        screen = await opened(seen, runs=4)
        seen.table.move_to(key_of(screen, "shop-1", "4-5", 1))
        await comparing(seen)
        await seen.sees("1 of 3 tests differ")
        assert seen.line_with("·1").split() == titles


async def test_two_marked_groups_are_two_batches(engine):
    async with dashboard(engine, (120, 40)) as seen:
        await opened(seen)
        await group_by(seen, "model")
        await comparing(seen, "group:model:gpt-5.2", "group:model:claude-4.6")
        await seen.sees("0 newly resolved · 2 no longer · 2 unchanged")  # in the order of the table
        await seen.sees_like(r"- +shop 2 +gpt-5.2 +1 +✓ resolved +○ unresolved")
        await seen.sees("p = 0.500 (McNemar, exact)")


async def test_two_filters_are_two_batches(engine):
    async with dashboard(engine, (120, 40)) as seen:
        await opened(seen)
        await group_by(seen, "model")
        await comparing(seen)
        await seen.sees("PASS@1")
        await seen.press("right_square_bracket")
        await seen.sees("two batches: mark two groups")
        await seen.press("slash")
        await seen.type("model:gpt-5.2 vs model:claude")
        await seen.press("enter")
        await seen.sees("2 newly resolved · 0 no longer · 2 unchanged")
        await seen.sees_like(r"\+ +shop \d +claude-4.6 +1 +○ unresolved +✓ resolved")


async def test_what_cannot_be_compared_says_what_to_mark(engine):
    async with dashboard(engine, (120, 40)) as seen:
        screen = await opened(seen)
        await comparing(seen, key_of(screen, "shop-1", "gpt", 1), key_of(screen, "shop-2", "gpt", 1))
        await seen.press("left_square_bracket")
        await seen.sees("these runs are of different tasks")
