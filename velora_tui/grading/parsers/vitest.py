"""Vitest's verbose, default and tree reporters.

Source of the format: packages/vitest/src/node/reporters of Vitest 0.34 to 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.titles import JOINT, TitleBook

_MARKED = re.compile(r"( +)([✓√×✗❯↓✖]) (?:\|[^|]+\| )?(\S.*)$")
_GLUED = re.compile(r"\S ([✓√×✗✖↓]) (\S.*? > .*)$")
_OUTPUT = re.compile(r"(?:.*\S)?(?:stdout|stderr) \| \S")
_FAILED = re.compile(r" FAIL  (?:\|[^|]+\| )?(\S.*)$")
_FAILURES = re.compile(r"⎯+ Failed (?:Tests|Suites) \d+ ⎯+$")
_DIVIDER = re.compile(r"⎯+\[\d+/\d+\]⎯*$")
_COUNTS = re.compile(r" +\(\d+(?: tests?)?(?: \| [^()]*)?\)(?: .*)?$")
_DURATION = re.compile(r" \d[\d.]* ?m?s(?: \((?:retry|repeat) x\d+(?:, repeat x\d+)?\))*$")
_TOTAL = re.compile(r" +Tests  .*\(\d+\)$")
_SKIPPED = re.compile(r" \[(?:skipped|todo)[^\[\]]*\]$")
_MARKS = {
    "✓": Status.PASSED,
    "√": Status.PASSED,
    "×": Status.FAILED,
    "✗": Status.FAILED,
    "✖": Status.FAILED,
    "❯": Status.FAILED,
    "↓": Status.SKIPPED,
}


@dataclass
class _Node:
    """A marked line: a test, or a file or suite when deeper lines follow."""

    indent: int
    text: str
    seen: Observation
    children: bool = False


@dataclass
class _Reader:
    book: TitleBook
    stack: list[_Node] = field(default_factory=list)
    failed: dict[str, Observation] = field(default_factory=dict)
    printing: bool = False  # output of a test stands here, up to an empty line
    listing: bool = False  # the failures' details have begun
    entry: bool = False  # the next line names a failure
    complete: bool = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if " | " in text and _OUTPUT.match(text[:2000]):
            self.printing = True
        elif self.printing:
            self.printing = bool(text)
        elif text[:1] == "⎯" and (_FAILURES.match(text) or (self.listing and _DIVIDER.match(text))):
            self.listing = self.entry = True
        elif self.listing and text and not self._is_entry(number, offset, text):
            self.complete = self.complete or _TOTAL.match(text) is not None
        elif "Tests  " in text and _TOTAL.match(text):
            self.complete = True
        elif found := _MARKED.match(text):
            self._marked(len(found[1]), found[3], Observation(_MARKS[found[2]], number, offset, "report"))
        elif " > " in text and (found := _GLUED.search(text[-2000:])):
            self._glued(found[2], Observation(_MARKS[found[1]], number, offset, "report-glued"))

    def _glued(self, text: str, seen: Observation) -> None:
        """Read a listed test behind output without a line end."""
        duration = _DURATION.search(text[-40:])
        for title in (text, text[: len(text) - len(duration[0])] if duration else ""):
            if title in self.book.listed:
                self.book.add((title,), seen)
                return

    def _is_entry(self, number: int, offset: int, text: str) -> bool:
        """Read ` FAIL  file > test`, of which one or several begin an entry; others are text of a message."""
        found = _FAILED.match(text) if self.entry else None
        self.entry = found is not None
        if found:
            self.failed[found[1]] = Observation(Status.FAILED, number, offset, "failure-list")
        return self.entry

    def _marked(self, indent: int, text: str, seen: Observation) -> None:
        while self.stack and self.stack[-1].indent >= indent:
            self._close()
        if self.stack:
            self.stack[-1].children = True
        self.stack.append(_Node(indent, text, seen))

    def _close(self) -> None:
        """Record the deepest open line if it is a test."""
        node = self.stack.pop()
        if node.children or (node.indent <= 1 and JOINT not in node.text and _COUNTS.search(node.text)):
            return
        above = tuple(_COUNTS.sub("", parent.text) for parent in self.stack)
        text = _SKIPPED.sub("", node.text) if node.seen.status is Status.SKIPPED else node.text
        if above and text.startswith(f"{above[0]}{JOINT}"):
            above = ()  # Vitest 1 repeats the file before each failure
        duration = _DURATION.search(text[-40:])
        cut = len(text) - len(duration[0]) if duration else -1
        self.book.add((*above, self.book.without_duration(above, text, cut)), node.seen)

    def finish(self) -> ParsedLog:
        while self.stack:
            self._close()
        parsed = self.book.parsed
        for name, seen in self.failed.items():
            before = parsed.results.get(name)
            if name.endswith("]") and " [ " in name:
                parsed.flag("collection-errors", f"{name.partition(' [ ')[0]} failed to run")
            elif before is None or before.status not in FAILING:
                parsed.results[name] = seen
        if parsed.results and not self.complete:
            parsed.flag("truncated", "the log ends before Vitest's summary")
        elif not parsed.results and self.failed:
            parsed.died = "no test ran: test files failed to run"
        return parsed


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of Vitest's terminal output as `file > suite > test`, as its verbose reporter writes them."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    parsed = reader.finish()
    for name, seen in parsed.results.items():
        _qualify_by_parts(parsed, name, seen, listed)
    return parsed


def _qualify_by_parts(parsed: ParsedLog, name: str, seen: Observation, listed: Listed) -> None:
    """Make a test found by its titles without the file, and by other joints between them."""
    file, joint, titles = name.partition(JOINT)
    if not joint:
        return
    for separator in (JOINT, " ", " › ", "::", "."):
        whole = titles.replace(JOINT, separator)
        for spelling in (whole, f"{file}{separator}{whole}", f"{file}::{whole}", f"{file}: {whole}"):
            if spelling in listed:
                parsed.qualify(spelling, seen)
    if (last := titles.rpartition(JOINT)[2]) in listed:
        parsed.qualify(last, seen)
