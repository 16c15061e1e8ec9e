"""Big results stay smooth: nothing keeps the loop from its work for longer than a person would notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import ended_run, fleet_of, graded, keep, record, task
from velora_tui.pipeline import trajectory_file
from velora_tui.ui.screens.run import RunScreen
from velora_tui.view.diff import MOST_LINES

LONGEST_STALL_SECONDS = 3.0  # a hang; how fast it is, is for the benchmarks
PROBE_SECONDS = 0.005


class LoopProbe:
    """Notices how late the loop comes back to it, as far as this process was busy meanwhile."""

    def __init__(self) -> None:
        self.worst_seconds = 0.0

    async def watch(self) -> None:
        while True:
            before, used = time.monotonic(), time.process_time()
            await asyncio.sleep(PROBE_SECONDS)
            waited = time.monotonic() - before - PROBE_SECONDS
            self.worst_seconds = max(self.worst_seconds, min(waited, time.process_time() - used))


@asynccontextmanager
async def probed() -> AsyncIterator[LoopProbe]:
    probe = LoopProbe()
    watching = asyncio.create_task(probe.watch())
    try:
        yield probe
    finally:
        watching.cancel()


def big_log(tests: int) -> str:
    names = [f"tests/test_{number % 40}.py::test_{number}[param-{number}]" for number in range(tests)]
    blocks = "".join(
        f"____ test_{number}[param-{number}] ____\ntests/test_{number % 40}.py:3: in test\nE   assert {number}\n"
        for number in range(0, tests, 3)
    )
    passed = "".join(f"PASSED {name}\n" for number, name in enumerate(names) if number % 3)
    failed = "".join(f"FAILED {name} - assert 1\n" for number, name in enumerate(names) if number % 3 == 0)
    return (
        f"===== test session starts =====\n{blocks}===== short test summary info =====\n{passed}{failed}"
        f"===== {tests} tests in 9.99s =====\n"
    )


def names_in(log: str) -> tuple[str, ...]:
    """The names by number, so that every third failed."""
    names = (line.split(" ")[1] for line in log.splitlines() if line.startswith(("PASSED", "FAILED")))
    return tuple(sorted(names, key=lambda name: int(name.partition("param-")[2].rstrip("]"))))


def big_patch(size_bytes: int) -> str:
    lines = [f"+    value_{number} = compute({number})  # [/b]" for number in range(size_bytes // 44)]
    return f"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,{len(lines)} @@\n" + "\n".join(lines) + "\n"


async def test_a_report_of_two_thousand_tests_a_patch_and_two_thousand_steps(tmp_path: Path):
    log = big_log(2000)
    names = names_in(log)
    verdict = graded(log, task(fixed=names[:200], kept=names[200:]))
    big = ended_run(verdict=verdict)
    engine = FakeEngine(fleet_of(big), tmp_path)
    keep(engine.layout, big, verdict, log=log, patch=big_patch(68_370), trajectory=record(2000, "x" * 8_000))
    async with dashboard(engine, (120, 40)) as seen, probed() as probe:
        seen.app.open_run("01RUN")
        await seen.sees("FAIL_TO_PASS 133/200")
        assert isinstance(seen.screen, RunScreen)
        await seen.press("G", "g", "pagedown", "n", "f", "f")
        await seen.press("right_square_bracket")
        await seen.sees("1 file  +1,553")
        await seen.press("G", "g", "pagedown", "n")
        await seen.press("right_square_bracket")
        await seen.sees("2,000 steps")
        await seen.press("G", "enter", "h", "l", "g")
        await seen.press("slash")
        await seen.type("of 1999")
        await seen.press("enter")
        await seen.sees("step 1/1 found")
    assert probe.worst_seconds < LONGEST_STALL_SECONDS


async def test_of_a_patch_of_32_megabytes_the_beginning_is_shown(tmp_path: Path):
    log = big_log(9)
    names = names_in(log)
    verdict = graded(log, task(fixed=names[:3], kept=names[3:]))
    big = ended_run(verdict=verdict)
    engine = FakeEngine(fleet_of(big), tmp_path)
    small_file = "diff --git a/y.py b/y.py\n--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-old\n+new\n"
    keep(engine.layout, big, verdict, log=log, patch=small_file + big_patch(32 * 1024 * 1024))
    async with dashboard(engine, (120, 40)) as seen, probed() as probe:
        seen.app.open_run("01RUN")
        await seen.sees("FAIL_TO_PASS")
        await seen.press("right_square_bracket")
        await seen.sees(f"only {MOST_LINES:,} lines shown")
        await seen.sees("+1", on="   y.py")
        await seen.press("G")
        await seen.sees("… the rest is not shown")
    assert probe.worst_seconds < LONGEST_STALL_SECONDS


async def test_a_large_trajectory_is_unfolded_and_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trajectory_file, "SMALL_BYTES", 0)
    log = big_log(9)
    names = names_in(log)
    verdict = graded(log, task(fixed=names[:3], kept=names[3:]))
    big = ended_run(verdict=verdict)
    engine = FakeEngine(fleet_of(big), tmp_path)
    keep(engine.layout, big, verdict, log=log, trajectory=record(200, "[/b] t.py::t[param-1]"))
    async with dashboard(engine, (120, 40)) as seen:
        seen.app.open_run("01RUN")
        await seen.sees("FAIL_TO_PASS")
        await seen.press("right_square_bracket", "right_square_bracket")
        await seen.sees("200 steps")
        await seen.press("enter")
        await seen.sees("t.py::t[param-1]")
        await seen.press("slash")
        await seen.type("of 199")
        await seen.press("enter")
        await seen.sees("step 1/1 found")
