"""Mocha: its spec, list, JSON and JSON stream reporters.

Source of the formats: lib/reporters of Mocha 8 to 12.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import Line, LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.json_documents import json_documents
from velora_tui.grading.parsers.titles import JOINT, TitleBook

_PASSED = re.compile(r"( *)[✓✔√] (.*)$")
_GLUED = re.compile(r"\S.*?  +(?:([✓✔√])|(\d{1,9})\)) (.*)$")
_LIST_DURATION = re.compile(r": \d+ms$")
_FAILED = re.compile(r"( *)(\d{1,9})\) (.*)$")
_PENDING = re.compile(r"( +)- (.*)$")
_DURATION = re.compile(r" \(\d[\d.,]* ?m?s\)$")
_CLOSING = re.compile(r"  (\d{1,9}) passing(?: \(.*\))?$")
_FAILING = re.compile(r"  (\d{1,9}) failing$")
_HEADING = re.compile(r"  (\d{1,9})\) (.*)$")
_EVENT = re.compile(r'\["(?:pass|fail)",\{"title":')
_EVENTS = {"pass": Status.PASSED, "fail": Status.FAILED}
_EVENT_KEYS = {"title", "fullTitle", "duration", "currentRetry"}
_STATS = {"suites", "tests", "passes", "pending", "failures"}


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
    listed_failed: int = 0  # the number of the last failure that the task lists
    suite_may_follow: bool = True  # the line before was empty, or a test that is in no suite
    begun: str = ""  # how the list reporter writes that a test begins
    flat: bool = False  # whole names, as that reporter writes them
    passed: int = 0
    complete: bool = False
    claimed: int = 0  # how many passed, by the line that closes the tree
    failing: int | None = None
    list_is_true: bool = False  # its counts are those of the tree
    held: list[Line] = field(default_factory=list)  # the list's lines, in case that a test printed it
    list: list[_Failure] = field(default_factory=list)

    def feed(self, number: int, offset: int, text: str) -> None:
        if (found := _CLOSING.match(text)) and not self._list_goes_on():
            self._tree_again()
            self.complete, self.claimed = True, int(found[1])
        elif self.complete and (found := _FAILING.match(text)) and self.failing is None:
            self.failing = int(found[1])
            self.list_is_true = self.failing == self.failed and (self.claimed == self.passed or self.failing > 2)
        elif self.failing is not None:
            self._list_line(number, offset, text)
        else:
            self._tree_line(number, offset, text)

    def _tree_again(self) -> None:
        """Read on where a test printed what looked like the end."""
        held, self.held = self.held, []
        self.complete, self.failing, self.list = False, None, []
        for line in held:
            self._tree_line(*line)

    def _list_goes_on(self) -> bool:
        """Tell whether failures are still to come, so that a closing line is text of a message."""
        return self.list_is_true or (self.failing or 0) > max(len(self.list), 2)

    def _tree_line(self, number: int, offset: int, text: str) -> None:
        may_begin, self.suite_may_follow = self.suite_may_follow, not text
        if found := _PASSED.match(text):
            self._result(len(found[1]), found[2], Observation(Status.PASSED, number, offset, "spec"))
        elif (found := _FAILED.match(text)) and self._is_next(len(found[1]), int(found[2]), found[3]):
            self._result(len(found[1]), found[3], Observation(Status.FAILED, number, offset, "spec"))
        elif found := _PENDING.match(text):
            self._result(len(found[1]), found[2], Observation(Status.SKIPPED, number, offset, "spec"))
        elif found := _GLUED.match(text[-2000:]):
            self._glued(found, number, offset)
        elif text[-2:] == ": " and text.startswith("    "):
            self.begun = text
        elif self.flat and ":   - " in text:
            self._skipped_of_list(number, offset, text)
        elif text:
            self._suite(text, may_begin)

    def _glued(self, found: re.Match[str], number: int, offset: int) -> None:
        """Read a result behind output without a line end."""
        deepest = max(self.suites, default=0) + 2
        if found[1]:
            self._result(deepest, found[3], Observation(Status.PASSED, number, offset, "spec-glued"))
        elif self._is_next(deepest, int(found[2]), found[3]):
            self._result(deepest, found[3], Observation(Status.FAILED, number, offset, "spec-glued"))

    def _is_next(self, indent: int, failure: int, title: str) -> bool:
        """Tell whether a failure of that number can stand here; a test may have printed some before it."""
        is_next, is_next_listed = failure == self.failed + 1, failure == self.listed_failed + 1
        self.failed += is_next
        if (is_next or is_next_listed) and self.book.is_listed((*self._parents(indent), title)):
            self.listed_failed = failure
            return True
        return is_next

    def _parents(self, indent: int) -> tuple[str, ...]:
        return tuple(self.suites[depth] for depth in sorted(self.suites) if depth < indent)

    def _suite(self, text: str, may_begin: bool) -> None:
        indent = len(text) - len(text.lstrip(" "))
        nested = indent > 2 and indent - 2 in self.suites
        if indent % 2 or not (nested or (indent == 2 and may_begin)) or _FAILED.match(text):
            return
        self.suites = {depth: title for depth, title in self.suites.items() if depth < indent}
        self.suites[indent] = text[indent:]

    def _result(self, indent: int, text: str, seen: Observation) -> None:
        self.suite_may_follow = indent == 2
        self.complete = False  # a closing line before it was printed by a test
        self.passed += seen.status is Status.PASSED
        if self._is_of_list(indent, text, seen):
            return
        parents = self._parents(indent)
        duration = _DURATION.search(text[-40:]) if seen.status is Status.PASSED else None
        cut = len(text) - len(duration[0]) if duration else -1
        self.book.add((*parents, self.book.without_duration(parents, text, cut)), seen)

    def _is_of_list(self, indent: int, text: str, seen: Observation) -> bool:
        """Read a line of the list reporter, which writes each test's whole name once it begins and once it ends."""
        title = _LIST_DURATION.sub("", text) if seen.status is Status.PASSED else text
        self.flat = self.flat or (indent == 2 and self.begun.endswith(f"    {title}: "))
        if self.flat:
            self.book.add((title,), seen)
            self.book.spell_whole(title, seen)
        return self.flat

    def _skipped_of_list(self, number: int, offset: int, text: str) -> None:
        """Read `    name:   - name`, a test that has begun and then was skipped."""
        name = text[(len(text) + len(":   - ") + 4) // 2 :]
        if text == f"    {name}:   - {name}":
            self._is_of_list(2, name, Observation(Status.SKIPPED, number, offset, "spec"))

    def _list_line(self, number: int, offset: int, text: str) -> None:
        if not self.list_is_true:
            self.held.append((number, offset, text))
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
            if name and not failure.open and (before is None or before.status not in FAILING):
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


def _add_event(book: TitleBook, line: Line) -> bool:
    """Read a line of the JSON stream, if it is one."""
    number, offset, text = line
    if not text.endswith("}]") or (found := _EVENT.search(text[:2000])) is None:
        return False
    try:
        event, test = json.loads(text[found.start() :])
    except (ValueError, RecursionError):
        return False
    if not isinstance(test, dict) or not test.keys() >= _EVENT_KEYS:
        return False
    _add_test(book, test, Observation(_EVENTS[event], number, offset, "json"))
    return True


def parse_json(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of Mocha's JSON reporters; of the spec reporter where the log has no such document."""
    book = TitleBook(listed)
    reader = _Reader(TitleBook(listed))
    found = False
    for item in json_documents(log):
        document = item[2]
        if isinstance(document, dict):
            found = _add_document(book, item[0], item[1], document) or found
        elif _add_event(book, (item[0], item[1], document)):
            found = True
        else:
            reader.feed(item[0], item[1], document)
    return book.parsed if found else reader.finish()


def _add_document(book: TitleBook, number: int, offset: int, document: dict[str, Any]) -> bool:
    stats = document.get("stats")
    if not isinstance(stats, dict) or not stats.keys() >= _STATS:
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
    book.spell_whole(full, seen)
    parents = full.removesuffix(title).rstrip(" ")
    if parents and parents != full:  # the document joins the suites' titles, so only whole ones can be told apart
        for joint in (JOINT, " › ", "::", "."):
            if (spelling := f"{parents}{joint}{title}") in book.listed:
                book.parsed.qualify(spelling, seen)
    if file and (spelling := f"{file}::{full}") in book.listed:
        book.parsed.qualify(spelling, seen)
