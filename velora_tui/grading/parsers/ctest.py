"""CTest's terminal output.

Source of the format: Source/CTest/cmCTestRunTest.cxx and cmCTestTestHandler.cxx of CMake 3.13 to 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog

_START = re.compile(r" *Start +(\d+): (.*)$")
_RESULT = re.compile(r" *\d+/\d+ Test +#(\d+): (.*?) \.*(.*)$")
_STATUS = re.compile(r"\.* *(.*?) +\d+\.\d+ sec(?: .*)?$")
_FAILED = re.compile(r"\t *(\d+) - (.*) \(([^()]*(?:\([^()]*\))?)\)$")
_CLOSING = re.compile(r"\d+% tests passed, (\d+) tests? failed out of (\d+)")


@dataclass
class _Reader:
    names: dict[str, str] = field(default_factory=dict)  # by number
    parsed: ParsedLog = field(default_factory=ParsedLog)
    seen: dict[str, Observation] = field(default_factory=dict)
    listing: bool = False
    complete: bool = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if "Start" in text and (found := _START.match(text)):
            self.names[found[1]] = found[2]
        elif " Test " in text and (found := _RESULT.match(text)):
            self._result(found, text, number, offset)
        elif text.startswith("The following tests FAILED"):
            self.listing = True
        elif self.listing and (found := _FAILED.match(text)):
            self.seen.setdefault(found[2], Observation(_status(f"***{found[3]}"), number, offset, "failed-list"))
        elif _CLOSING.match(text):
            self.complete = True

    def _result(self, found: re.Match[str], text: str, number: int, offset: int) -> None:
        """Read `1/5 Test #1: name ....   Passed 0.01 sec`; the name is known from the line that began the test."""
        name = self.names.get(found[1])
        rest = text[found.start(2) :]
        if name is None or not rest.startswith(name):
            name, rest = found[2], f".{found[3]}"
        else:
            rest = rest[len(name) :].lstrip(" ")
        status = _STATUS.match(rest)
        if status is not None:
            self.seen[name] = Observation(_status(status[1]), number, offset, "result")


def _status(text: str) -> Status:
    """Return the status of CTest's words: Passed, ***Failed, ***Not Run (Disabled), ***Skipped, ***Timeout …"""
    if text == "Passed":
        return Status.PASSED
    if "(Disabled)" in text or "Skipped" in text or text == "***Disabled":
        return Status.SKIPPED
    return Status.FAILED


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a CTest log; what did not run or ran out of time has failed."""
    reader = _Reader()
    for line in log:
        reader.feed(*line)
    for name, seen in reader.seen.items():
        reader.parsed.add(name, seen)
    if reader.seen and not reader.complete:
        reader.parsed.flag("truncated", "the log ends before CTest's summary")
    return reader.parsed
