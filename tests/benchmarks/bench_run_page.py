"""A run's page with a patch of 32 MB and a trajectory of 10,000 steps: how long the loop is held up by opening them.

Run: python -m pytest tests/benchmarks/bench_run_page.py -s
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.lag import tuned_as_the_dashboard
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import ended_run, fleet_of, keep, record
from tests.ui.test_run_big_inputs import big_patch, probed
from velora_tui.view.diff import MOST_LINES

STALL_SECONDS = 0.05
ROUNDS = 3
STEPS = 10_000


@pytest.mark.timeout(300)
async def test_neither_a_huge_patch_nor_a_long_trajectory_holds_up_the_keys(tmp_path: Path) -> None:
    run = ended_run()
    engine = FakeEngine(fleet_of(run), tmp_path)
    keep(engine.layout, run, patch=big_patch(32 * 1024 * 1024), trajectory=record(STEPS, "x" * 300))
    rounds = [await _opened(engine) for _ in range(ROUNDS)]
    patch, search, trajectory = (min(stalls) for stalls in zip(*rounds, strict=True))  # others are at work here too
    print(f"\nthe loop was held up for {1000 * patch:.0f} ms by a patch of 32 MB, {1000 * search:.0f} ms by a ", end="")
    print(f"search in {MOST_LINES:,} lines, {1000 * trajectory:.0f} ms by a trajectory of {STEPS:,} steps")
    assert max(patch, search, trajectory) < STALL_SECONDS


async def _opened(engine: FakeEngine) -> tuple[float, float, float]:
    """Return how many seconds the loop was held up at most while the patch, a search in it, the trajectory came."""
    async with dashboard(engine, (120, 40)) as seen:
        seen.app.open_run("01RUN")
        await seen.sees("FAIL_TO_PASS")
        with tuned_as_the_dashboard():
            async with probed() as patch:
                await seen.press("right_square_bracket")
                await seen.sees(f"only {MOST_LINES:,} lines shown")
            async with probed() as search:
                await seen.press("slash")
                await seen.type("compute")
                await seen.sees(f"/{MOST_LINES - 4}")
                await seen.press("escape")
            async with probed() as trajectory:
                await seen.press("right_square_bracket")
                await seen.sees(f"{STEPS:,} steps")
    return patch.worst_seconds, search.worst_seconds, trajectory.worst_seconds
