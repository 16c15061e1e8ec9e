"""Processes that outlive their session on the embedded fleet: found by a marker in their environment, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

MARKER = "VELORA_DEMO_FLEET"
GRACE_SECONDS = 0.5
LIMIT_SECONDS = 3.0
POLL_SECONDS = 0.02


def leftovers(marker: str) -> list[int]:
    """Return the ids of living processes whose environment holds `marker` (read from /proc, so Linux only)."""
    wanted = f"{MARKER}={marker}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if int(entry.name) != os.getpid() and wanted in _environment(entry) and not _is_dead(entry)
    ]


def end_leftovers(marker: str) -> None:
    """End every process with `marker`: SIGTERM, and SIGKILL for what is still there after GRACE_SECONDS.

    Returns after LIMIT_SECONDS at the latest: a process that waits for the kernel dies when the kernel lets it.
    """
    _signal_all(leftovers(marker), signal.SIGTERM)
    started = time.monotonic()
    while (remaining := leftovers(marker)) and (waited_seconds := time.monotonic() - started) < LIMIT_SECONDS:
        if waited_seconds > GRACE_SECONDS:
            _signal_all(remaining, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _is_dead(entry: Path) -> bool:
    try:
        return (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except (OSError, IndexError):
        return True


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
