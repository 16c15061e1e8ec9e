"""minitest: its verbose lines and its list of failures.

Source of the format: lib/minitest.rb (ProgressReporter, SummaryReporter) of minitest 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, SEVERITY, Listed, Observation, ParsedLog

TAIL_LIMIT = 4000

_END = re.compile(r"(\d+\.\d+) s = ([.FESP])$")
_NAME = re.compile(r"(\S[^#=]*#test_.*?) = (?=\S|$)|(\S[^#=]*#test_.*?) = $")
_ENTRY = re.compile(r"  *\d+\) (Failure|Error|Skipped):$")
_ENTRY_NAME = re.compile(r"(\S.*?)(?: \[[^\[\]]*:\d+\])?:$")
_CLOSING = re.compile(r"\d+ (?:runs|tests), \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips")
_WORDS = {".": Status.PASSED, "F": Status.FAILED, "E": Status.ERROR, "S": Status.SKIPPED, "P": Status.PASSED}
_ENTRY_WORDS = {"Failure": Status.FAILED, "Error": Status.ERROR, "Skipped": Status.SKIPPED}


@dataclass
class _Test:
    name: str
    seen: list[Observation] = field(default_factory=list)


@dataclass
class _Reader:
    tests: list[_Test] = field(default_factory=list)
    entries: dict[str, Observation] = field(default_factory=dict)
    entry: Status | None = None  # the next line names the test of this entry
    reporting: bool = False
    complete: bool = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if self.entry is not None:
            self._entry_name(number, offset, text)
        elif text.startswith(" ") and (found := _ENTRY.match(text)):
            self.entry = _ENTRY_WORDS[found[1]]
        elif text.startswith("Finished in "):
            self.reporting = True
        elif _CLOSING.match(text):
            self.complete = True
        elif not self.reporting:
            self._progress(number, offset, text)
        elif text == "# Running:":
            self.reporting = False

    def _entry_name(self, number: int, offset: int, text: str) -> None:
        found = _ENTRY_NAME.match(text)
        if found and self.entry is not None:
            self.entries.setdefault(found[1], Observation(self.entry, number, offset, "failure-list"))
        self.entry = None

    def _progress(self, number: int, offset: int, text: str) -> None:
        """Read `Class#test = 0.00 s = .`; what a test prints stands between its name and its time."""
        started = _NAME.match(text[:TAIL_LIMIT]) if "#test_" in text[:TAIL_LIMIT] else None
        end = _END.search(text[-TAIL_LIMIT:])
        if started:
            name = _longest_name(text) if end else (started[1] or started[2])
            self.tests.append(_Test(name))
        if end and self.tests:
            self.tests[-1].seen.append(Observation(_WORDS[end[2]], number, offset, "verbose"))


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
    reader = _Reader()
    for line in log:
        reader.feed(*line)
    parsed = ParsedLog()
    for test in reader.tests:
        if seen := _decide(test, reader):
            parsed.add(test.name, seen)
    for name, seen in reader.entries.items():
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen
    if parsed.results and not reader.complete:
        parsed.flag("truncated", "the log ends before minitest's last line")
    return parsed


def _decide(test: _Test, reader: _Reader) -> Observation | None:
    """Return the status that counts: the list at the end has every test that did not pass."""
    if test.name in reader.entries:
        return reader.entries[test.name]
    if not reader.complete:
        return max(test.seen, key=lambda seen: SEVERITY[seen.status], default=None)
    passes = [seen for seen in test.seen if seen.status not in FAILING]
    return (passes or test.seen)[-1] if test.seen else None
