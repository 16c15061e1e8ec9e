"""node:test's spec reporter.

Source of the format: lib/internal/test_runner/reporter/spec.js and utils.js of Node.js 18 to 26.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.titles import TitleBook

INDENT = 2
LEFT_KEPT = 8

_MARKED = re.compile(r"( *)([✔✖⚠﹣▶]) (.*)$")
_GLUED = re.compile(r"\S( *)([✔✖⚠﹣]) (.*)$")
_DURATION = re.compile(r" \(\d[\d.]*(?:ms|s)\)(?: # ?(.*))?$")
_COUNT = re.compile(r"ℹ (tests|pass|fail|cancelled|skipped|todo) (\d{1,9})$")


@dataclass
class _Reader:
    book: TitleBook
    parents: list[tuple[int, str]] = field(default_factory=list)
    left: deque[list[tuple[int, str]]] = field(default_factory=lambda: deque(maxlen=LEFT_KEPT))
    """Suites that ended without a line that says so: what seemed to follow them was printed by a test."""

    seen: list[tuple[tuple[str, ...], Observation]] = field(default_factory=list)
    pending: tuple[int, str, str, int, int] | None = None  # a title that goes on in the next line
    failing: set[str] = field(default_factory=set)
    listing: bool = False  # the list of failures at the end
    counts: dict[str, int] = field(default_factory=dict)

    def feed(self, number: int, offset: int, text: str) -> None:
        if self.pending is not None:
            indent, mark, start, line, place = self.pending
            self.pending = None
            if not _MARKED.match(text) and text and _DURATION.search(text[-200:]):
                self._line(indent, mark, f"{start}\n{text}", line, place)
                return
            if mark == "✖":  # a test that was cancelled took no time
                self._result(indent, start, Observation(Status.FAILED, line, place, "spec"))
        if text == "✖ failing tests:":
            self.listing = True
        elif found := _COUNT.match(text):
            self.counts[found[1]] = int(found[2])
        elif found := _MARKED.match(text):
            self._line(len(found[1]), found[2], found[3], number, offset)
        elif text[-1:] == ")" and (found := _GLUED.search(text[-2000:])):
            self._glued(len(found[1]), found[2], found[3], number, offset)

    def _glued(self, indent: int, mark: str, text: str, number: int, offset: int) -> None:
        """Read a listed test behind output without a line end."""
        duration = _DURATION.search(text)
        if duration and self._listed_below(indent, text[: duration.start()]) is not None:
            self._line(indent, mark, text, number, offset)

    def _line(self, indent: int, mark: str, text: str, number: int, offset: int) -> None:
        duration = _DURATION.search(text[-2000:])
        title = text[: len(text) - len(duration[0])] if duration else text
        if self.listing:
            self.failing.add(title)
            return
        if mark == "▶" and duration is None:
            self._leave(indent, title)
            if indent <= len(self.parents) * INDENT:
                self.parents.append((indent, title))
            return
        if duration is None:
            self.pending = (indent, mark, text, number, offset)
            return
        self._result(indent, title, Observation(_status(mark, duration[1]), number, offset, "spec"))

    def _result(self, indent: int, title: str, seen: Observation) -> None:
        known = self._listed_below(indent, title)
        if known is None and indent > len(self.parents) * INDENT:
            return  # deeper than any test: part of a message
        self.parents = self.parents if known is None else known
        self._leave(indent, title)
        self.seen.append(((*(name for _, name in self.parents), title), seen))

    def _listed_below(self, indent: int, title: str) -> list[tuple[int, str]] | None:
        """Return the suites below which the task lists the test."""
        for parents in (self.parents, *self.left):
            if self.book.is_listed((*(name for depth, name in parents if depth < indent), title)):
                return list(parents)
        return None

    def _leave(self, indent: int, title: str) -> None:
        """Close the suites that are not above `indent`; the last line of one has its title."""
        if self.parents and self.parents[-1][0] >= indent and (indent, title) not in self.parents:
            self.left.append(self.parents)
        self.parents = [entry for entry in self.parents if entry[0] < indent]

    def finish(self) -> ParsedLog:
        """Record the results: in a complete log the list at the end decides which tests failed."""
        complete = "tests" in self.counts
        passed = {titles for titles, seen in self.seen if seen.status not in FAILING}
        for titles, seen in self.seen:
            contradicted = complete and seen.status in FAILING and titles in passed
            if not contradicted or titles[-1] in self.failing:
                self.book.add(titles, seen)
        if self.book.parsed.results and not complete:
            self.book.parsed.flag("truncated", "the log ends before node's summary")
        return self.book.parsed


def _status(mark: str, comment: str | None) -> Status:
    if mark == "﹣" or (comment or "").startswith("SKIP"):
        return Status.SKIPPED
    if mark == "▶":
        return Status.PASSED
    if (comment or "").startswith("EXPECTED FAILURE"):
        return Status.XFAIL if mark == "✔" else Status.FAILED
    if comment is not None:  # a TODO, with or without its reason
        return Status.XPASS if mark == "✔" else Status.XFAIL
    return Status.PASSED if mark == "✔" else Status.FAILED


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests and suites of node's spec reporter, named by their parents' titles and their own."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    return reader.finish()
