"""CTest's terminal output.

Source of the format: Source/CTest/cmCTestRunTest.cxx and cmCTestTestHandler.cxx of CMake 3.13 to 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog

_START = re.compile(r" *Start +(\d{1,9}): (.*)$")
_RESULT = re.compile(r" *(?:\d+/\d+ )?Test +#(\d{1,9}): (.*?) \.*(.*)$")
_STATUS = re.compile(r"\.* *(.*?) +\d+\.\d+ sec(?: .*)?$")
_HEADING = re.compile(r"The following tests (FAILED|did not run):$")
_ENTRY = re.compile(r"\t *(\d{1,9}) - (.*) \(([^()]*(?:\([^()]*\))?)\)$")
_CLOSING = re.compile(r"\d+% tests passed, (\d{1,9}) tests? failed out of (\d{1,9})")


@dataclass
class _Reader:
    names: dict[str, str] = field(default_factory=dict)  # by number
    open: set[str] = field(default_factory=set)  # the numbers of tests that run
    seen: dict[str, Observation] = field(default_factory=dict)
    lists: dict[str, dict[str, Observation]] = field(default_factory=dict)  # by heading; the last of each counts
    list: dict[str, Observation] | None = None
    complete: bool = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if "Start" in text and (found := _START.match(text)):
            self.names[found[1]] = found[2]
            self.open.add(found[1])
        elif "Test " in text and (found := _RESULT.match(text)):
            self._result(found, text, number, offset)
        elif text[:4] == "The " and (found := _HEADING.match(text)):
            self.list = self.lists[found[1]] = {}
        elif self.list is not None and (found := _ENTRY.match(text)):
            if self.names.get(found[1], found[2]) == found[2]:
                self.list[found[2]] = Observation(_status(f"***{found[3]}"), number, offset, "closing-list")
        elif _CLOSING.match(text):
            self.complete = True

    def _result(self, found: re.Match[str], text: str, number: int, offset: int) -> None:
        """Read `1/5 Test #1: name ....   Passed 0.01 sec`; the name is known from the line that began the test."""
        name = self.names.get(found[1])
        rest = text[found.start(2) :]
        if name is not None and rest.startswith(name):
            rest = rest[len(name) :].lstrip(" ")
        elif self.names:
            return  # no such test runs: output
        else:
            name, rest = found[2], f".{found[3]}"
        status = _STATUS.match(rest)
        if status is not None and (found[1] in self.open or not self.names):
            self.open.discard(found[1])
            self.seen[name] = Observation(_status(status[1]), number, offset, "result")

    def finish(self) -> ParsedLog:
        """Record the results: the lists at the end have every test that failed or did not run."""
        parsed = ParsedLog()
        for found in (self.seen, *self.lists.values()):
            for name, seen in found.items():
                before = parsed.results.get(name)
                if before is None or (self.complete and before.status is Status.PASSED):
                    parsed.results[name] = seen
        if parsed.results and not self.complete:
            parsed.flag("truncated", "the log ends before CTest's summary")
        return parsed


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
    return reader.finish()
