"""`cargo test`: unit, integration and doc-tests.

Source of the format: library/test/src/formatters/pretty.rs (libtest) of Rust 1.40 to 1.95. Each binary closes with a
list of its failures and its counts; they decide what the lines in between mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import SEVERITY, Listed, Observation, ParsedLog, observation

TAIL_LIMIT = 8000
MODES = ("should panic", "compile", "compile fail")
"""What libtest adds to a name; it is no part of the id."""

_RUNNING = re.compile(r"running (\d{1,9}) tests?$")
_RESULT = re.compile(
    r"test result: (?:ok|FAILED)\. (\d{1,9}) passed; (\d{1,9}) failed; (\d{1,9}) ignored; (\d{1,9}) measured"
)
_TEST = re.compile(
    r"test (?P<name>\S+(?: - (?:\S+ )?\(line \d+\))?)(?P<mode> - (?:should panic|compile fail|compile))? \.\.\. ?"
)
_STATUS = re.compile(r"(ok|FAILED|ignored|bench: .*)$")
_BINARY = re.compile(r" *(?:Running (?:unittests )?(?P<source>\S+)(?: \((?P<binary>\S+)\))?|Doc-tests (?P<crate>\S+))")
_QUIET_FAILURE = re.compile(
    r"(\S+(?: - (?:\S+ )?\(line \d+\))?)(?: - should panic| - compile fail| - compile)? --- FAILED$"
)
_QUIET_DOTS = re.compile(r"[.iFb]+ \d+/\d+$")


@dataclass
class _Test:
    name: str
    line: int
    offset: int
    statuses: list[Observation] = field(default_factory=list)
    ignored: bool = False


@dataclass
class _Binary:
    """The tests of one binary, from `running N tests` to `test result:`."""

    expected: int
    owners: tuple[str, ...]
    awaited: int = 0  # tests to come of the binary that may have printed the first line of this one
    plain: dict[str, Observation] = field(default_factory=dict)  # tests with nothing but `test name ... ok`
    tests: dict[str, _Test] = field(default_factory=dict)  # the others
    last: _Test | None = None
    last_plain: str = ""
    failures: dict[str, tuple[int, int]] = field(default_factory=dict)
    dumping: bool = False  # the failures' output has begun
    listing: bool = False
    quiet: bool = False  # dots stand for tests; only failures are named
    passed: int | None = None  # counted by the closing line; None where the binary did not get to it
    failed: int = 0

    def feed(self, number: int, offset: int, text: str) -> None:
        if text == "failures:":
            self.failures.clear()
            self.dumping = self.listing = True
        elif text == "successes:":  # of --show-output
            self.dumping = True
        elif self.dumping and not self._goes_on(text):
            self._failure_line(number, offset, text)
        elif text[-1:] in "0123456789D" and self._quiet_line(number, offset, text):
            self.quiet = True
        elif not ("test " in text and self._test_line(number, offset, text)):
            self._output(number, offset, text)

    def _output(self, number: int, offset: int, text: str) -> None:
        """Read a line between two tests: with --nocapture it may end with the status of the one before."""
        if self.last_plain and text[-2:] in {"ok", "ED"}:
            self.last = self._take_plain(self.last_plain)
        if self.last is not None:
            self._status(self.last, number, offset, text)

    def _take_plain(self, name: str) -> _Test:
        """Move a test that shows more than one status to the others."""
        seen = self.plain.pop(name)
        self.last_plain = ""
        self.tests[name] = _Test(name, seen.line, seen.offset, [seen])
        return self.tests[name]

    def _quiet_line(self, number: int, offset: int, text: str) -> bool:
        if found := _QUIET_FAILURE.match(text):
            self.failures[found[1]] = (number, offset)
            return True
        return _QUIET_DOTS.match(text) is not None

    def _goes_on(self, text: str) -> bool:
        """Leave a `failures:` that a test printed: there are tests to come, and one follows."""
        if self.count() < self.expected + self.awaited and text[:5] == "test " and _TEST.match(text[:TAIL_LIMIT]):
            self.dumping = False
        return not self.dumping

    def _failure_line(self, number: int, offset: int, text: str) -> None:
        if self.listing and text.startswith("    ") and text[4:5] not in {"", " "}:
            self.failures[text[4:]] = (number, offset)
        elif text:
            self.listing = False

    def _test_line(self, number: int, offset: int, text: str) -> bool:
        """Read `test name ... status`, which output without a line end may precede."""
        started = _TEST.search(text[:TAIL_LIMIT])
        if started is None:
            return False
        name = started["name"]
        if name in self.plain:
            return True  # a test that has ended: output
        test = self.tests.get(name)
        if test is None:
            test = self.tests[name] = self.last = _Test(name, number, offset)
            self.last_plain = ""
        rest = text[started.end() :]
        if rest.startswith("ignored"):
            test.ignored = True
            test.statuses.append(Observation(Status.SKIPPED, number, offset, "test-line"))
        elif started.start() == 0 or test is self.last:
            self._status(test, number, offset, rest)
        return True

    def _status(self, test: _Test, number: int, offset: int, text: str) -> None:
        found = _STATUS.search(text[-TAIL_LIMIT:])
        if found and found[1] != "ignored":
            status = Status.FAILED if found[1] == "FAILED" else Status.PASSED
            test.statuses.append(
                Observation(status, number, offset, "test-line" if found[0] == text else "test-output")
            )

    def count(self) -> int:
        return len(self.plain) + len(self.tests)

    def counts_agree(self) -> bool:
        return self.passed is not None and self.count() == self.expected

    def take(self, printed: _Binary) -> None:
        """Add what was read as a binary of its own, since a test of this one printed its first line."""
        for name in list(printed.plain):
            printed._take_plain(name)
        for name in [name for name in printed.tests if name in self.plain]:
            self._take_plain(name)
        for name, test in printed.tests.items():
            self.tests.setdefault(name, _Test(name, test.line, test.offset)).statuses.extend(test.statuses)
            self.tests[name].ignored = self.tests[name].ignored or test.ignored
        self.failures, self.last, self.last_plain = printed.failures, printed.last, ""

    def decided(self, listed: Listed) -> dict[str, Observation]:
        """Return what each test showed."""
        plain = {} if self.quiet else self.plain
        if self.passed is None:
            plain = {name: seen for name, seen in plain.items() if name != self.last_plain}
        others = {name: seen for name, test in self.tests.items() if (seen := self.decide(test, listed)) is not None}
        failed = {name: Observation(Status.FAILED, *place, "failures-list") for name, place in self.failures.items()}
        return {**plain, **others, **failed} if others or failed else plain

    def decide(self, test: _Test, listed: Listed) -> Observation | None:
        """Return a test's status: the closing list is the authority on failures, in a binary that closed."""
        if self.quiet:
            return None
        if test.ignored:
            return test.statuses[0]
        if self.passed is None:
            if not test.statuses or test is self.last:
                return None
            return max(test.statuses, key=lambda seen: SEVERITY[seen.status])
        passes = [seen for seen in test.statuses if seen.status is Status.PASSED]
        if passes:
            return passes[-1]
        if self.counts_agree() or (test.name in listed and len(self.failures) == self.failed):
            # its `ok` is lost among the output of tests that run beside it
            return Observation(Status.PASSED, test.line, test.offset, "not-in-failures-list")
        return test.statuses[-1] if test.statuses else None


