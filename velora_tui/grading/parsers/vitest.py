"""Vitest's verbose, default, tree, dot and minimal reporters.

Source of the format: packages/vitest/src/node/reporters of Vitest 0.34 to 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import Line, LogLines
from velora_tui.grading.parsed import FAILING, Listed, Observation, ParsedLog, observation
from velora_tui.grading.parsers.titles import JOINT, TITLE_LIMIT, TitleBook
from velora_tui.grading.parsers.untold import Untold, add_untold

ALL_TIMED_SINCE = 4
"""The first major version that says how long each test took, but for type checks."""

TODO = "□"  # the mark of tests that have no body, and so no duration
SLOW_MILLISECONDS = 300

_MARKED = re.compile(r"( +)([✓√×✗❯↓✖□]) (.*)$")
_GLUED = re.compile(r"\S ([✓√×✗✖↓]) (\S.*? > .*)$")
_OUTPUT = re.compile(r"(?:.*\S)?(?:stdout|stderr) \| \S")
_FAILED = re.compile(r" FAIL  (.*)$")
_LABELS = re.compile(r"(?:\|.+?\| | \S.*?  )?(?: TS  )?")
"""A project's name, between bars or blanks of a colour of its own, and the mark of a type check."""

_LOCATED = re.compile(r"(\S.*?\.\w+):\d+(?::\d+)?(?= > )")
_NO_RESULT = re.compile(r"(?::\d+:\d+| \d+/\d+| \[queued\])$")
"""How lines of a stack end, and those of the window that a terminal shows during the run."""

_ATTEMPTS = re.compile(r" \((?:initial run|\d+(?:st|nd|rd|th) (?:retry|repeat))(?:, [^()]*)?\)$")
_BANNER = re.compile(r"⎯+ (Failed Tests|Failed Suites|Unhandled Errors)(?: \d+)? ⎯+$")
_DIVIDER = re.compile(r"⎯+\[\d+/\d+\]⎯*$")
_HEAP = r"(?: \d+ MB heap used)?"
_COUNTS = re.compile(rf" \(\d+(?: tests?)?(?: \| [^()]*)?\)(?: \d[\d.]*m?s)?{_HEAP}(?: \[skipped\])?$")
_DURATION = re.compile(rf" (\d+(?:\.\d+)?) ?m?s(?: \((?:retry|repeat) x\d+(?:, repeat x\d+)?\))*{_HEAP}$")
_NOTE = re.compile(rf" (\d+)ms(?: \((?:retry|repeat) x\d+\))*{_HEAP} \[.*\]$")
_RUN = re.compile(r" RUN  v(\d{1,9})\.")
_FILES = re.compile(r" Test Files  .*\(\d+\)$")
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
    TODO: Status.SKIPPED,
}


@dataclass
class _Node:
    """A marked line: a test, or a file or suite when deeper lines follow."""

    indent: int
    text: str
    seen: Observation
    is_todo: bool
    children: bool = False

    def is_test(self) -> bool:
        """Tell whether deeper lines can't belong to it: a suite says how many tests it has."""
        return self.indent > 1 and not self.children and _COUNTS.search(self.text[-200:]) is None


@dataclass
class _Failures:
    """The details at the end, or what a test printed in their form; the last of the log are the true ones."""

    section: str
    failed: dict[str, Observation] = field(default_factory=dict)
    held: list[Line] = field(default_factory=list)  # marked lines: of messages, or results if a test printed the rest
    entry: bool = True  # the next line names a failure
    divided: bool = False  # an entry ended as Vitest ends it


