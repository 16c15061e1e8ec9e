"""Following a log against `ssh host tail -f`: bytes a second, and how late a line is.

Run: python -m pytest tests/benchmarks/bench_streaming.py -s
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.benchmarks.peers import best_ratio, in_turns, server, ssh_options
from tests.sshd import Sshd
from velora_tui.hosts.follow import follow_to_end
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.ssh import SshHost
from velora_tui.pipeline.phase_log import PhaseLog

LOG_BYTES = 200_000_000
ROUNDS = 5
LINES = 600
PAUSE_SECONDS = 0.01

# Each line is the time at which it was written, in nanoseconds.
CLOCK = (
    "import time, sys\n"
    f"for _ in range({LINES}):\n"
    "    sys.stdout.write(f'{time.time_ns()}\\n'); sys.stdout.flush()\n"
    f"    time.sleep({PAUSE_SECONDS})\n"
)

Sink = Callable[[bytes], Awaitable[None]]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with server(tmp_path) as sshd:
        yield sshd


async def tail(sshd: Sshd, log: str, size: int | None, sink: Sink) -> None:
    """Give `sink` what `ssh host tail -f` prints, up to `size` bytes, or up to LINES lines."""
    process = await asyncio.create_subprocess_exec(
        *("ssh", "-p", str(sshd.port), *ssh_options(sshd), "127.0.0.1", f"tail -c +1 -f {log}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        limit=1024 * 1024,
    )
    assert process.stdout
    seen = lines = 0
    while (size is not None and seen < size) or (size is None and lines < LINES):
        data = await process.stdout.read(262144)
        await sink(data)
        seen += len(data)
        lines += data.count(b"\n")
    process.kill()
    await process.wait()


async def test_throughput(sshd: Sshd, tmp_path: Path) -> None:
    host, numbers = SshHost(sshd.target()), count()
    jobs = DetachedJobs(host)
    line = b"2026-01-01 12:00:00 - openhands:INFO: agent_controller.py:432 - the quick brown fox jumps\n"
    (sshd.home / "spool").mkdir()
    await jobs.start("~/spool", "true")
    await follow_to_end(jobs, "~/spool", swallow)
    (sshd.home / "spool" / "log").write_bytes(line * (LOG_BYTES // len(line)))
    size = (sshd.home / "spool" / "log").stat().st_size

    def log() -> PhaseLog:
        return PhaseLog(tmp_path / f"copy{next(numbers)}.log", lambda size: None)

    async def velora() -> None:
        copy = log()
        await follow_to_end(jobs, "~/spool", copy.write)
        assert copy.size == size
        copy.close()

    async def ssh_tail() -> None:
        copy = log()
        await tail(sshd, f"{sshd.home}/spool/log", size, copy.write)
        copy.close()

    seconds = await in_turns({"velora": velora, "ssh tail -f": ssh_tail}, ROUNDS)
    await host.close()
    assert best_ratio(f"a log of {LOG_BYTES / 1e6:.0f} MB into a file", seconds) < 1.3


async def swallow(_: bytes) -> None:
    """Take bytes and forget them."""


async def test_how_late_a_line_is(sshd: Sshd, tmp_path: Path) -> None:
    """Both follow the same log at the same time."""
    host = SshHost(sshd.target())
    jobs = DetachedJobs(host)
    await jobs.start("~/spool", f"python3 -I -S - <<'END'\n{CLOCK}END\n")
    ours, theirs = _Latencies(), _Latencies()
    async with asyncio.timeout(60):
        await asyncio.gather(follow_to_end(jobs, "~/spool", ours), tail(sshd, f"{sshd.home}/spool/log", None, theirs))
    await host.close()
    print(f"\nhow late a line is (load {os.getloadavg()[0]:.1f}): velora {ours}; ssh tail -f {theirs}")
    assert len(ours.seconds) == LINES
    assert ours.percentile(0.99) < max(0.15, 2 * theirs.percentile(0.99))


class _Latencies:
    """Notes how long ago the lines that come were written; the first second, with the connecting in it, is left out."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._rest = b""

    async def __call__(self, data: bytes) -> None:
        now = time.time_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.seconds += [(now - int(line)) / 1e9 for line in lines]

    def percentile(self, share: float) -> float:
        settled = sorted(self.seconds[int(1 / PAUSE_SECONDS) :])
        return settled[int(share * (len(settled) - 1))]

    def __str__(self) -> str:
        return ", ".join(f"p{share * 100:.0f} {self.percentile(share) * 1000:.1f} ms" for share in (0.5, 0.99))
