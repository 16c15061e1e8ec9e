"""node:test's spec reporter.

Source of the format: lib/internal/test_runner/reporter/spec.js and utils.js of Node.js 18 to 24.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.titles import TitleBook

_MARKED = re.compile(r"( *)([✔✖﹣▶]) (.*)$")
_DURATION = re.compile(r" \(\d[\d.]*(?:ms|s)\)(?: # ?(.*))?$")
_COUNT = re.compile(r"ℹ (tests|pass|fail|cancelled|skipped|todo) (\d+)$")


@dataclass
class _Reader:
    book: TitleBook
    parents: list[tuple[int, str]] = field(default_factory=list)
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
        if text == "✖ failing tests:":
            self.listing = True
        elif found := _COUNT.match(text):
            self.counts[found[1]] = int(found[2])
        elif found := _MARKED.match(text):
            self._line(len(found[1]), found[2], found[3], number, offset)

    def _line(self, indent: int, mark: str, text: str, number: int, offset: int) -> None:
        duration = _DURATION.search(text[-2000:])
        title = text[: len(text) - len(duration[0])] if duration else text
        if self.listing:
            self.failing.add(title)
            return
        while self.parents and self.parents[-1][0] >= indent:
            self.parents.pop()
        if mark == "▶" and duration is None:
            self.parents.append((indent, title))
            return
        if duration is None:
            self.pending = (indent, mark, text, number, offset)
            return
        titles = (*(name for _, name in self.parents), title)
        status = _status(mark, duration[1])
        self.seen.append((titles, Observation(status, number, offset, "spec")))

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
    if comment is not None:  # a TODO, with or without its reason
        return Status.XPASS if mark == "✔" else Status.XFAIL
    return Status.PASSED if mark == "✔" else Status.FAILED


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests and suites of node's spec reporter, named by their parents' titles and their own."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    return reader.finish()
