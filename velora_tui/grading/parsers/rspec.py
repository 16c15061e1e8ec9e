"""RSpec: its documentation format, its lists of failed and pending examples, and its JSON format.

Source of the formats: rspec-core's formatters (documentation, base_text, json) of RSpec 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.json_documents import json_documents
from velora_tui.grading.parsers.titles import TitleBook

GLUES_TRIED = 16

_FAILED = re.compile(r"(.*) \(FAILED - (\d{1,9})\)$")
_PENDING = re.compile(r"(.*) \(PENDING: .*\)$")
_EXAMPLE = re.compile(r"rspec (\S+) # (.*)$")
_CLOSING = re.compile(
    r"(\d{1,9}) examples?, (\d{1,9}) failures?(?:, (\d{1,9}) pending)?(?:, \d+ errors? occurred outside of examples)?$"
)
_OUTSIDE = re.compile(r"An error occurred while loading (\S+?)\.?$")
_NUMBERED = re.compile(r"  \d+\) (.*)$")
_MODULE = re.compile(r"[A-Z]\w*(?:::[A-Z]\w*)*$")
_SECTIONS = ("Failures:", "Pending: (Failures listed here", "Pending:", "Finished in ", "Failed examples:")
_STATUSES = {"passed": Status.PASSED, "failed": Status.FAILED}


@dataclass
class _Node:
    """A printed line: a group, or an example that passed if no deeper line follows."""

    indent: int
    title: str
    line: int
    offset: int
    children: bool = False
    decided: bool = False  # an example that failed or is pending


@dataclass
class _Reader:
    book: TitleBook
    listed: Listed
    stack: list[_Node] = field(default_factory=list)
    left: list[_Node] = field(default_factory=list)  # the groups before the last outermost one: a test may print it
    failed: dict[str, Observation] = field(default_factory=dict)
    pending: dict[str, Observation] = field(default_factory=dict)
    failures: int = 0
    section: str = ""
    heading: _Node | None = None  # in a section: a line that may be a group of another run
    after_blank: bool = True
    examples: int | None = None
    unloaded: str | None = None

    def feed(self, number: int, offset: int, text: str) -> None:
        if text.startswith(_SECTIONS):
            self._section(text)
        elif closing := _CLOSING.match(text):
            self.examples = int(closing[1])
        elif self.section.startswith("Failed examples:") and (found := _EXAMPLE.match(text)):
            self.failed[found[2]] = Observation(Status.FAILED, number, offset, "failed-examples")
        elif self.section.startswith("Pending:") and (found := _NUMBERED.match(text)):
            self.pending[found[1]] = Observation(Status.SKIPPED, number, offset, "pending-list")
        elif text.startswith("An error occurred while loading ") and (found := _OUTSIDE.match(text)):
            self.unloaded = self.unloaded or found[1]
        elif text and (not self.section or self._goes_on(number, offset, text)):
            self._tree_line(number, offset, text)
        self.after_blank = not text

    def _section(self, text: str) -> None:
        """Begin a section; the list of failed examples stands after the counts, and the last one counts."""
        if text.startswith("Failed examples:"):
            if self.examples is None:
                return  # a test printed it
            self.failed.clear()
        elif text.startswith("Pending:"):
            self.pending.clear()
        self.section, self.heading = text, None

    def _goes_on(self, number: int, offset: int, text: str) -> bool:
        """Leave a section for a listed example: a test printed its heading, or another run has begun."""
        indent = len(text) - len(text.lstrip(" "))
        if indent == 0:
            self.heading = _Node(0, text, number, offset) if self.after_blank else None
            return False
        if indent % 2 or not self._is_listed([self.heading] if self.heading else self.stack, indent, text):
            return False
        if self.heading is None:
            self.failed.clear()
            self.pending.clear()
            self.examples = None
        else:
            self._leave(0)
            self.failures = 0
            self._open(self.heading)
        self.section, self.heading = "", None
        return True

    def _tree_line(self, number: int, offset: int, text: str) -> None:
        indent = len(text) - len(text.lstrip(" "))
        if indent % 2 or (indent == 0 and not self.after_blank):
            self._glued(text, number, offset)
            return
        if self.left and not self._is_listed(self.stack, indent, text) and self._is_listed(self.left, indent, text):
            self.stack, self.left = self.left, []
        if (failed := _FAILED.match(text)) and failed[1].strip(" "):
            if int(failed[2]) == self.failures + 1 or self._is_listed(self.stack, indent, text):
                self.failures = int(failed[2])
                self._example(indent, failed[1][indent:], Observation(Status.FAILED, number, offset, "documentation"))
                return
        elif (pending := _PENDING.match(text)) and not self._is_whole(indent, text):
            self._example(indent, pending[1][indent:], Observation(Status.SKIPPED, number, offset, "documentation"))
            return
        self._open(_Node(indent, text[indent:], number, offset))

    def _is_whole(self, indent: int, text: str) -> bool:
        """Tell whether the task lists an example with the whole line as its title."""
        return describe((*_titles(self.stack, indent), text[indent:])) in self.listed

    def _is_listed(self, stack: list[_Node], indent: int, text: str) -> bool:
        """Tell whether the task lists the example of a line, below the groups of the stack."""
        failed = _FAILED.match(text) or _PENDING.match(text)
        title = failed[1].strip(" ") if failed else text[indent:]
        return describe((*_titles(stack, indent), title)) in self.listed

    def _open(self, node: _Node) -> None:
        if node.indent == 0 and self.listed:
            self.left = list(self.stack)
        self._leave(node.indent)
        if node.indent and (not self.stack or self.stack[-1].indent != node.indent - 2):
            return  # deeper than any group: output of a test
        if self.stack:
            self.stack[-1].children = True
        self.stack.append(node)

    def _example(self, indent: int, title: str, seen: Observation) -> None:
        self._leave(indent)
        if self.stack:
            self.stack[-1].children = True
        self._add((*self._titles(), title), seen)

    def _leave(self, indent: int) -> None:
        while self.stack and self.stack[-1].indent >= indent:
            self._close()

    def _close(self) -> None:
        """Close the deepest line: without deeper lines it was an example that passed."""
        titles = self._titles()
        node = self.stack.pop()
        if len(titles) > 1 and (not node.children or self.book.is_listed(titles)):
            self._add(titles, Observation(Status.PASSED, node.line, node.offset, "documentation"))

    def _glued(self, text: str, number: int, offset: int) -> None:
        """Look for a listed example behind output without a line end."""
        groups = self._titles()[:-1] if self.stack and not self.stack[-1].children else self._titles()
        position = text.find("  ")
        for _ in range(GLUES_TRIED):
            if position == -1:
                return
            title = text[position:].lstrip(" ")
            for depth in range(len(groups), 0, -1):
                if self.book.is_listed((*groups[:depth], title)):
                    seen = Observation(Status.PASSED, number, offset, "documentation-glued")
                    self._add((*groups[:depth], title), seen)
                    return
            position = text.find("  ", position + 2)

    def _titles(self) -> tuple[str, ...]:
        return tuple(node.title for node in self.stack)

    def _add(self, titles: tuple[str, ...], seen: Observation) -> None:
        name = describe(titles)
        self.book.parsed.add(name, seen)
        self.book.spell(titles, seen)

    def finish(self) -> ParsedLog:
        if self.examples is None and self.stack:
            self.stack.pop()  # a group whose examples were yet to come looks like an example
        self._leave(0)
        parsed = self.book.parsed
        spelled = {_plain(name): name for name in parsed.results}
        for name, seen in (*self.pending.items(), *self.failed.items()):
            known = spelled.get(_plain(name), name)
            before = parsed.results.get(known)
            if before is None or (seen.status in FAILING and before.status not in FAILING):
                parsed.results[known] = seen
            parsed.alias(name, known)
        self._find_stripped(parsed)
        self._note(parsed)
        return parsed

    def _find_stripped(self, parsed: ParsedLog) -> None:
        """Find listed examples by their words: the documentation format strips the blanks around a title."""
        printed = {" ".join(name.split()): name for name in parsed.results}
        for name in self.listed:
            if name not in parsed.results and (found := printed.get(" ".join(name.split()))):
                parsed.alias(name, found)

    def _note(self, parsed: ParsedLog) -> None:
        if self.unloaded is not None:
            parsed.flag("collection-errors", f"{self.unloaded} could not be loaded")
            if not self.examples:
                parsed.died = f"no test ran: {self.unloaded} could not be loaded"
        if parsed.results and self.examples is None:
            parsed.flag("truncated", "the log ends before RSpec's last line")
        elif self.examples is not None and len(parsed.results) > self.examples:
            parsed.flag("counts-mismatch", f"{len(parsed.results)} examples are named, {self.examples} ran")


def describe(titles: tuple[str, ...]) -> str:
    """Return RSpec's full description: a blank joins the titles, but not a class and its #method."""
    name = ""
    for above, title in zip(("", *titles), titles, strict=False):
        joined = _MODULE.match(above) and title.startswith(("#", ".", "::"))
        name = title if not name else f"{name}{title}" if joined else f"{name} {title}"
    return name


def _titles(stack: list[_Node], indent: int) -> tuple[str, ...]:
    return tuple(node.title for node in stack if node.indent < indent)


def _plain(name: str) -> str:
    return name.replace(" ", "")


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the examples of an RSpec log; the progress format names only those that did not pass."""
    reader = _Reader(TitleBook(listed), listed)
    document = ParsedLog()
    found = False
    for item in json_documents(log):
        content = item[2]
        if isinstance(content, str):
            reader.feed(item[0], item[1], content)
        elif isinstance(content.get("examples"), list):
            found = True
            _add_document(document, listed, item[0], item[1], content)
    return document if found else reader.finish()


def _add_document(parsed: ParsedLog, listed: Listed, number: int, offset: int, document: dict[str, Any]) -> None:
    for example in document["examples"]:
        if not isinstance(example, dict):
            continue
        status = _STATUSES.get(str(example.get("status")), Status.SKIPPED)
        seen = Observation(status, number, offset, "json")
        name = str(example.get("full_description") or example.get("id") or "")
        parsed.add(name, seen)
        for spelling in (str(example.get("id") or ""), str(example.get("description") or "")):
            if spelling in listed:
                parsed.qualify(spelling, seen)
