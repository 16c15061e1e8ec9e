"""The JUnit Platform's ConsoleLauncher: its tree, in unicode and in ascii, and its verbose details.

Source of the format: org.junit.platform.console.tasks.TreePrinter, VerboseTreePrintingListener and Theme, 1.4 to 1.12.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog
from velora_tui.grading.parsers.java_names import JavaBook, key, without_package
from velora_tui.grading.parsers.titles import JOINT

_BRANCH = re.compile(r"([│| ]*)(?:\+--|'--|├─|└─) (.*)$")
_MARK = re.compile(r" (\[OK\]|\[X\]|\[S\]|\[A\]|✔|✘|↷|■)(?= |$)")
_FAILURE = re.compile(r"  (JUnit [^:]+(?::.+)?)$")
_SOURCE = re.compile(
    r"    MethodSource \[className = '([^']+)', methodName = '([^']+)', methodParameterTypes = '([^']*)'\]"
)
_DETAIL = re.compile(r".*[│|] +(uniqueId|status): (.*)$")
_SEGMENT = re.compile(r"\[([\w-]+):((?:[^\[\]]|\[\])*)\]")
_QUALIFIED = re.compile(r"(?:\w+\.)+(?=\w)")
_TOTALS = re.compile(r"\[ +(\d{1,9}) tests (found|successful|failed) +\]")
_MARKS = {
    "[OK]": Status.PASSED,
    "✔": Status.PASSED,
    "[X]": Status.FAILED,
    "✘": Status.FAILED,
    "[S]": Status.SKIPPED,
    "↷": Status.SKIPPED,
    "[A]": Status.SKIPPED,
    "■": Status.SKIPPED,
}
_VERBOSE = {"SUCCESSFUL": Status.PASSED, "FAILED": Status.FAILED, "ABORTED": Status.SKIPPED, "SKIPPED": Status.SKIPPED}


@dataclass
class _Node:
    """A line of the tree; deeper lines make it a container."""

    column: int
    text: str
    line: int
    offset: int
    parents: tuple[_Node, ...]
    ordinal: int  # among its siblings, from 1
    children: int = 0


@dataclass
class _Reader:
    book: JavaBook
    nodes: list[_Node] = field(default_factory=list)
    path: list[_Node] = field(default_factory=list)
    failures: set[tuple[str, ...]] = field(default_factory=set)
    sources: dict[tuple[str, ...], str] = field(default_factory=dict)
    failure: tuple[str, ...] | None = None
    stopped: dict[str, Observation] = field(default_factory=dict)  # what did not pass and has nothing below it
    listing: bool = False
    unique_id: str = ""  # of verbose details: the test whose status comes next
    verbose: bool = False
    totals: dict[str, int] = field(default_factory=dict)

    def feed(self, number: int, offset: int, text: str) -> None:
        if text.startswith("Failures ("):
            self.listing = True
        elif found := _TOTALS.match(text):
            self.totals[found[2]] = int(found[1])
        elif self.listing:
            self._failure_line(text)
        elif detail := _DETAIL.match(text):
            self._detail(detail[1], detail[2], number, offset)
        elif found := _BRANCH.match(text):
            self._branch(len(found[1]), found[2], number, offset)

    def _branch(self, column: int, text: str, number: int, offset: int) -> None:
        step = 3 if self.path and column - self.path[-1].column == 3 else 2
        if (not self.path and column) or (self.path and column > self.path[-1].column + step):
            return  # part of a message: no child stands so deep
        while self.path and self.path[-1].column >= column:
            self.path.pop()
        ordinal = 0
        if self.path:
            self.path[-1].children += 1
            ordinal = self.path[-1].children
        node = _Node(column, text, number, offset, tuple(self.path), ordinal)
        self.path.append(node)
        self.nodes.append(node)

    def _detail(self, field_name: str, value: str, number: int, offset: int) -> None:
        """Read verbose details, which name each test exactly."""
        if field_name == "uniqueId":
            self.unique_id, self.verbose = value, True
        elif self.unique_id and (status := _VERBOSE.get(value.rpartition(" ")[2])):
            name = _name(self.unique_id)
            self.unique_id = ""
            if "." in name:
                self.book.add(name, Observation(status, number, offset, "details"))
            if status is not Status.PASSED:
                self.stopped[key(name)] = Observation(status, number, offset, "container")

    def _failure_line(self, text: str) -> None:
        if found := _FAILURE.match(text):
            self.failure = tuple(found[1].split(":"))
            self.failures.add(self.failure)
        elif self.failure is not None and (source := _SOURCE.match(text)):
            self.sources[self.failure] = f"{source[1]}.{source[2]}"
            self.failure = None

    def finish(self) -> ParsedLog:
        for node in self.nodes:
            if node.parents and not node.children and not self.verbose:
                self._decide(node)
        parsed = self.book.parsed
        self._spread(parsed)
        if parsed.results and not self.totals:
            parsed.flag("truncated", "the log ends before the launcher's totals")
        return parsed

    def _decide(self, node: _Node) -> None:
        above = tuple(_title(parent.text) for parent in node.parents)
        title, status = self._split(above, node.text)
        if status is None:
            return
        if status is not Status.PASSED:
            seen = Observation(status, node.line, node.offset, "container")
            self.stopped[".".join((*above[1:], title))] = seen
        titles = (*above[1:], title)  # without the engine
        spellings = [".".join(titles)]
        if len(titles) > 1 and titles[-2].endswith(")"):  # an invocation of a method, known by its number
            spellings.append(f"{'.'.join(titles[:-1])}[{node.ordinal}]")
        if source := self.sources.get((*above, title)):
            spellings.append(source)
        self.book.add(JOINT.join(titles), Observation(status, node.line, node.offset, "tree"), spellings)

    def _spread(self, parsed: ParsedLog) -> None:
        """Give the status of a class that was skipped or failed before its tests to those the task lists of it."""
        classes = self.book.classes() if self.stopped else {}
        short = Counter(without_package(owner) for owner in classes)
        for owner, names in classes.items():
            seen = self.stopped.get(owner)
            if seen is None and short[without_package(owner)] == 1:
                seen = self.stopped.get(without_package(owner))
            for name in names if seen else ():
                if seen and name not in parsed.results and name not in parsed.qualified:
                    parsed.qualify(name, seen)

    def _split(self, above: tuple[str, ...], text: str) -> tuple[str, Status | None]:
        """Split `title mark message`; title and message may look like a mark, so the list of failures decides."""
        marks = list(_MARK.finditer(text[:4000]))
        if not marks:
            return text, None
        for mark in marks:
            if (*above, text[: mark.start()]) in self.failures:
                return text[: mark.start()], _MARKS[mark[1]]
        others = [mark for mark in marks if _MARKS[mark[1]] is not Status.PASSED]
        if self.totals:
            others = [mark for mark in others if _MARKS[mark[1]] is not Status.FAILED]
        chosen = others[0] if others else marks[-1]
        return text[: chosen.start()], _MARKS[chosen[1]]


def _title(text: str) -> str:
    """Return a container's title without its mark."""
    marks = list(_MARK.finditer(text[:4000]))
    return text[: marks[-1].start()] if marks else text


def _name(unique_id: str) -> str:
    """Return `demo.CalcTest$Inner.method(Type)[1]`, as JUnit's XML reports name a test, from its unique id."""
    name = ""
    for kind, value in _SEGMENT.findall(unique_id):
        if kind in {"class", "runner"}:
            name = value
        elif kind == "nested-class":
            name += f"${value}"
        elif value.startswith("#"):
            name += f"[{value[1:]}]"
        elif kind != "engine":
            method, opening, types = value.partition("(")
            name += f".{method}{opening}{_QUALIFIED.sub('', types)}"
    return name


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of the console launcher's tree as `Class > test()`; containers are no tests."""
    reader = _Reader(JavaBook(listed))
    for line in log:
        reader.feed(*line)
    return reader.finish()
