"""The Results screen over ten thousand finished runs: first rows, a filter while one types, and groups.

Run: python -m pytest tests/benchmarks/bench_results_screen.py -s
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.bench_results import MODELS, RUNS
from tests.results.trees import Finished, january
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import fleet_of
from velora_tui.pipeline.imported.batch import import_trees
from velora_tui.store.catalog import CATALOG_FILE, Catalog, Source
from velora_tui.ui.screens.results import ResultsScreen

FIRST_ROWS_SECONDS = 1.0
FILTER_SECONDS = 0.1
GROUP_SECONDS = 0.15
KEYS = ("c", "l", "a", "u", "d", "e")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of ten thousand rows made from one real one."""
    root = tmp_path_factory.mktemp("disk")
    Finished().write(january(root))
    folder = tmp_path_factory.mktemp("state")
    with Catalog(folder / CATALOG_FILE) as catalog:
        import_trees(catalog, [root], processes=0)
        (row,) = catalog.rows()
        rows = [
            replace(
                row,
                key=f"i{number:08}",
                task=f"shop-{number // 40}",
                model=MODELS[number % 5],
                run_number=number // 5 % 8 + 1,
                content=f"{number}",
                started_at=f"2026-01-{number % 28 + 1:02}T06:{number % 60:02}:08+00:00",
            )
            for number in range(RUNS)
        ]
        catalog.keep([(Source(f"/disk/{place}", "/disk", "", "{}"), [(one, None)]) for place, one in enumerate(rows)])
    return folder


@pytest.mark.timeout(300)
async def test_ten_thousand_runs_are_shown_filtered_and_grouped_while_one_types(state: Path) -> None:
    async with dashboard(FakeEngine(fleet_of(), state), (160, 48)) as seen:
        began = time.process_time()  # of all threads: others at work on this machine don't count
        seen.app.show_tab("results")
        await seen.until(lambda: isinstance(seen.screen, ResultsScreen) and len(seen.rows) == RUNS + 1)
        first = time.process_time() - began
        screen = seen.screen
        assert isinstance(screen, ResultsScreen)
        words = ["".join(KEYS[:typed]) for typed in range(len(KEYS) + 1)]
        typed = [held_up(screen, partial(screen._use_filter, text)) for text in words]
        screen._use_filter("")
        screen._use_group("task")
        grouped = held_up(screen, lambda: screen.refresh_snapshot(seen.engine.shown))
        print(
            f"\n{RUNS:,} runs: first rows {first:.2f} s of CPU; a filter key {1000 * max(typed):.0f} ms at most, ",
            end="",
        )
        print(f"{1000 * sum(typed) / len(typed):.0f} ms in the mean; grouping by task {1000 * grouped:.0f} ms")
        assert first < FIRST_ROWS_SECONDS
        assert max(typed) < FILTER_SECONDS
        assert grouped < GROUP_SECONDS


def held_up(screen: ResultsScreen, work: Callable[[], object]) -> float:
    """Return how many seconds the work holds up the loop, the best of five rounds."""
    found = []
    for _ in range(5):
        screen._found._stands_for = ()
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
