"""Go's test output: `go test -v` and the events of `go test -json`.

Source of the formats: testing.go and cmd/test2json of Go 1.14 to 1.23. Both believe what tests print, so a result
counts only for a test that runs: its own last one, as the real one comes last.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog, observation

_RESULT = re.compile(r"--- (PASS|FAIL|SKIP): (\S+) \(\d+(?:\.\d+)?s\)$")
_EVENT = re.compile(r"=== (RUN|CONT|PAUSE|NAME) +(\S+)$")
_PACKAGE = re.compile(r"(ok  |FAIL|\?   )\t(\S+)(?:\t| |$)(.*)")
_LOG_LINE = re.compile(r"\s+\S+\.go:\d+: ")
_DYING = ("panic: ", "fatal error: ", "\tpanic: ")  # what follows in the line is no result

_OPENINGS = frozenset({"ok  ", "FAIL", "?   "})
"""How a line begins that tells of a package."""

_WORDS = {"PASS": Status.PASSED, "FAIL": Status.FAILED, "SKIP": Status.SKIPPED}
_ACTIONS = {"pass": Status.PASSED, "fail": Status.FAILED, "skip": Status.SKIPPED}
SEPARATORS = ("/", "::", ".", " ", ":")
"""How datasets join a package and a test where names recur."""


@dataclass
class _Package:
    """The tests of one package's run. A test is open from its start until its result, and while it is current."""

    name: str = ""
    tests: dict[str, bool] = field(default_factory=dict)  # those that began, and whether they are open
    current: str = ""
    results: dict[str, Observation] = field(default_factory=dict)
    earlier: list[tuple[str, Observation]] = field(default_factory=list)  # of tests that began anew, as with -count=2
    running: str = ""  # the test that no other can begin beside, but its own subtests
    printed: list[str] = field(default_factory=list)  # tests that seem to have begun beside it
    failed: bool = False
    ended: bool = False

    def start(self, test: str) -> None:
        if test in self.results:
            self.earlier.append((test, self.results.pop(test)))
        self.tests[test] = True
        self.current = test
        if not self.running and "/" not in test:
            self.running = test
        elif "/" not in test and test != self.running:
            self.printed.append(test)

    def resume(self, test: str) -> None:
        self.current = test

    def leave(self, test: str) -> None:
        """Let other tests begin: this one has ended, or waits to run in parallel. It printed those begun beside it."""
        if test != self.running:
            return
        for name in self.printed:
            self.tests.pop(name, None)
            self.results.pop(name, None)
        self.running = ""
        self.printed.clear()

    def confirmed(self) -> dict[str, Observation]:
        """Return the results; where the run did not end, without a pass of the last test: it may have printed it."""
        if self.ended or not self.tests:
            return self.results
        top = self.current.partition("/")[0]
        return {
            test: seen for test, seen in self.results.items() if seen.status in FAILING or test.partition("/")[0] != top
        }

    def finish(self, test: str, seen: Observation) -> None:
        """Record a result: of a running test the last, of another none, since only a running test has one.

        A subtest whose start was glued to output has its result below its parent's.
        """
        if self.tests.get(test) or test == self.current or self.current.startswith(f"{test}/") or self.is_below(test):
            if test in self.tests:
                self.tests[test] = False
            self.results[test] = seen
            self.leave(test)
        elif not self.tests and (test not in self.results or seen.status in FAILING):
            self.results[test] = seen  # without -v no test announces itself

    def is_below(self, test: str) -> bool:
        return "/" in test and test not in self.tests and self.tests.get(test.rpartition("/")[0]) is False


