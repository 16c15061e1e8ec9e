"""The Readiness screen while the checks of fifty instances answer one by one: how long each answer holds up the loop.

Run: python -m pytest tests/benchmarks/bench_readiness_screen.py -s
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.lag import tuned_as_the_dashboard
from tests.ui.dashboard.build import NOW, snapshot
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.readiness.canned import asked
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.screens.readiness import ReadinessScreen

INSTANCES = 50
STALL_SECONDS = 0.05
ANSWER_SECONDS = 0.01


async def test_answers_of_fifty_instances_do_not_hold_up_the_keys(tmp_path: Path) -> None:
    fleet = snapshot(*(asked(f"eval{number}") for number in range(INSTANCES)))
    async with dashboard(FakeEngine(fleet, tmp_path), (160, 48)) as seen:
        await seen.press("2")
        await seen.until(lambda: isinstance(seen.screen, ReadinessScreen) and len(seen.rows) == INSTANCES)
        assert isinstance(seen.screen, ReadinessScreen)
        with tuned_as_the_dashboard():
            held = [_held_up(seen.screen, _answered(fleet, number)) for number in range(INSTANCES)]
            everything = min(_held_up(seen.screen, _answered(fleet, *range(INSTANCES))) for _ in range(5))
    typical = sorted(held)[INSTANCES // 2]
    print(f"\nof {INSTANCES} instances one answer holds up the loop {1000 * typical:.1f} ms, ", end="")
    print(f"new answers of all at once {1000 * everything:.0f} ms")
    assert typical < ANSWER_SECONDS
    assert everything < STALL_SECONDS


def _answered(fleet: FleetSnapshot, *places: int) -> FleetSnapshot:
    """Return the fleet after the instances at these places have answered anew."""
    rows = list(fleet.instances)
    for place in places:
        readiness = rows[place].readiness
        assert readiness is not None
        rows[place] = replace(rows[place], readiness=readiness.model_copy(update={"at": NOW}))
    return replace(fleet, instances=tuple(rows))


def _held_up(screen: ReadinessScreen, fleet: FleetSnapshot) -> float:
    began = time.perf_counter()
    screen.show_snapshot(fleet)
    return time.perf_counter() - began
