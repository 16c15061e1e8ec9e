"""What the SSH benchmarks share: one server, the operator's own tools against it, and measuring in turns."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sshd import Sshd, make_sshd, why_not

Way = Callable[[], Awaitable[None]]


@contextmanager
def server(folder: Path) -> Iterator[Sshd]:
    """Give a real sshd in `folder`."""
    if reason := why_not():
        pytest.skip(reason)
    sshd = make_sshd(folder / "sshd")
    try:
        yield sshd
    finally:
        sshd.stop()


def ssh_options(sshd: Sshd) -> list[str]:
    """Return the options that lead OpenSSH's tools to `sshd`, as `Sshd.target` leads us."""
    target = sshd.target()
    values = {
        "User": target.user,
        "IdentityFile": target.identity_file,
        "UserKnownHostsFile": target.known_hosts,
        "BatchMode": "yes",
    }
    return [
        "-F",
        str(target.ssh_config),
        *(part for name, value in values.items() for part in ("-o", f"{name}={value}")),
    ]


async def call(*words: str) -> None:
    """Run a command to its end; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


async def in_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way; they take turns, so that a busy moment is shared fairly."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            await way()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def best_ratio(what: str, seconds: Mapping[str, list[float]]) -> float:
    """Print each way's times, and return how long ours takes where the best of the others takes 1."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {name: medians["velora"] / median for name, median in medians.items() if name != "velora"}
    times = ", ".join(f"{name} {median * 1000:.0f} ms" for name, median in medians.items())
    shown = ", ".join(f"{ratio:.2f} of {name}" for name, ratio in ratios.items())
    print(f"\n{what} (load {os.getloadavg()[0]:.1f}): {times}; velora takes {shown}")
    return max(ratios.values())
