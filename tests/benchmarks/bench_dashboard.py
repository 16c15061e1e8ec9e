"""The whole program in a real terminal, over a fleet whose logs are really written: what one who sits there waits for.

Run: python -m pytest tests/benchmarks/bench_dashboard.py -s
"""

from __future__ import annotations

import os
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.busy_fleet import BusyFleet
from tests.benchmarks.terminal import Terminal, terminal

VELORA = (sys.executable, "-m", "velora_tui")
PEER = Path(__file__).with_name("peer_app.py")
LINES_PER_SECOND = 2000
LINE_BYTES = 74
KEY_BUDGET_SECONDS = 0.050
PRESSES = 120
ALIVE_SECONDS = 60.0

pytestmark = pytest.mark.timeout(300)


@contextmanager
def busy(folder: Path, instances: int, **more: int) -> Iterator[BusyFleet]:
    """Give a fleet whose instances all run, at 2,000 lines a second in all; its agents end with the context."""
    fleet = BusyFleet.lay_out(folder, instances, running=instances, lines_per_second=LINES_PER_SECOND, **more)
    try:
        yield fleet
    finally:
        fleet.end_agents()


@contextmanager
def dashboard(fleet: BusyFleet) -> Iterator[Terminal]:
    with terminal(VELORA, fleet.folder, fleet.environment) as shown:
        yield shown


def all_print(shown: Terminal, fleet: BusyFleet) -> None:
    """Wait until every agent prints and its lines come home."""
    logs = fleet.folder / "state" / "logs"
    shown.wait_until(
        lambda: sum(path.stat().st_size > 0 for path in logs.rglob("trajectory.log")) == fleet.running,
        "lines of every agent",
        ALIVE_SECONDS,
    )


def tell(what: str, *facts: str) -> None:
    print(f"\n{what} (load {os.getloadavg()[0]:.1f}): {'; '.join(facts)}")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int((len(values) - 1) * share)]


# --- from key to screen


def cursor_row(shown: Terminal) -> str | None:
    """Return the name in the row with the bar; None in the middle of a paint, when it is in none or in two."""
    buffer = shown.screen.buffer
    rows = [row for row in range(shown.screen.lines) if buffer[row][1].data == "▌"]
    return shown.screen.display[rows[0]][2:].split()[0] if len(rows) == 1 else None


def key_latencies(shown: Terminal, names: Sequence[str]) -> list[float]:
    """Press j and k at moments that keep to no rhythm, whatever the screen does, and return each one's seconds."""
    chance = random.Random(1)
    steps = [number % (2 * (len(names) - 1)) < len(names) - 1 for number in range(PRESSES)]
    pressed: list[tuple[float, str]] = []
    place = 0
    for down in steps:
        place += 1 if down else -1
        pressed.append((shown.press("j" if down else "k"), names[place]))
        shown.listen(chance.uniform(0.06, 0.18))
    shown.listen(1)
    return _answered(shown, pressed)


def _answered(shown: Terminal, pressed: Sequence[tuple[float, str]]) -> list[float]:
    """Return for each key how long it took until the bar was where that key, or one after it, put it."""
    seconds: list[float] = []
    for moment in shown.frames():
        row = cursor_row(shown)
        for number in range(len(seconds), len(pressed)):
            when, name = pressed[number]
            if when < moment and name == row:
                seconds += [moment - earlier for earlier, _ in pressed[len(seconds) : number + 1]]
                break
    assert len(seconds) == len(pressed), f"{len(pressed) - len(seconds)} keys had no answer"
    return seconds


@pytest.mark.parametrize("instances", [8, 64])
def test_a_key_is_answered_while_the_logs_are_busy(tmp_path, instances):
    with busy(tmp_path, instances) as fleet:
        with dashboard(fleet) as shown:
            all_print(shown, fleet)
            before, process = fleet.logged_bytes(), psutil.Process(shown.process.pid)
            process.cpu_percent()
            mine = key_latencies(shown, fleet.names())
            cpu, grown = process.cpu_percent(), fleet.logged_bytes() - before
            seconds = shown.press("") - shown.started
        with terminal((sys.executable, str(PEER), str(instances)), tmp_path, fleet.environment) as peer:
            peer.wait_for("busy00", 20)
            peer.listen(1)
            other = key_latencies(peer, [f"busy{number:02}" for number in range(instances)])
    report(f"key to screen, {instances} busy instances", mine, other)
    tell("at the same time", f"CPU {cpu:.0f} %", f"{grown / LINE_BYTES:.0f} lines came home", f"{seconds:.0f} s")
    assert percentile(mine, 0.95) < max(2 * KEY_BUDGET_SECONDS, 10 * percentile(other, 0.95))


def report(what: str, mine: Sequence[float], other: Sequence[float]) -> None:
    def figures(values: Sequence[float]) -> str:
        return ", ".join(f"p{share:.0%} {milliseconds(percentile(values, share))}" for share in (0.5, 0.95, 0.99, 1))

    ratio = statistics.median(mine) / statistics.median(other)
    tell(
        what, f"{figures(mine)} (budget p95 50 ms)", f"least Textual app {figures(other)}", f"median ratio {ratio:.1f}"
    )
