"""GoogleTest's console output.

Source of the format: googletest/src/gtest.cc (PrettyUnitTestResultPrinter, BriefUnitTestResultPrinter) of 1.8 to 1.15.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import SEVERITY, Listed, Observation, ParsedLog

_RUN = re.compile(r"\[ RUN      \] (\S+)$")
_RESULT = re.compile(r"\[  (?:     OK|FAILED |SKIPPED) \] (\S+?)(, where .*?)?(?: \(\d+ ms\))?$")
_DISABLED = re.compile(r"\[ DISABLED \] (\S+)$")
_PROGRAM = re.compile(r"\[==========\] (?:Running )?(\d{1,9}) tests? from \d+ test (?:suites?|cases?)(\.| ran\.)")
_SUITE = re.compile(r"\[----------\] \d+ tests? from ")
_WORDS = {"     OK": Status.PASSED, "FAILED ": Status.FAILED, "SKIPPED": Status.SKIPPED}


@dataclass
class _Program:
    """One run of a test program. GoogleTest runs one test after the other, so a result belongs to an open test."""

    announced: int | None = None  # how many tests are to run
    open: dict[str, None] = field(default_factory=dict)  # in their order
    results: dict[str, Observation] = field(default_factory=dict)
    listed: dict[str, Observation] = field(default_factory=dict)  # by the lists at the end
    full: bool = False  # it shows suites; --gtest_brief shows failures alone
    shown: dict[str, Observation] = field(default_factory=dict)  # every failure and skip it printed
    runs: int = 0
    latest: str = ""  # the test that ended last, until something follows it
    ended: bool = False

    def start(self, name: str) -> None:
        if self.ended:  # a test printed the last line
            self.ended = False
            self.listed.clear()
        self.open[name] = None
        self.runs += 1
        self.latest = ""

    def result(self, name: str, seen: Observation) -> None:
        if seen.status is not Status.PASSED:
            self.shown.setdefault(name, seen)
        if self.ended:
            self.listed.setdefault(name, seen._replace(rule="closing-list"))
        elif name in self.open or name == self.latest or not self.runs:
            self._close(name)
            self.latest = name
            self.results[name] = seen

    def _close(self, name: str) -> None:
        """Close a test; those that began before the result of the first open one came were printed by it."""
        if name == next(iter(self.open), None):
            del self.open[name]
            for printed in self.open:
                self.results.pop(printed, None)
            self.open.clear()

    def end(self, tests: int) -> None:
        self.ended = self.announced in {None, tests}
        self.listed.clear()

    def decided(self) -> dict[str, Observation]:
        """Return what each test showed; the lists at the end name all that failed or were skipped."""
        if not self.full:
            return self.listed if self.ended and self.listed else self.shown
        if not self.ended:
            return {
                name: seen
                for name, seen in self.results.items()
                if name != self.latest or seen.status is not Status.PASSED
            }
        believed = {
            name: seen for name, seen in self.results.items() if seen.status is Status.PASSED or name in self.listed
        }
        return {**believed, **self.listed}


@dataclass
class _Reader:
    programs: list[_Program] = field(default_factory=lambda: [_Program()])
    disabled: dict[str, Observation] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)

    def feed(self, number: int, offset: int, text: str) -> None:
        if "[" not in text or "] " not in text:
            return
        program = self.programs[-1]
        if found := _RUN.search(text, max(0, len(text) - 4000)):
            program.start(found[1])
        elif found := _RESULT.search(text, max(0, len(text) - 20_000)):
            status = _WORDS[found[0][3:10]]
            program.result(found[1], Observation(status, number, offset, "result"))
            if found[2]:
                self.spellings[found[1] + found[2]] = found[1]
        elif found := _DISABLED.search(text):
            self.disabled[found[1]] = Observation(Status.SKIPPED, number, offset, "disabled")
        elif text.startswith("[----------]"):
            if _SUITE.match(text):
                program.latest, program.full = "", True
        elif text.startswith("[==========]") and (found := _PROGRAM.match(text)):
            self._program(int(found[1]), found[2])

    def _program(self, tests: int, end: str) -> None:
        if end == ".":
            self.programs.append(_Program(tests))
        else:
            self.programs[-1].end(tests)


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a GoogleTest log; with --gtest_brief it names failures alone."""
    reader = _Reader()
    for line in log:
        reader.feed(*line)
    parsed = ParsedLog()
    for program in reader.programs:
        for name, seen in program.decided().items():
            parsed.add(name, seen)
        if program.runs and not program.ended:
            parsed.flag("truncated", "a test program did not come to its end")
    for name, seen in reader.disabled.items():
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen
    for spelling, name in reader.spellings.items():
        parsed.alias(spelling, name)
    return parsed