@dataclass
class _Reader:
    book: TitleBook
    stack: list[_Node] = field(default_factory=list)
    failures: _Failures | None = None
    untold: list[Untold] = field(default_factory=list)
    printing: bool = False  # output of a test stands here, up to an empty line
    after_blank: bool = False
    timed: bool = False  # every test that ran has a duration
    checks_types: bool = False
    open: tuple[int, str, Observation] | None = None  # a title that goes on in the next line
    complete: bool = False
    file_failed: bool = False
    failed_before: dict[str, Observation] = field(default_factory=dict)  # in runs before this one

    def feed(self, number: int, offset: int, text: str) -> None:
        after_blank, self.after_blank = self.after_blank, not text
        if " | " in text and _OUTPUT.match(text[:2000]):
            self.printing = True
        elif self.printing:
            self.printing = bool(text)
        elif text[:1] == "⎯" and (found := _BANNER.match(text)):
            self._banner(found[1])
        elif text.startswith("Testing types with "):
            self.checks_types = True
        elif text[:6] == " RUN  " and (found := _RUN.match(text)):
            self._run(int(found[1]))
        elif "Test" in text[:12] and (_FILES.match(text) or _TOTAL.match(text)):
            self.complete = self.complete or "Tests  " in text
            self.file_failed = " failed" in text or ("Tests  " in text and self.file_failed)
        elif self.failures is not None:
            self._failure_line(self.failures, number, offset, text)
        elif not (after_blank and text.startswith("   ❯ ")):  # an annotation
            self._result_line(number, offset, text)

    def _run(self, version: int) -> None:
        """Begin a run, the first or one after the end of another."""
        self.timed = version >= ALL_TIMED_SINCE and not self.checks_types
        if self.failures is not None and self.complete:
            self.failed_before |= self.failures.failed
            self.failures, self.complete = None, False

    def _result_line(self, number: int, offset: int, text: str) -> None:
        before, self.open = self.open, None
        if found := _MARKED.match(text):
            seen = observation(_MARKS[found[2]], number, offset, "report")
            self._titled(len(found[1]), found[3], seen, found[2])
        elif before and text and len(before[1]) < TITLE_LIMIT:
            self._titled(before[0], f"{before[1]}\n{text}", before[2], "✓")
        elif " > " in text and (found := _GLUED.search(text[-2000:])):
            self._glued(found[2], Observation(_MARKS[found[1]], number, offset, "report-glued"))

    def _titled(self, indent: int, text: str, seen: Observation, mark: str) -> None:
        """Read a marked line, or wait for the line that ends it: what has no end was printed by a test."""
        if not self.timed or mark not in "✓×" or _DURATION.search(text[-80:]) or _COUNTS.search(text[-200:]):
            self._marked(indent, text, seen, mark)
        else:
            self.open = (indent, text, seen)

    def _glued(self, text: str, seen: Observation) -> None:
        """Read a listed test behind output without a line end."""
        duration = _DURATION.search(text[-80:])
        for title in (text, text[: len(text) - len(duration[0])] if duration else ""):
            if title in self.book.listed:
                self.book.add((title,), seen)
                return

    def _banner(self, section: str) -> None:
        before = self.failures
        if before is not None and before.divided and section == before.section:
            return  # part of a message
        if before is None or not (before.section == "Failed Suites" or section == "Unhandled Errors"):
            self._results_again()
            self.failures, self.complete = _Failures(section), False
        elif before is not None:
            before.section, before.entry = section, True

    def _results_again(self) -> None:
        """Read on where a test printed what looked like the failures' details."""
        held, self.failures = self.failures.held if self.failures else [], None
        for line in held:
            self._result_line(*line)

    def _failure_line(self, failures: _Failures, number: int, offset: int, text: str) -> None:
        """Read ` FAIL  file > test`, of which one or several begin an entry; others are text of a message."""
        if text[:1] == "⎯" and _DIVIDER.match(text):
            failures.entry = failures.divided = True
        elif found := _FAILED.match(text) if failures.entry else None:
            name = _ATTEMPTS.sub("", self._without_labels(found[1]))
            failures.failed[name] = Observation(Status.FAILED, number, offset, "failure-list")
        elif text:
            failures.entry = False
            if _MARKED.match(text):
                failures.held.append((number, offset, text))

    def _without_labels(self, text: str) -> str:
        """Return the name without its project and without the place of the test in its file."""
        found = _LABELS.match(text) if text[:1] in "| " else None
        name = text[found.end() :] if found else text
        located = _LOCATED.match(name) if ":" in name else None
        return name if located is None or name in self.book.listed else f"{located[1]}{name[located.end() :]}"

    def _marked(self, indent: int, text: str, seen: Observation, mark: str) -> None:
        if seen.status is Status.FAILED and _NO_RESULT.search(text[-40:]):
            return
        while self.stack and (self.stack[-1].indent >= indent or self.stack[-1].is_test()):
            self._close()
        if self.stack:
            self.stack[-1].children = True
        self.stack.append(_Node(indent, self._without_labels(text) if indent == 1 else text, seen, mark == TODO))

    def _close(self) -> None:
        """Record the deepest open line if it is a test."""
        node = self.stack.pop()
        if node.children or (node.indent <= 1 and JOINT not in node.text and _COUNTS.search(node.text)):
            return
        above = tuple(title for parent in self.stack if (title := _COUNTS.sub("", parent.text)))
        text = _SKIPPED.sub("", node.text) if node.seen.status is Status.SKIPPED else node.text
        if above and text.startswith(f"{above[0]}{JOINT}"):
            above = ()  # Vitest 1 repeats the file before each failure
        title = text if node.is_todo else self._title(above, text, node.seen.status)
        depth = (node.indent - self.stack[-1].indent) // 2 - 1 if self.stack else 0
        if depth > 0 and len(above) == 1:
            self.untold.append(Untold(above[0], title, depth, node.seen))
        else:
            self.book.add((*above, title), node.seen)

    def _title(self, above: tuple[str, ...], text: str, status: Status) -> str:
        """Return the title without what follows it: its duration, retries, heap and reason."""
        note = _NOTE.search(text[-2000:]) if status is Status.SKIPPED else None
        suffix = note or _DURATION.search(text[-80:])
        title = self.book.without_duration(above, text, len(text) - len(suffix[0]) if suffix else -1)
        is_slow = suffix is not None and title.endswith(" ") and float(suffix[1]) >= SLOW_MILLISECONDS
        if is_slow and not self.book.is_listed((*above, title)):
            return title[:-1]  # two blanks stand before the duration of a slow test
        return title

    def finish(self) -> ParsedLog:
        if self.failures and self.complete and not (self.file_failed or self.failures.divided):
            self._results_again()
        while self.stack:
            self._close()
        parsed = self.book.parsed
        failed = self.failed_before | (self.failures.failed if self.failures else {})
        for name, seen in failed.items():
            before = parsed.results.get(name)
            if name.endswith("]") and " [ " in name:
                parsed.flag("collection-errors", f"{name.partition(' [ ')[0]} failed to run")
            elif before is None or before.status not in FAILING:
                parsed.results[name] = seen
        add_untold(self.book, self.untold, failed)
        if parsed.results and not self.complete:
            parsed.flag("truncated", "the log ends before Vitest's summary")
        elif not parsed.results and failed:
            parsed.died = "no test ran: test files failed to run"
        return parsed


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of Vitest's terminal output as `file > suite > test`, as its verbose reporter writes them."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    parsed = reader.finish()
    for name, seen in parsed.results.items() if listed else ():
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
