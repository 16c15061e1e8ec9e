"""Gradle's test logging.

Source of the format: AbstractTestLogger and TestEventLogger of Gradle 4 to 8 (`testLogging { events … }`).
"""

from __future__ import annotations

import re

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog
from velora_tui.grading.parsers.java_names import JavaBook

_EVENT = re.compile(
    r"(?P<name>[^\s>].* > .*?)(?: (?P<status>PASSED|FAILED|SKIPPED|STARTED|STANDARD_OUT|STANDARD_ERROR))?$"
)
_EXECUTOR = re.compile(r"Gradle Test Run \S+ > (?:Gradle Test Executor \d+ > )?")
_COMPILATION = re.compile(r"Execution failed for task '(\S*[cC]ompile\S*)'")
_WORDS = {"PASSED": Status.PASSED, "FAILED": Status.FAILED, "SKIPPED": Status.SKIPPED}


class _Reader:
    def __init__(self, listed: Listed) -> None:
        self.book = JavaBook(listed)
        self.pending: str | None = None  # a name whose status other output has pushed to the next line
        self.error: str | None = None

    def feed(self, number: int, offset: int, text: str) -> None:
        if text[:1] in {" ", ""}:
            return  # output of tests and traces are indented
        if text in _WORDS and self.pending is not None:
            self._add(self.pending, text, number, offset)
        elif " > " in text[:2000] and not text.startswith("> ") and (found := _EVENT.match(text)):
            self._event(found, number, offset)
        elif self.error is None and (found := _COMPILATION.search(text[:1000])):
            self.error = found[1]

    def _event(self, found: re.Match[str], number: int, offset: int) -> None:
        status = found["status"]
        if status is None:
            self.pending = found["name"]
        elif status in _WORDS:
            self._add(found["name"], status, number, offset)

    def _add(self, name: str, word: str, number: int, offset: int) -> None:
        self.pending = None
        executor = _EXECUTOR.match(name)
        name = name[executor.end() :] if executor else name
        if " > " in name:
            self.book.add(name, Observation(_WORDS[word], number, offset, "event"))


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a Gradle log as `package.Class > test`; it names the events its build asks for."""
    reader = _Reader(listed)
    for line in log:
        reader.feed(*line)
    parsed = reader.book.parsed
    if not parsed.results and reader.error is not None:
        parsed.died = f"no test ran: task {reader.error} failed"
    return parsed
