"""Mocha: its spec reporter and its JSON reporter.

Source of the formats: lib/reporters/spec.js, base.js and json.js of Mocha 8 to 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.json_documents import json_documents
from velora_tui.grading.parsers.titles import JOINT, TitleBook

_PASSED = re.compile(r"( *)[✓✔√] (.*)$")
_GLUED = re.compile(r"\S.*?  +[✓✔√] (.*)$")
_FAILED = re.compile(r"( *)(\d+)\) (.*)$")
_PENDING = re.compile(r"( +)- (.*)$")
_DURATION = re.compile(r" \(\d[\d.,]* ?m?s\)$")
_CLOSING = re.compile(r"  (\d+) passing(?: \(.*\))?$")
_FAILING = re.compile(r"  (\d+) failing$")
_HEADING = re.compile(r"  (\d+)\) (.*)$")


@dataclass
class _Failure:
    """One entry of the list at the end: the titles down to the test, one a line."""

    line: int
    offset: int
    titles: list[str]
    open: bool = True


@dataclass
class _Reader:
    book: TitleBook
    suites: dict[int, str] = field(default_factory=dict)  # by indent
    failed: int = 0
    suite_may_follow: bool = True  # the line before was empty, or a test that is in no suite
    complete: bool = False
    failing: int | None = None
    list: list[_Failure] = field(default_factory=list)

    def feed(self, number: int, offset: int, text: str) -> None:
        may_begin, self.suite_may_follow = self.suite_may_follow, not text
        if _CLOSING.match(text):
            self.complete = True
        elif found := _FAILING.match(text):
            self.failing = int(found[1])
            self.list = []
        elif self.failing is not None and self.complete:
            self._list_line(number, offset, text)
        elif text:
            self._tree_line(number, offset, text, may_begin)

    def _tree_line(self, number: int, offset: int, text: str, may_begin: bool) -> None:
        if found := _PASSED.match(text):
            self._result(len(found[1]), found[2], Observation(Status.PASSED, number, offset, "spec"))
        elif (found := _FAILED.match(text)) and int(found[2]) == self.failed + 1:
            self.failed += 1
            self._result(len(found[1]), found[3], Observation(Status.FAILED, number, offset, "spec"))
        elif found := _PENDING.match(text):
            self._result(len(found[1]), found[2], Observation(Status.SKIPPED, number, offset, "spec"))
        elif found := _GLUED.match(text[-2000:]):
            deepest = max(self.suites, default=0) + 2
            self._result(deepest, found[1], Observation(Status.PASSED, number, offset, "spec-glued"))
        else:
            self._suite(text, may_begin)

    def _suite(self, text: str, may_begin: bool) -> None:
        indent = len(text) - len(text.lstrip(" "))
        nested = indent > 2 and indent - 2 in self.suites
        if indent % 2 or not (nested or (indent == 2 and may_begin)) or _FAILED.match(text):
            return
        self.suites = {depth: title for depth, title in self.suites.items() if depth < indent}
        self.suites[indent] = text[indent:]

    def _result(self, indent: int, text: str, seen: Observation) -> None:
        self.suite_may_follow = indent == 2
        self.complete, self.failing = False, None  # a closing line before it was printed by a test
        parents = tuple(self.suites[depth] for depth in sorted(self.suites) if depth < indent)
        duration = _DURATION.search(text[-40:]) if seen.status is Status.PASSED else None
        cut = len(text) - len(duration[0]) if duration else -1
        self.book.add((*parents, self.book.without_duration(parents, text, cut)), seen)

    def _list_line(self, number: int, offset: int, text: str) -> None:
        found = _HEADING.match(text)
        if found and int(found[1]) == len(self.list) + 1:
            self.list.append(_Failure(number, offset, []))
            text = found[2]
        if not self.list or not self.list[-1].open:
            return
        title = text.strip()
        self.list[-1].open = bool(title) and not title.endswith(":")
        if title:
            self.list[-1].titles.append(title.removesuffix(":"))

    def finish(self) -> ParsedLog:
        parsed = self.book.parsed
        for failure in self.list:
            name = JOINT.join(failure.titles)
            before = parsed.results.get(name)
            if not failure.open and (before is None or before.status not in FAILING):
                seen = Observation(Status.FAILED, failure.line, failure.offset, "failure-list")
                parsed.results.pop(name, None)
                self.book.add(tuple(failure.titles), seen)
        if parsed.results and not self.complete:
            parsed.flag("truncated", "the log ends before Mocha's summary")
        return parsed


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of Mocha's spec reporter; a hook that fails has an id of its own."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    return reader.finish()


def parse_json(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of `mocha --reporter json`; of the spec reporter where the log has no such document."""
    book = TitleBook(listed)
    reader = _Reader(TitleBook(listed))
    found = False
    for item in json_documents(log):
        document = item[2]
        if isinstance(document, dict):
            found = _add_document(book, item[0], item[1], document) or found
        else:
            reader.feed(item[0], item[1], document)
    return book.parsed if found else reader.finish()


def _add_document(book: TitleBook, number: int, offset: int, document: dict[str, Any]) -> bool:
    if not isinstance(document.get("stats"), dict):
        return False
    for key, status in (("passes", Status.PASSED), ("failures", Status.FAILED), ("pending", Status.SKIPPED)):
        tests = document.get(key)
        for test in tests if isinstance(tests, list) else []:
            if isinstance(test, dict):
                _add_test(book, test, Observation(status, number, offset, "json"))
    return True


def _add_test(book: TitleBook, test: dict[str, Any], seen: Observation) -> None:
    title, full = str(test.get("title") or ""), str(test.get("fullTitle") or "")
    file = str(test.get("file") or "")
    book.parsed.add(full or title, seen)
    if title in book.listed and title != full:
        book.parsed.qualify(title, seen)
    parents = full.removesuffix(title).rstrip(" ")
    if parents and parents != full:  # the document joins the suites' titles, so only whole ones can be told apart
        for joint in (JOINT, " › ", "::", "."):
            if (spelling := f"{parents}{joint}{title}") in book.listed:
                book.parsed.qualify(spelling, seen)
    if file and (spelling := f"{file}::{full}") in book.listed:
        book.parsed.qualify(spelling, seen)
