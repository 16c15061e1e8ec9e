"""Jest: its verbose tree, its list of failures, and `--json`.

Source of the formats: packages/jest-reporters (VerboseReporter, getResultHeader, Summary) of Jest 24 to 30.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog, observation
from velora_tui.grading.parsers.json_documents import json_documents
from velora_tui.grading.parsers.titles import JOINT, TITLE_LIMIT, TitleBook

CHEVRON = " › "
"""How the list of failures joins titles."""

_ANY_JOINT = re.compile(" [>›] ")
_HEADER = re.compile(r"(?:.*\S)? ?(PASS|FAIL) +(\S.*?\.\w+)(?: \(\d[\d.]* m?s(?:, [^()]*)?\))?$")
_MARKED = re.compile(r"( *)(?:([✓✕√×])|([○✎])( skipped| todo)?) (.*)$")
_DURATION = re.compile(r" \(\d[\d.,]* ?m?s\)$")
_FAILURE = re.compile(r"  ● (\S.*)$")
_TOTAL = re.compile(r"Tests: +.*\b\d+ total$")
_MARKS = {
    "✓": Status.PASSED,
    "√": Status.PASSED,
    "✕": Status.FAILED,
    "×": Status.FAILED,
    "○": Status.SKIPPED,
    "✎": Status.SKIPPED,
}
_STATUSES = {"passed": Status.PASSED, "failed": Status.FAILED}


class _Reader:
    """Reads one file's report after the other: a header, a tree of titles up to a blank line, the failures."""

    def __init__(self, listed: Listed) -> None:
        self.book = TitleBook(listed)
        self.file = ""
        self.in_tree = False
        self.suites: list[tuple[int, str]] = []
        self.parents: tuple[str, ...] = ()  # their titles
        self.prefix = ""  # of the names of their tests
        self.last: tuple[str, Observation] | None = None  # a result whose title may go on in the next line
        self.trees: set[str] = set()  # files whose tree was printed
        self.heading: tuple[str, str, Observation] | None = None  # of a failure; its title may go on in the next line
        self.failures: list[tuple[str, str, Observation]] = []
        self.pass_mark = ""  # how the line began if the last one of the tree is a pass: its neighbours begin so too
        self.complete = False
        self.unloaded: list[str] = []

    def read(self, log: LogLines) -> None:
        mark = ""
        for number, offset, text in log:
            if mark and text.startswith(mark):
                self._flush()
                self.last = (text[len(mark) :], observation(Status.PASSED, number, offset, "tree"))
            else:
                self.pass_mark = ""
                self.feed(number, offset, text)
                mark = self.pass_mark

    def feed(self, number: int, offset: int, text: str) -> None:
        if self.heading is not None and text.strip() and len(self.heading[1]) < TITLE_LIMIT:
            self.heading = (self.heading[0], f"{self.heading[1]}\n{text}", self.heading[2])
            return
        self._end_heading()
        if ("PASS " in text or "FAIL " in text) and (header := self._header(text)):
            self._flush()
            self.file, self.in_tree, self.suites = header[2], True, []
            self._nest(())
        elif self.in_tree:
            self._tree_line(number, offset, text)
        elif text.startswith("  ● ") and self.file:
            self._failure(number, offset, text)
        elif text.startswith("Tests: ") and _TOTAL.match(text):
            self.complete = True

    def _header(self, text: str) -> re.Match[str] | None:
        """Match the first line of a file's report; a title in the tree may end as one."""
        return None if self.in_tree and _MARKED.match(text) else _HEADER.match(text[-1000:])

    def _tree_line(self, number: int, offset: int, text: str) -> None:
        if not text.strip():
            self._flush()
            self.in_tree = bool(not self.suites and self.file not in self.trees)
        elif text.startswith("  ● "):
            self._flush()
            self.in_tree = False
            self._failure(number, offset, text)
        elif found := _MARKED.match(text):
            self._flush()
            indent, mark, other, word, title = found.groups()
            self._close_suites(len(indent))
            if word and self.book.is_listed((*self.parents, whole := f"{word[1:]} {title}"), self.file):
                title = whole  # of a run with --expand, which doesn't say that a test was skipped
            status = _MARKS[mark or other]
            self.last = (title, Observation(status, number, offset, "tree"))
            self.pass_mark = text[: len(indent) + 2] if status is Status.PASSED else ""
            self.trees.add(self.file)
        elif not text.startswith("  ") and self.last is not None and len(self.last[0]) < TITLE_LIMIT:
            self.last = (f"{self.last[0]}\n{text}", self.last[1])
        elif text.startswith("  "):
            self._flush()
            indent = len(text) - len(text.lstrip(" "))
            self._close_suites(indent)
            self.suites.append((indent, text[indent:]))
            self._nest((*self.parents, text[indent:]))

    def _close_suites(self, indent: int) -> None:
        while self.suites and self.suites[-1][0] >= indent:
            self.suites.pop()
            self._nest(self.parents[:-1])

    def _nest(self, parents: tuple[str, ...]) -> None:
        self.parents = parents
        self.prefix = "".join(f"{title}{JOINT}" for title in parents)

    def _flush(self) -> None:
        """Record the result that was read last, now that its title is complete."""
        if self.last is None:
            return
        text, seen = self.last
        self.last = None
        cut = text.rfind(" (") if text[-2:] == "s)" else -1
        is_timed = cut >= 0 and ((text[-4:] == " ms)" and text[cut + 2 : -4].isdigit()) or _DURATION.match(text, cut))
        if not self.book.listed:
            self.book.parsed.add(self.prefix + (text[:cut] if is_timed else text), seen)
            return
        if is_timed:
            text = self.book.without_duration(self.parents, text, cut, self.file)
        self.book.add((*self.parents, text), seen, self.file)

    def _failure(self, number: int, offset: int, text: str) -> None:
        found = _FAILURE.match(text)
        if found is None:
            return
        if found[1] == "Test suite failed to run":
            self.unloaded.append(self.file)
        elif not found[1].startswith("Console"):
            self.heading = (self.file, found[1], Observation(Status.FAILED, number, offset, "failure-list"))

    def _end_heading(self) -> None:
        if self.heading is not None:
            self.failures.append(self.heading)
            self.heading = None

    def finish(self) -> ParsedLog:
        self._flush()
        self._end_heading()
        parsed = self.book.parsed
        spelled = _by_spelling(self.book.listed) if self.failures else {}
        for file, titles, seen in dict.fromkeys(self.failures):
            if file in self.trees:
                continue
            self.book.add(tuple(titles.split(CHEVRON)), seen, file)
            for name in spelled.get(titles.replace(JOINT, CHEVRON), ()):
                if _can_be(name, titles):
                    parsed.qualify(name, seen)
        if parsed.results and not self.complete:
            parsed.flag("truncated", "the log ends before Jest's summary")
        if self.unloaded:
            parsed.flag("collection-errors", f"{len(self.unloaded)} files failed to run, first {self.unloaded[0]}")
            if not parsed.results:
                parsed.died = f"no test ran: {self.unloaded[0]} failed to run"
        return parsed


