"""minitest: its verbose lines and its list of failures.

Source of the format: lib/minitest.rb (ProgressReporter, SummaryReporter) of minitest 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, SEVERITY, Listed, Observation, ParsedLog

TAIL_LIMIT = 4000
CUTS_TRIED = 64  # a bound on where a name may end or begin
CLASS_LIMIT = 200

_END = re.compile(r"(\d{1,9}\.\d{1,9}) s = ([.FESP])$")
_NAME = re.compile(r"(\S[^=]*?#test_.*?) = (?=\S|$)|(\S[^=]*?#test_.*?) = $")
_ENTRY = re.compile(r" *(\d{1,9})\) (Failure|Error|Skipped):$")
_ENTRY_NAME = re.compile(r"(\S.*?)(?: \[[^\[\]]*:\d+\])?:$")
_FINISHED = re.compile(r"Finished in [\d.]+s, [\d.]+ (?:runs|tests)/s, [\d.]+ assertions/s\.$")
_CLOSING = re.compile(
    r"(\d{1,9}) (?:runs|tests), \d+ assertions, (\d{1,9}) failures, (\d{1,9}) errors, (\d{1,9}) skips"
)
_WORDS = {".": Status.PASSED, "F": Status.FAILED, "E": Status.ERROR, "S": Status.SKIPPED, "P": Status.PASSED}
_ENTRY_WORDS = {"Failure": Status.FAILED, "Error": Status.ERROR, "Skipped": Status.SKIPPED}


@dataclass
class _Test:
    name: str
    line: int
    offset: int
    seen: list[Observation] = field(default_factory=list)
    beside: bool = False  # others ran at the same time: its status may be that of one of them


@dataclass
class _Reader:
    listed: Listed
    tests: list[_Test] = field(default_factory=list)
    open: list[_Test] = field(default_factory=list)  # those without a status
    entries: dict[str, Observation] = field(default_factory=dict)
    numbered: int = 0  # entries of the list at the end
    entry: Status | None = None  # the next line names the test of this entry
    reporting: bool = False
    dots: bool = False  # without -v a run names no test
    runs: int = 0  # by the last line
    unsuccessful: int | None = None

    def feed(self, number: int, offset: int, text: str) -> None:
        if self.entry is not None:
            self._entry_name(number, offset, text)
        elif text.startswith("Run options: "):
            self.dots = re.search(r" (?:-v|--verbose)\b", text) is None
        elif not self.reporting:
            self._progress(number, offset, text)
        elif (found := _ENTRY.match(text)) and int(found[1]) == self.numbered + 1:
            self.numbered += 1
            self.entry = _ENTRY_WORDS[found[2]]
        elif closing := _CLOSING.match(text):
            self.runs, self.unsuccessful = int(closing[1]), sum(int(count) for count in closing.groups()[1:])
        elif text == "# Running:":
            self.reporting, self.numbered = False, 0

    def _entry_name(self, number: int, offset: int, text: str) -> None:
        found = _ENTRY_NAME.match(text)
        if found and self.entry is not None:
            self.entries.setdefault(found[1], Observation(self.entry, number, offset, "failure-list"))
        self.entry = None

    def _progress(self, number: int, offset: int, text: str) -> None:
        """Read `Class#test = 0.00 s = .`; what a test prints stands between its name and its time."""
        if text.startswith("Finished in ") and _FINISHED.match(text):
            self.reporting = True
        if self.reporting or self.dots:
            return
        end = _END.search(text[-TAIL_LIMIT:])
        for name in self._names(text, end is not None) if "#test_" in text[:TAIL_LIMIT] else ():
            self._start(_Test(name, number, offset))
        if end and self.tests:
            test = self.open.pop() if self.open else self.tests[-1]
            test.seen.append(Observation(_WORDS[end[2]], number, offset, "verbose"))

    def _start(self, test: _Test) -> None:
        self.tests.append(test)
        self.open.append(test)
        for other in self.open if len(self.open) > 1 else ():
            other.beside = True

    def _names(self, text: str, ended: bool) -> Iterator[str]:
        """Yield the name at the start of the line, and listed ones of tests that began beside it."""
        started = _NAME.match(text[:TAIL_LIMIT])
        if started is None and not self.listed:
            return
        first = self._listed_start(text) or (_longest_name(text) if ended and started else None)
        if first is None and started:
            first = started[1] or started[2]
        within = list(self._listed_within(text, len(first) if first in self.listed and first else 0))
        if first is not None and not (within and first not in self.listed):
            yield first
        yield from within

    def _listed_within(self, text: str, start: int) -> Iterator[str]:
        """Yield listed names that stand behind output of other tests."""
        position = text.find("#test_", start, TAIL_LIMIT)
        for _ in range(CUTS_TRIED if self.listed else 0):
            end = text.find(" = ", position)
            if position == -1 or end == -1:
                return
            head = text[max(0, position - CLASS_LIMIT) : position]
            method = text[position:end]
            yield from [name for cut in range(len(head)) if (name := head[cut:] + method) in self.listed][:1]
            position = text.find("#test_", end, TAIL_LIMIT)

    def _listed_start(self, text: str) -> str | None:
        """Return the longest listed name that the line begins with."""
        end = text.rfind(" = ", 0, TAIL_LIMIT)
        for _ in range(CUTS_TRIED):
            if end <= 0 or text[:end] in self.listed:
                return text[:end] if end > 0 else None
            end = text.rfind(" = ", 0, end + 2)
        return None


def _longest_name(text: str) -> str:
    """Return the name in `name = 0.00 s = .`: what stands before the last time, or before output."""
    head = text[: text.rfind(" s = ")]
    name, separator, time = head.rpartition(" = ")
    if separator and re.fullmatch(r"\d+\.\d+", time):
        return name
    found = _NAME.match(text[:TAIL_LIMIT])
    return (found[1] or found[2]) if found else text


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a minitest log; without -v it names only those that did not pass."""
    reader = _Reader(listed)
    for line in log:
        reader.feed(*line)
    parsed = ParsedLog()
    all_named = reader.unsuccessful == len(reader.entries) and reader.runs == len({test.name for test in reader.tests})
    for test in reader.tests:
        if seen := _decide(test, reader, all_named):
            parsed.add(test.name, seen)
    for name, seen in reader.entries.items():
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen
    if parsed.results and reader.unsuccessful is None:
        parsed.flag("truncated", "the log ends before minitest's last line")
    return parsed


def _decide(test: _Test, reader: _Reader, all_named: bool) -> Observation | None:
    """Return the status that counts: the list at the end has every test that did not pass."""
    if test.name in reader.entries:
        return reader.entries[test.name]
    if reader.unsuccessful is None:
        return None if test.beside else max(test.seen, key=lambda seen: SEVERITY[seen.status], default=None)
    passes = [seen for seen in test.seen if seen.status not in FAILING]
    if test.beside and all_named:
        return Observation(Status.PASSED, test.line, test.offset, "not-in-failures-list")
    return (passes or test.seen)[-1] if test.seen else None
