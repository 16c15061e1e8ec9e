"""unittest's verbose output, Django's test runner included.

Source of the format: Lib/unittest/runner.py (TextTestResult) of Python 3.8 to 3.13, django/test/runner.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, SEVERITY, Listed, Observation, ParsedLog, observation

HEAD_LIMIT = 4000  # ids stand at the start of a line; what follows may be output of any length

_DOUBLED = re.compile(r"(?P<name>\S.*?) \((?P<owner>[^\s()]+)\.(?P=name)\)")  # Python 3.11 and later
_PLAIN = re.compile(r"(?P<name>\S+) \((?P<owner>[A-Za-z_][\w.<>]*)\)")
_SPACED = re.compile(r"(?P<name>\S.*?) \((?P<owner>[A-Za-z_]\w*(?:\.[\w<>]+)+)\)")
_STATUS = re.compile(r"(ok|FAIL|ERROR|expected failure|unexpected success|skipped (?:'.{0,4000}'|\".{0,4000}\"))$")
_ENDS = ("ok", "FAIL", "ERROR", "expected failure", "unexpected success", "'", '"')
_BLOCK = re.compile(r"(ERROR|FAIL|UNEXPECTED SUCCESS): (?=\S)")
_CLOSING = re.compile(r"Ran (\d{1,9}) tests? in [\d.]+s")
_APPLYING = re.compile(r" *Applying \S+?\.\.\.(?: OK)?(?=\S)")

_WORDS = {
    "ok": Status.PASSED,
    "FAIL": Status.FAILED,
    "ERROR": Status.ERROR,
    "expected failure": Status.XFAIL,
    "unexpected success": Status.XPASS,
    "skipped": Status.SKIPPED,
}
_BLOCK_WORDS = {"ERROR": Status.ERROR, "FAIL": Status.FAILED, "UNEXPECTED SUCCESS": Status.XPASS}


@dataclass(slots=True)
class _Test:
    """A test that has begun, and every status that was printed before the next one began."""

    name: str
    statuses: list[Observation] = field(default_factory=list)
    awaits_title: bool = False  # the docstring's line comes next
    bare: bool = True  # the last status stood alone, without output before it on its line
    doubled: bool = True  # the name stands twice, as Python prints it since 3.11


class _Reader:
    def __init__(self, listed: Listed) -> None:
        self.listed = listed
        self.parsed = ParsedLog()
        self.tests: list[_Test] = []
        self.open: list[_Test] = []  # those without a status
        self.failures: dict[str, Observation] = {}
        self._believed: dict[str, Observation] = {}  # the failures before the present blocks
        self.complete = False
        self._ended = 0  # how many tests had begun when the run before ended
        self._after_rule = False  # the line before was a row of `=`
        self._after_blank = False
        self._reporting = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if self._after_rule:
            self._block(number, offset, text)
            self._after_rule = False
        elif text[:1] == "=" and len(text) >= 70 and not text.strip("="):
            self._after_rule = self._after_blank or not self._reporting  # else it is text of a message
        elif text[:4] == "Ran " and (found := _CLOSING.fullmatch(text)):
            self._end(int(found[1]))
        elif not self._reporting:
            self._progress(number, offset, text)
        elif self._goes_on(text):
            self._reporting = False
            self._progress(number, offset, text)
        self._after_blank = not text

    def _end(self, ran: int) -> None:
        """Take note of `Ran N tests`, unless it counts too few to be of this run: a test printed it."""
        begun = len(self.tests) - self._ended
        if 2 * ran >= begun:
            self.complete, self._ended = True, len(self.tests)

    def _block(self, number: int, offset: int, text: str) -> None:
        found = _BLOCK.match(text)
        if found is None:
            return
        if not self._reporting:
            self._believed = dict(self.failures)
        self._reporting = True
        rest = text[found.end() :]
        started = _match_id(rest, 0)
        name = rest if started is None else rest[: started.end()]
        seen = Observation(_BLOCK_WORDS[found[1]], number, offset, "failure-block")
        before = self.failures.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            self.failures[name] = seen

    def _goes_on(self, text: str) -> bool:
        """Tell whether tests go on after failure blocks: in a second run, or as one without a status printed them."""
        if self.complete:
            return " ... " in text and self._starts(text)
        if not self.open or not (_STATUS.fullmatch(text) or (" ... " in text and _PLAIN.match(text))):
            return False
        self.failures = self._believed
        return True

    def _starts(self, text: str) -> bool:
        started = _match_id(text, 0)
        return started is not None and text.startswith(" ... ", started.end())

    def _progress(self, number: int, offset: int, text: str) -> None:
        position = 0
        if "Applying" in text[:40] and (applying := _APPLYING.match(text)):
            position = applying.end()
        begun = False
        while not (self.tests and self.tests[-1].awaits_title) and (started := _match_id(text, position)) is not None:
            follows = text[started.end() : started.end() + 4]
            if follows and follows != " ...":
                break
            self._begin(started, awaits_title=not follows, beside=begun)
            begun = True
            position = min(len(text), started.end() + 5)
        if self.tests and position < len(text):
            self._status(number, offset, text[position:], bare=begun)

    def _begin(self, started: re.Match[str], awaits_title: bool, beside: bool) -> None:
        """Begin a test; one that seems to begin in the line of another may be its output."""
        self.complete = False
        doubled = started.re is _DOUBLED or started["owner"].endswith(f".{started['name']}")
        self.tests.append(_Test(started[0], awaits_title=awaits_title, doubled=doubled))
        self.open = [*self.open, self.tests[-1]] if beside else [self.tests[-1]]
        if self.listed:
            self._spell(started)

    def _spell(self, started: re.Match[str]) -> None:
        """Note the other spellings of a test's name that the task lists."""
        test, owner = started["name"], started["owner"].removesuffix(f".{started['name']}")
        for spelling in (f"{test} ({owner})", f"{test} ({owner}.{test})", f"{owner}.{test}"):
            if spelling in self.listed:
                self.parsed.alias(spelling, started[0])

    def plain_pass(self, number: int, offset: int, text: str) -> bool:
        """Read the most frequent line, `name (owner) ... ok`."""
        name = text[:-7]
        if self._reporting or self._after_rule or (self.tests and self.tests[-1].awaits_title):
            return False
        started = _PLAIN.fullmatch(name)
        if started is None:
            return False
        doubled = started[2].endswith(f".{started[1]}")
        self.tests.append(_Test(name, [observation(Status.PASSED, number, offset, "verbose")], False, True, doubled))
        self.complete = self._after_blank = False
        self.open.clear()
        if self.listed:
            self._spell(started)
        return True

    def _status(self, number: int, offset: int, text: str, bare: bool) -> None:
        test = self.tests[-1]
        if test.awaits_title:
            test.awaits_title = False
            title, separator, rest = text.rpartition(" ... ")
            if not separator and not text.endswith(" ..."):
                self.tests.remove(test)  # without a title it was printed
                return
            self.parsed.alias(title if separator else text.removesuffix(" ..."), test.name)
            text, bare = rest, True
        found = _STATUS.search(text[-HEAD_LIMIT:]) if text.endswith(_ENDS) else None
        if found is None:
            return
        test = self.open.pop() if self.open else test
        status = _WORDS[found[1].partition(" '")[0].partition(' "')[0]]
        test.statuses.append(Observation(status, number, offset, "verbose" if bare else "verbose-output"))
        test.bare = found[0] == text