def _by_spelling(listed: Listed) -> dict[str, list[str]]:
    """Return the listed names as the list of failures joins their titles; titles may have either joint in them."""
    names = defaultdict(list)
    for name in listed:
        names[name.replace(JOINT, CHEVRON)].append(name)
    return names


def _can_be(name: str, titles: str) -> bool:
    """Tell whether a failure can be the test of that name: where its titles have ` > `, the name has it too."""
    return all(
        of_name == JOINT or of_list == CHEVRON
        for of_name, of_list in zip(_ANY_JOINT.findall(name), _ANY_JOINT.findall(titles), strict=True)
    )


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of Jest's terminal output; without --verbose it names failures alone."""
    reader = _Reader(listed)
    reader.read(log)
    return reader.finish()


def parse_json(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of `jest --json`; of the terminal output where the log has no such document."""
    book = TitleBook(listed)
    reader = _Reader(listed)
    found = False
    for item in json_documents(log):
        document = item[2]
        if isinstance(document, dict):
            found = _add_document(book, (item[0], item[1]), document) or found
        else:
            reader.feed(item[0], item[1], document)
    return book.parsed if found else reader.finish()


def _add_document(book: TitleBook, place: tuple[int, int], document: dict[str, Any]) -> bool:
    files = document.get("testResults")
    if not isinstance(files, list):
        return False
    for file in files:
        if not isinstance(file, dict):
            continue
        assertions = file.get("assertionResults")
        name = str(file.get("name") or "")
        for test in assertions if isinstance(assertions, list) else []:
            if isinstance(test, dict):
                _add_test(book, place, test, name)
        if file.get("status") == "failed" and not assertions:
            book.parsed.flag("collection-errors", f"{name} failed to run")
    if not book.parsed.results:
        book.parsed.died = "no test ran: no file could be run"
    return True


def _add_test(book: TitleBook, place: tuple[int, int], test: dict[str, Any], file: str) -> None:
    ancestors = test.get("ancestorTitles")
    parents = tuple(str(title) for title in ancestors) if isinstance(ancestors, list) else ()
    title = str(test.get("title") or test.get("fullName") or "")
    status = _STATUSES.get(str(test.get("status")), Status.SKIPPED)
    seen = Observation(status, *place, "json")
    book.add((*(parent for parent in parents if parent), title), seen, file)
    if (full := str(test.get("fullName") or "")) in book.listed:
        book.parsed.qualify(full, seen)