class _Reader:
    def __init__(self) -> None:
        self.binaries: list[_Binary] = []
        self.open: list[_Binary] = []  # the last one runs, the others died or print it
        self.now: _Binary | None = None
        self.owners: tuple[str, ...] = ()
        self.error: str | None = None

    def read(self, log: LogLines) -> None:
        """Read the log; the most frequent line, `test name ... ok`, without a call."""
        now = self.now
        for number, offset, text in log:
            if text[-7:] == " ... ok" and text[:5] == "test " and now is not None and not now.dumping:
                name = text[5:-7]
                if " " not in name and name not in now.plain and name not in now.tests:
                    now.plain[name] = observation(Status.PASSED, number, offset, "test-line")
                    now.last, now.last_plain = None, name
                    continue
            self.feed(number, offset, text)
            now = self.now

    def feed(self, number: int, offset: int, text: str) -> None:
        if text[:1] == "r" and (self.now is None or not self.now.dumping) and self._begins(text):
            return
        if self.now is None:
            self._between(text)
        elif text[:13] == "test result: " and (found := _RESULT.match(text)):
            self._close(*(int(count) for count in found.groups()))
        elif text[:1] == " " and text.startswith(("     Running ", "   Doc-tests ")):
            self.open.clear()  # the binary before died
            self.now = None
            self._between(text)
        else:
            self.now.feed(number, offset, text)

    def _begins(self, text: str) -> bool:
        if not text.startswith("running ") or not (found := _RUNNING.match(text)):
            return False
        awaited = max(0, self.now.expected + self.now.awaited - self.now.count()) if self.now else 0
        self.now = _Binary(int(found[1]), self.owners, awaited)
        self.binaries.append(self.now)
        self.open.append(self.now)
        return True

    def _close(self, passed: int, failed: int, ignored: int, measured: int) -> None:
        """Close the binary whose tests are so many; those that seem to have begun since are its output."""
        ran = passed + failed + ignored + measured
        depth = next((n for n, binary in enumerate(reversed(self.open)) if binary.expected == ran), None)
        if depth is None:
            return
        printed = [self.open.pop() for _ in range(depth)]
        binary = self.open.pop()
        for inner in reversed(printed):
            binary.take(inner)
            self.binaries.remove(inner)
        binary.passed, binary.failed = passed, failed
        self.now = self.open[-1] if self.open else None

    def _between(self, text: str) -> None:
        if found := _BINARY.match(text):
            source, binary = found["source"] or "", (found["binary"] or "").rpartition("/")[2].rpartition("-")[0]
            names = (source, source.rpartition("/")[2].removesuffix(".rs"), binary, found["crate"] or "")
            self.owners = tuple(dict.fromkeys(name for name in names if name))
        elif self.error is None and text.startswith(("error: could not compile", "error[E")):
            self.error = text[:200]


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a cargo log; a name that several binaries have is also known as `binary::name`."""
    reader = _Reader()
    reader.read(log)
    parsed = ParsedLog()
    for binary in reader.binaries:
        _collect(parsed, binary, listed)
    if reader.error is not None:
        parsed.flag("build-failed", reader.error)
        if not parsed.results:
            parsed.died = f"no test ran: {reader.error}"
    return parsed


def _collect(parsed: ParsedLog, binary: _Binary, listed: Listed) -> None:
    decided = binary.decided(listed)
    parsed.add_all(decided)
    for name, seen in decided.items() if listed else ():
        for owner in binary.owners:
            if (whole := f"{owner}::{name}") in listed:
                parsed.qualify(whole, seen)
        for mode in MODES:
            if (spelling := f"{name} - {mode}") in listed:
                parsed.alias(spelling, name)
    if binary.passed is None:
        parsed.flag("truncated", f"a binary with {binary.expected} tests did not come to its result")
    elif binary.count() and not binary.counts_agree():
        parsed.flag("counts-mismatch", f"{binary.count()} tests are named, {binary.expected} ran")
