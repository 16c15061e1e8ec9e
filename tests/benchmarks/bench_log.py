"""Cost of following, opening, searching and keeping logs, ours against Textual's Log in the same run.

Run: python -m pytest tests/benchmarks/bench_log.py -s
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Log

from velora_tui.store.log_file import LogFile
from velora_tui.ui.widgets.log_view import LogView

LINE = "17:01:12 tests/test_requests.py::TestRequests::test_%07d[param-1] PASSED"


class Shown(App[None]):
    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def lines(first: int, count: int) -> list[str]:
    return [LINE % number for number in range(first, first + count)]


def big_log(path: Path, size_bytes: int) -> Path:
    block = ("\n".join(lines(0, 10_000)) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(-(-size_bytes // len(block))):
            file.write(block)
    return path


async def until(condition, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — what is awaited has no event of its own
            await asyncio.sleep(0.002)


@asynccontextmanager
async def lag_meter() -> AsyncIterator[list[float]]:
    """Collect how late the loop wakes up, in seconds."""
    lags: list[float] = []

    async def measure() -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.002)
            lags.append(loop.time() - began - 0.002)

    meter = asyncio.create_task(measure())
    try:
        yield lags
    finally:
        meter.cancel()
        lags.sort()


def percentile(lags: list[float], share: float) -> float:
    return lags[int((len(lags) - 1) * share)] * 1000


async def feed(widget: Widget, write, batches: int, lines_per_batch: int) -> tuple[float, list[float]]:
    """Return the CPU seconds and the loop's lags while so many lines come 20 times a second."""
    batch = [lines(number * lines_per_batch, lines_per_batch) for number in range(batches)]
    async with Shown(widget).run_test(size=(120, 40)) as pilot:
        write(lines(0, lines_per_batch))
        await pilot.pause(0.3)
        async with lag_meter() as lags:
            began = time.process_time()
            for texts in batch:
                write(texts)
                await asyncio.sleep(0.05)
            await pilot.pause()
            return time.process_time() - began, lags


async def test_following_50000_lines_a_second(tmp_path):
    view, path = LogView(), tmp_path / "a.log"
    path.touch()
    opened = False
    with path.open("a") as file:

        def ours(texts: list[str]) -> None:
            nonlocal opened
            if not opened:
                view.open(path)
                opened = True
            file.write("\n".join(texts) + "\n")
            file.flush()
            view.notify_grown()

        mine, my_lags = await feed(view, ours, 60, 2500)
    log = Log()
    other, their_lags = await feed(log, log.write_lines, 60, 2500)
    print(f"\nCPU for 150,000 lines in 3 s: {mine:.2f} s against {other:.2f} s: {mine / other:.2f}")
    print(f"lag p95 {percentile(my_lags, 0.95):.1f} ms against {percentile(their_lags, 0.95):.1f} ms")
    print(f"lag max {percentile(my_lags, 1):.1f} ms against {percentile(their_lags, 1):.1f} ms")
    assert mine < other
    assert percentile(my_lags, 0.95) < 50


async def test_memory_after_a_million_lines(tmp_path):
    path = big_log(tmp_path / "a.log", len(LINE % 0 + "\n") * 1_000_000)
    view = LogView()
    tracemalloc.start()
    async with Shown(view).run_test(size=(120, 40)) as pilot:
        before = tracemalloc.get_traced_memory()[0]
        view.open(path)
        await until(lambda: view.status.line_count == 1_000_000 and not view.status.reading)
        for key in ("g", "pagedown", "pagedown", "G"):
            await pilot.press(key)
        mine = tracemalloc.get_traced_memory()[0] - before
    log = Log()
    async with Shown(log).run_test(size=(120, 40)) as pilot:
        before = tracemalloc.get_traced_memory()[0]
        log.write_lines(lines(0, 100_000))
        await pilot.pause()
        other = (tracemalloc.get_traced_memory()[0] - before) * 10
    tracemalloc.stop()
    print(f"\n1,000,000 lines: {mine / 1e6:.1f} MB against {other / 1e6:.0f} MB (from 100,000): {mine / other:.3f}")
    assert mine < 5_000_000


async def test_opening_200_megabytes(tmp_path):
    path = big_log(tmp_path / "a.log", 200_000_000)
    path.read_bytes()
    began = time.perf_counter()
    data = path.read_bytes().split(b"\n")
    split = time.perf_counter() - began
    del data
    view = LogView()
    async with Shown(view).run_test(size=(120, 40)) as pilot, lag_meter() as lags:
        await pilot.pause()
        began = time.perf_counter()
        view.open(path)
        await until(lambda: view.status.line_count > 0)
        first = time.perf_counter() - began
        await until(lambda: view.status.size_bytes == path.stat().st_size and not view.status.reading)
        whole = time.perf_counter() - began
    print(
        f"\n200 MB: first lines {first * 1000:.0f} ms, all {whole * 1000:.0f} ms; read and split {split * 1000:.0f} ms"
    )
    print(f"lag p95 {percentile(lags, 0.95):.1f} ms, max {percentile(lags, 1):.1f} ms")
    assert whole < 2 * split
    assert percentile(lags, 0.95) < 50


def test_searching_a_million_lines(tmp_path):
    path = big_log(tmp_path / "a.log", len(LINE % 0 + "\n") * 1_000_000)
    log = LogFile(path)
    log.refresh()
    began = time.perf_counter()
    for _ in range(3):
        sum(line.count(b"x") for line in path.read_bytes().split(b"\n"))
    by_line = (time.perf_counter() - began) / 3
    for pattern, expected in (
        ("absent words", 0),
        ("test_0000077", 100),
        ("passed", 1_000_000),
        (r"test_\d+77\[", 10_000),
    ):
        began = time.perf_counter()
        hits = sum(len(batch.lines) for batch in log.search(pattern))
        seconds = time.perf_counter() - began
        print(f"\n{pattern!r}: {hits:,} lines in {seconds:.2f} s; splitting all takes {by_line:.2f} s")
        assert hits == expected
        assert seconds < 12 * by_line
