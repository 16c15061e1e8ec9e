"""Maven Surefire's console output.

Source of the format: surefire's ConsoleReporter, StatelessTestsetInfoReporter and WrappedReportEntry, 2.12 to 3.5.
With reportFormat=plain it names every test, else those that did not pass.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.java_names import JavaBook, key

_LEVEL = re.compile(r"\[(?:INFO|ERROR|WARNING)\] ")
_RUNNING = re.compile(r"(?:.*\[INFO\] |)Running ([\w.$]+)$")
_SUMMARY = re.compile(
    r".*?Tests run: (\d{1,9}), Failures: (\d{1,9}), Errors: (\d{1,9}), Skipped: (\d{1,9}), Time elapsed: .*?"
    r"(?: --? in ([\w.$]+))?$"
)
_TEST = re.compile(r"(.+?)(?: --)? +Time elapsed: [\d.,]+ s(?:ec)?(?: +<<< (FAILURE|ERROR)!)?$")
_SKIPPED = re.compile(r"(\S.*) skipped$")
_LIST = re.compile(r"(?:\[ERROR\] )?(Failures|Errors|Failed tests|Tests in error): ?$")
_ENTRY = re.compile(r"(?:\[ERROR\] )?  ([\w$.]+\.[\w$]+)(?:->[\w$.]+)?:\d+")
_COMPILATION = re.compile(r"\[ERROR\] COMPILATION ERROR|\[ERROR\] .*Compilation failure")
_SECTIONS = {
    "Failures": Status.FAILED,
    "Failed tests": Status.FAILED,
    "Errors": Status.ERROR,
    "Tests in error": Status.ERROR,
}


@dataclass
class _Class:
    """The closing line of one test class, and how many of its tests are named."""

    name: str
    line: int
    offset: int
    run: int
    failed: int
    skipped: int
    tests: list[tuple[str, Observation]] = field(default_factory=list)  # those that are named

    def named(self, *statuses: Status) -> int:
        return sum(seen.status in statuses for _, seen in self.tests)


@dataclass
class _Reader:
    book: JavaBook
    running: str = ""
    leveled: bool = False  # Maven's lines begin with their level
    block: _Class | None = None  # the class whose tests are being named
    in_trace: bool = False  # up to an empty line
    started: Counter[str] = field(default_factory=Counter)  # how often each class began
    classes: dict[str, list[_Class]] = field(default_factory=dict)
    section: Status | None = None
    entries: list[tuple[str, Observation]] = field(default_factory=list)
    error: str | None = None

    def feed(self, number: int, offset: int, text: str) -> None:
        if "Tests run: " in text and (found := _SUMMARY.match(text)) and (not self.leveled or _LEVEL.search(text)):
            self._summary(found, number, offset)
        elif "Running " in text and (found := _RUNNING.match(text)):
            self.running, self.block = found[1], None
            self.leveled = self.leveled or "[INFO] " in text
            self.started[found[1]] += 1
        elif text in {"[INFO] Results:", "Results :", "Results:"}:
            self.block = None
        elif found := _LIST.match(text):
            self.section = _SECTIONS[found[1]]
        elif self.section is not None and (found := _ENTRY.match(text)):
            self.entries.append((found[1], Observation(self.section, number, offset, "results-list")))
        elif self.block is not None:
            self._test_line(self.block, number, offset, text)
        elif self.error is None and text.startswith("[ERROR]") and _COMPILATION.match(text):
            self.error = text[:200]

    def _summary(self, found: re.Match[str], number: int, offset: int) -> None:
        run, failures, errors, skipped = (int(found[group]) for group in range(1, 5))
        self.block = _Class(found[5] or self.running, number, offset, run, failures + errors, skipped)
        self.in_trace = False
        before = self.classes.setdefault(self.block.name, [])
        if before and len(before) >= self.started[self.block.name]:
            before.pop()  # a class ends once: a test printed that line
        before.append(self.block)

    def _test_line(self, block: _Class, number: int, offset: int, text: str) -> None:
        if self.in_trace:
            self.in_trace = bool(text)
            return
        level = _LEVEL.match(text)
        body = text[level.end() :] if level else text
        if "Time elapsed: " in body and (found := _TEST.match(body)):
            status = {"FAILURE": Status.FAILED, "ERROR": Status.ERROR}.get(found[2], Status.PASSED)
            self.in_trace = status in FAILING
        elif level and (found := _SKIPPED.match(body)):
            status = Status.SKIPPED
        else:
            return
        name = key(found[1])
        if not name.startswith((f"{key(block.name)}.", key(block.name))):
            name = f"{key(block.name)}.{name}"
        block.tests.append((name, Observation(status, number, offset, "test-line")))

    def finish(self) -> ParsedLog:
        parsed = self.book.parsed
        classes = [counted for several in self.classes.values() for counted in several]
        for counted in classes:
            for name, seen in counted.tests:
                self.book.add(name, seen)
        if not any(seen.status in FAILING for seen in parsed.results.values()):
            for name, seen in self.entries:
                self.book.add(key(name), seen)
        listed = self.book.classes()
        for counted in classes:
            self._fill(counted, listed.get(key(counted.name), []))
            self._find_nested(key(counted.name), listed)
            self._spread(counted, listed.get(key(counted.name), []))
        if not parsed.results and not parsed.qualified:
            parsed.died = f"no test ran: {self.error}" if self.error else None
        return parsed

    def _spread(self, counted: _Class, listed: list[str]) -> None:
        """Give the status of a class that was skipped or failed before its tests to those the task lists of it."""
        parsed = self.book.parsed
        seen = next((seen for name, seen in counted.tests if name == key(counted.name)), None)
        for name in listed if seen and seen.status is not Status.PASSED else ():
            if seen and name not in parsed.results and name not in parsed.qualified:
                parsed.qualify(name, seen)

    def _find_nested(self, owner: str, listed: dict[str, list[str]]) -> None:
        """Find listed tests of nested classes, which the log names as if they were the outer class's own."""
        parsed = self.book.parsed
        for inner, names in listed.items():
            for name in names if inner.startswith(f"{owner}.") else ():
                seen = parsed.results.get(f"{owner}.{key(name)[len(inner) + 1 :]}")
                if seen is not None and name not in parsed.qualified:
                    parsed.qualify(name, seen)

    def _fill(self, counted: _Class, listed: list[str]) -> None:
        """Record the listed tests of a class as passed where its closing line leaves no other way.

        Without reportFormat=plain no pass is named. So many tests ran, each that failed or was skipped is named, and
        what is left are exactly as many as the task lists of this class.
        """
        parsed = self.book.parsed
        others = [name for name in listed if name not in parsed.qualified and name not in parsed.results]
        failed, skipped = counted.named(*FAILING), counted.named(Status.SKIPPED)
        every_failure_named = (failed, skipped) == (counted.failed, counted.skipped)
        if not others or not every_failure_named or len(others) != counted.run - len(counted.tests):
            return
        for name in others:
            parsed.results[name] = Observation(Status.PASSED, counted.line, counted.offset, "class-summary")
            parsed.flag(
                "normalised:class-summary", f"{counted.name} ran {counted.run} tests, this one among them", name
            )


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a Surefire log as `package.Class.method`."""
    reader = _Reader(JavaBook(listed))
    for line in log:
        reader.feed(*line)
    return reader.finish()
