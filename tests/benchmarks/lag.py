"""How long an event loop is held up, and how long an idle one beside it is: what the machine itself takes from both.

Run as a program it is the idle one: it measures until its standard input ends, then prints its figures.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE_SECONDS = 0.005


@dataclass
class Lag:
    """Of each beat of a loop: how late it came, and how much the loop's thread computed before it, in seconds."""

    late: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def late_at(self, share: float) -> float:
        """Return the lateness below which that share of all beats stayed."""
        return _percentile(self.late, share)

    def busy_at(self, share: float) -> float:
        """Return the computing below which that share of all beats stayed."""
        return _percentile(self.busy, share)

    def __str__(self) -> str:
        return (
            f"late p99 {self.late_at(0.99) * 1000:.0f} ms, max {self.late_at(1) * 1000:.0f} ms; "
            f"computing max {self.busy_at(1) * 1000:.0f} ms"
        )


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure the running loop until the context is left."""
    lag = Lag()
    meter = asyncio.create_task(_beat(lag))
    try:
        yield lag
        beats = len(lag.late)
        while len(lag.late) == beats:  # noqa: ASYNC110 - the beat that was held up last counts too
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        meter.cancel()
        await asyncio.wait({meter})


async def _beat(lag: Lag) -> None:
    while True:
        began, computed = time.perf_counter(), time.thread_time()
        await asyncio.sleep(_PAUSE_SECONDS)
        lag.late.append(time.perf_counter() - began - _PAUSE_SECONDS)
        lag.busy.append(time.thread_time() - computed)


@asynccontextmanager
async def idle_beside() -> AsyncIterator[Lag]:
    """Measure an idle loop in a process of its own; the figures are there once the context is left."""
    lag = Lag()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(Path(__file__))), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield lag
        said, _ = await process.communicate(b"")
        lag.late, lag.busy = json.loads(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextmanager
def tuned_as_the_dashboard() -> Iterator[None]:
    """Have threads give way, and leave out of collections what is there already, as the dashboard does."""
    from velora_tui.cli.dashboard import SWITCH_SECONDS  # as a program, this one imports nothing of ours

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int((len(values) - 1) * share)]


async def _main() -> None:
    async with measured_lag() as lag:
        await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([lag.late, lag.busy]))


if __name__ == "__main__":
    asyncio.run(_main())