@dataclass
class _Reader:
    packages: list[_Package] = field(default_factory=list)
    now: _Package = field(default_factory=_Package)
    broken: list[str] = field(default_factory=list)
    by_name: dict[str, _Package] = field(default_factory=dict)  # of -json, whose packages interleave

    def read(self, log: LogLines) -> None:
        """Read the log; the most frequent start and result, of a test that runs alone, without a call."""
        now, begun = self.now, ""  # the test that the loop alone knows to run
        tests, results, passed = now.tests, now.results, Status.PASSED
        for number, offset, text in log:
            head = text[:10]
            if head == "--- PASS: " and begun and text[10:-8] == begun and text[-8:] == " (0.00s)":
                results[begun] = observation(passed, number, offset, "result")
                tests[begun] = False
                now.current, begun = begun, ""
            elif (
                head == "=== RUN   "
                and not (begun or now.running)
                and (name := text[10:]).isidentifier()
                and name not in tests
            ):
                begun = name
            elif "--- " in text or "=== " in text or text[:4] in _OPENINGS:
                if begun:
                    now.start(begun)
                    begun = ""
                self.text(number, offset, text)
                now = self.now
                tests, results = now.tests, now.results
        if begun:
            now.start(begun)

    def text(self, number: int, offset: int, text: str) -> None:
        if "=== " in text and (event := _EVENT.search(text, max(0, len(text) - 20_000))):
            self._announce(event[1], event[2])
        elif "--- " in text and text[-2:] == "s)" and (found := _RESULT.search(text, max(0, len(text) - 20_000))):
            if found.start() == 0 or not (_LOG_LINE.match(text) or text.startswith(_DYING)):
                self._result(found, text, number, offset)
        elif text[:4] in _OPENINGS and (closing := _PACKAGE.match(text)):
            self._close(closing)

    def _announce(self, event: str, test: str) -> None:
        if event == "RUN":
            self.now.start(test)
        elif event == "PAUSE":
            self.now.leave(test)
        else:
            self.now.resume(test)

    def _result(self, found: re.Match[str], text: str, number: int, offset: int) -> None:
        test = found[2]
        if not self.now.tests and self.packages and test == self.packages[-1].current:
            self.now = self.packages.pop()  # the package's last line was printed by the test that ends here
        rule = "result" if not found.start() or not text[: found.start()].strip() else "result-glued"
        self.now.finish(test, Observation(_WORDS[found[1]], number, offset, rule))

    def _close(self, closing: re.Match[str]) -> None:
        if "failed]" in closing[3]:
            self.broken.append(closing[2])
            return
        self.now.name, self.now.failed, self.now.ended = closing[2], closing[1] == "FAIL", True
        self.packages.append(self.now)
        self.now = _Package()

    def event(self, number: int, offset: int, event: dict[str, Any]) -> None:
        action, package_name, test = event.get("Action"), event.get("Package", ""), event.get("Test")
        if not isinstance(package_name, str) or not isinstance(action, str):
            return
        package = self.by_name.get(package_name)
        if package is None:
            package = self.by_name[package_name] = _Package(package_name)
        if not isinstance(test, str):
            self._package_event(package, action, str(event.get("Output") or ""))
        elif action == "run":
            package.start(test)
        elif action == "cont":
            package.resume(test)
        elif action == "pause":
            package.leave(test)
        elif action in _ACTIONS:
            package.finish(test, Observation(_ACTIONS[action], number, offset, "event"))
        elif action == "output":
            self._output(package, str(event.get("Output") or ""), number, offset)

    def _package_event(self, package: _Package, action: str, output: str) -> None:
        package.failed = package.failed or action == "fail"
        package.ended = package.ended or action in _ACTIONS
        if "failed]" in output and (closing := _PACKAGE.match(output.rstrip("\n"))):
            self.broken.append(closing[2])

    def _output(self, package: _Package, output: str, number: int, offset: int) -> None:
        """Read a start or a result that older versions of test2json miss, as output stands before it on its line."""
        text = output.rstrip("\n")
        if "=== " in text and (event := _EVENT.search(text, max(0, len(text) - 20_000))) and event.start() > 0:
            if event[1] == "RUN":
                package.start(event[2])
            elif event[1] == "PAUSE":
                package.leave(event[2])
            return
        found = _RESULT.search(text, max(0, len(text) - 20_000))
        if found is None or found.start() == 0 or _LOG_LINE.match(text) or text.startswith(_DYING):
            return
        if package.tests.get(found[2]) or (text[0] == " " and package.is_below(found[2])):
            rule = "result" if not text[: found.start()].strip() else "result-glued"
            package.finish(found[2], Observation(_WORDS[found[1]], number, offset, rule))


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of `go test -v`; a name that several packages have is also known with its package."""
    reader = _Reader()
    reader.read(log)
    return _collect(reader, [*reader.packages, reader.now], listed)


def parse_json(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of `go test -json`, and of plain output where the log has no events."""
    reader = _Reader()
    for number, offset, text in log:
        event = _decode(text) if text.startswith("{") else None
        if event is not None:
            reader.event(number, offset, event)
        else:
            reader.text(number, offset, text)
    return _collect(reader, [*reader.by_name.values(), *reader.packages, reader.now], listed)


def _decode(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _collect(reader: _Reader, packages: list[_Package], listed: Listed) -> ParsedLog:
    parsed = ParsedLog()
    for package in packages:
        confirmed = package.confirmed()
        parsed.add_all(confirmed)
        for test, seen in package.earlier:
            parsed.add(test, seen)
        for test, seen in (*confirmed.items(), *package.earlier) if package.name and listed else ():
            for separator in SEPARATORS:
                if (whole := f"{package.name}{separator}{test}") in listed:
                    parsed.qualify(whole, seen)
        statuses = {seen.status for seen in package.results.values()} if package.failed else FAILING
        if statuses.isdisjoint(FAILING) and not package.earlier:
            parsed.flag("package-failed", f"{package.name} failed, but none of its tests shows it")
        for test in package.tests.keys() - package.results.keys():
            parsed.flag("unfinished", "it began, but the log has no result of it", test)
    if reader.broken:
        parsed.flag("build-failed", f"{len(reader.broken)} packages did not build, first {reader.broken[0]}")
        if not parsed.results:
            parsed.died = f"no test ran: {reader.broken[0]} did not build"
    return parsed
