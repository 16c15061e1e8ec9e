"""The script's banners: a title between two lines of 44 `=` (HARNESS.md, "Lines, in order")."""

from __future__ import annotations

import re
import sys

JOB = "harness"
PHASES = ("image", "trajectory", "evaluation", "report")
"""The phases that the one job covers, in order; the first begins with the log."""

EXTRACTING = "EXTRACTING DOCKER IMAGE INFO FROM DATASET"
LOCATING = "LOCATING TRAJECTORY OUTPUT"
NO_PATCH = "TRAJECTORY GENERATION COMPLETE (NO PATCH)"
COMPLETE = "FULL EVALUATION COMPLETE"

RULE = "=" * 44
DRESS = r"(?:\x1b\[[0-9;]*m|\r)*"
"""What may stand around a banner's words: colours, and carriage returns."""

_ABOVE = re.compile(rf"{RULE}{DRESS}\n{DRESS}\Z".encode())
_BELOW = re.compile(rf"{DRESS}\n{DRESS}{RULE}".encode())
_UNDRESSED = re.compile(rb"\x1b\[[0-9;]*m|\r|\x1b(?:\[[0-9;]*)?\Z")
_RUN = re.compile(rb"=+")
_ABOVE_BYTES = 100
_LONGEST = 240  # of a banner, in its dress

OPENING = {
    "trajectory": "PHASE 1: TRAJECTORY GENERATION",
    "evaluation": "PHASE 2: DETAILED PATCH EVALUATION",
    "report": "GENERATING OPENHANDS-FORMAT REPORT",
}


def banner(title: str) -> bytes:
    """Return the three lines of a banner, without the last line end."""
    return "\n".join((RULE, title, RULE)).encode()


def find_banner(data: bytes, title: str, start: int = 0) -> tuple[int, int] | None:
    """Return where the banner begins and ends that is first behind `start`; None where there is none."""
    words = title.encode()
    place = data.find(words, start)
    while place >= 0:
        above = _ABOVE.search(data, max(place - _ABOVE_BYTES, start), place)
        below = _BELOW.match(data, place + len(words))
        if above and below:
            return above.start(), below.end()
        place = data.find(words, place + 1)
    return None


class BannerCutter:
    """Passes the bytes of one phase on, up to the banner that opens a later one.

    What follows the agent's work counts only behind LOCATING: the agent may print what looks like the script's words.
    `located` says that LOCATING has been passed. Bytes that may yet begin a banner are held back.
    """

    def __init__(self, phase: str, *, located: bool = False) -> None:
        self._later = PHASES[PHASES.index(phase) + 1 :]
        self._wanted = [banner(title) for title in (*(OPENING[name] for name in self._later), LOCATING)]
        self._located = located or phase == "evaluation"
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return the bytes that belong to the phase, and whether a later phase has begun behind them."""
        data = self._held + data
        behind = 0
        if not self._located and (located := find_banner(data, LOCATING)):
            self._located, behind = True, located[1]
        found = [find_banner(data, OPENING[name], self._start(name, behind)) for name in self._later]
        if begun := [place[0] for place in found if place]:
            self._held = b""
            return data[: min(begun)], True
        # The rule that ends LOCATING begins no banner: without it a log that is kept up to there would not be located.
        kept = len(data) - self._beginning(data[behind:])
        self._held = data[kept:]
        return data[:kept], False

    def rest(self) -> bytes:
        """Return what was held back, once nothing can follow."""
        return self._held

    def _start(self, name: str, behind_locating: int) -> int:
        """Return from where on the banner of phase `name` counts; nowhere is behind everything."""
        if name == "trajectory":
            return 0
        return behind_locating if self._located else sys.maxsize

    def _beginning(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` a banner may begin with."""
        tail = data[-_LONGEST:]
        for run in _RUN.finditer(tail):
            begin = max(run.start(), run.end() - len(RULE))
            plain = _UNDRESSED.sub(b"", tail[begin:])
            if any(wanted.startswith(plain) for wanted in self._wanted):
                return len(tail) - begin
        return 0