def _match_id(text: str, position: int) -> re.Match[str] | None:
    """Return the match of `name (module.Class.name)` or `name (module.Class)` at `position`."""
    end = min(len(text), position + HEAD_LIMIT)
    if text.find(" (", position, end) == -1:
        return None
    plain = _PLAIN.match(text, position, end)
    if plain is not None:
        return plain
    return _DOUBLED.match(text, position, end) or _SPACED.match(text, position, end)


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a unittest or Django log; a class's set-up that fails is named after the class."""
    reader = _Reader(listed)
    for number, offset, text in log:
        if text[-7:] != " ... ok" or not reader.plain_pass(number, offset, text):
            reader.feed(number, offset, text)
    parsed = reader.parsed
    complete = reader.complete
    for test in reader.tests:
        if seen := _decide(test, reader, complete, last=test is reader.tests[-1]):
            parsed.add(test.name, seen)
    for name, seen in reader.failures.items():
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen
    _note(parsed, complete)
    return parsed


def _decide(test: _Test, reader: _Reader, complete: bool, last: bool) -> Observation | None:
    """Return the test's own status among those printed: the failure blocks are the authority on failures."""
    if test.name in reader.failures:
        return reader.failures[test.name]
    if not test.statuses:
        return None
    if not complete:
        if last and not test.bare:
            return None
        return max(test.statuses, key=lambda seen: SEVERITY[seen.status])
    if len(test.statuses) == 1:
        return test.statuses[0]
    believable = [seen for seen in test.statuses if seen.status not in FAILING]
    if not test.doubled and believable and believable[0].rule == "verbose":
        return believable[0]  # before 3.11 a class that is skipped or fails prints its status without a name
    return (believable or test.statuses)[-1]


def _note(parsed: ParsedLog, complete: bool) -> None:
    if not complete and parsed.results:
        parsed.flag("truncated", "the log ends before unittest's last line")
    unloaded = [name for name in parsed.results if "unittest.loader." in name]
    if unloaded:
        parsed.flag("collection-errors", f"{len(unloaded)} modules could not be loaded, first {unloaded[0]}")
        if len(unloaded) == len(parsed.results):
            parsed.died = "no test ran: no test module could be loaded"
