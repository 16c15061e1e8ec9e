"""The script's banners: a title between two lines of 44 `=` (HARNESS.md, "Lines, in order")."""

from __future__ import annotations

JOB = "harness"
PHASES = ("image", "trajectory", "evaluation", "report")
"""The phases that the one job covers, in order; the first begins with the log."""

EXTRACTING = "EXTRACTING DOCKER IMAGE INFO FROM DATASET"
LOCATING = "LOCATING TRAJECTORY OUTPUT"
NO_PATCH = "TRAJECTORY GENERATION COMPLETE (NO PATCH)"
COMPLETE = "FULL EVALUATION COMPLETE"

_RULE = b"=" * 44
_OPENING = {
    "trajectory": "PHASE 1: TRAJECTORY GENERATION",
    "evaluation": "PHASE 2: DETAILED PATCH EVALUATION",
    "report": "GENERATING OPENHANDS-FORMAT REPORT",
}


def banner(title: str) -> bytes:
    """Return the three lines of a banner, without the last line end."""
    return b"\n".join((_RULE, title.encode(), _RULE))


class BannerCutter:
    """Passes the bytes of one phase on, up to the banner that opens a later one.

    Bytes that may yet turn out to begin such a banner are held back: 135 at most.
    """

    def __init__(self, phase: str) -> None:
        later = PHASES[PHASES.index(phase) + 1 :]
        self._banners = tuple(banner(_OPENING[name]) for name in later)
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return the bytes that belong to the phase, and whether a later phase has begun behind them."""
        data = self._held + data
        found = [place for place in (data.find(wanted) for wanted in self._banners) if place >= 0]
        if found:
            self._held = b""
            return data[: min(found)], True
        kept = len(data) - self._beginning(data)
        self._held = data[kept:]
        return data[:kept], False

    def rest(self) -> bytes:
        """Return what was held back, once nothing can follow."""
        return self._held

    def _beginning(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` a banner may begin with."""
        longest = max(map(len, self._banners), default=1) - 1
        for size in range(min(longest, len(data)), 0, -1):
            tail = data[-size:]
            if any(wanted.startswith(tail) for wanted in self._banners):
                return size
        return 0
