"""The script's banners: a title between two lines of 44 `=` (HARNESS.md, "Lines, in order")."""

from __future__ import annotations

import sys

JOB = "harness"
PHASES = ("image", "trajectory", "evaluation", "report")
"""The phases that the one job covers, in order; the first begins with the log."""

EXTRACTING = "EXTRACTING DOCKER IMAGE INFO FROM DATASET"
LOCATING = "LOCATING TRAJECTORY OUTPUT"
NO_PATCH = "TRAJECTORY GENERATION COMPLETE (NO PATCH)"
COMPLETE = "FULL EVALUATION COMPLETE"

_RULE = b"=" * 44
OPENING = {
    "trajectory": "PHASE 1: TRAJECTORY GENERATION",
    "evaluation": "PHASE 2: DETAILED PATCH EVALUATION",
    "report": "GENERATING OPENHANDS-FORMAT REPORT",
}


def banner(title: str) -> bytes:
    """Return the three lines of a banner, without the last line end."""
    return b"\n".join((_RULE, title.encode(), _RULE))


class BannerCutter:
    """Passes the bytes of one phase on, up to the banner that opens a later one.

    What follows the agent's work counts only behind LOCATING: the agent may print what looks like the script's words.
    `located` says that LOCATING has been passed. Bytes that may yet begin a banner are held back: 135 at most.
    """

    def __init__(self, phase: str, *, located: bool = False) -> None:
        later = PHASES[PHASES.index(phase) + 1 :]
        self._opening = {name: banner(OPENING[name]) for name in later}
        self._locating = banner(LOCATING)
        self._located = located or phase == "evaluation"
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return the bytes that belong to the phase, and whether a later phase has begun behind them."""
        data = self._held + data
        place = 0 if self._located else data.find(self._locating)
        self._located = place >= 0
        found = [data.find(wanted, self._start(name, place)) for name, wanted in self._opening.items()]
        if begun := [begin for begin in found if begin >= 0]:
            self._held = b""
            return data[: min(begun)], True
        kept = len(data) - self._beginning(data)
        self._held = data[kept:]
        return data[:kept], False

    def rest(self) -> bytes:
        """Return what was held back, once nothing can follow."""
        return self._held

    def _start(self, name: str, located_at: int) -> int:
        """Return from where on the banner of phase `name` counts; nowhere is behind everything."""
        if name == "trajectory":
            return 0
        return located_at if self._located else sys.maxsize

    def _beginning(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` a banner may begin with."""
        wanted = (*self._opening.values(), self._locating)
        for size in range(min(max(map(len, wanted)) - 1, len(data)), 0, -1):
            tail = data[-size:]
            if any(line.startswith(tail) for line in wanted):
                return size
        return 0
