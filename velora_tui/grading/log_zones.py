"""Who says a line of a phase's log: the harness and its tools, or the agent, its commands and the tests.

OpenHands prints "HH:MM:SS - openhands:LEVEL: file.py:LINE - message" of itself, and "HH:MM:SS - ACTION" or
"OBSERVATION" over what the agent does and sees (openhands/core/logger.py). A traceback belongs to whose files it names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class Zone(IntEnum):
    """How far a line can be believed to be the harness's own."""

    CONTENT = 0  # the agent's or the tests': says nothing about the machine
    UNSURE = 1  # what follows a record that tells of no error, or stands before any record
    OURS = 2


@dataclass(frozen=True, slots=True)
class ZonedLine:
    """`text` is without the logger's prefix; `actions` is how many actions of the agent stand above."""

    zone: Zone
    text: str
    actions: int
    is_marked: bool  # whether a record of a logger stands above


_RECORD = re.compile(
    r"(?:Instance \S{1,200} - )?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})? - "
    r"(?:(?P<event>(?:USER_)?(?:ACTION|OBSERVATION)|DETAIL|PLAN)$"
    r"|(?:[\w.]+(?: - |:))?(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)(?: - |: ?|$)"
    r"(?:\w[\w.-]*\.py:\d+(?: - |$))?(?P<text>.*))"
)
_ROOT_RECORD = re.compile(r"(?P<level>WARNING|ERROR|CRITICAL):[\w.]+:(?P<text>.*)")
_EVENT = re.compile(r"(?:USER_)?(?:ACTION|OBSERVATION)$")
_CLASS = re.compile(r"<class '([\w.]{1,120})'>: ")
_SCRIPT = re.compile(
    r"={44}$|(?:\[Agent Controller \S{1,80}\] )?LEVEL \d+ LOCAL STEP \d+ GLOBAL STEP \d+"
    r"|velora: |### OUTPUT FILE: |Cleaning up child processes\.\.\."
    r"|\S*(?:run_full_eval\w*|run_infer|job)\.sh: line \d+: "
)
_PROGRESS = re.compile(r"Instance \S{1,200}: +\d+%\|")  # with the beginning of the agent's patch behind it
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+File "([^"]+)", line \d+')
_HARNESS_FILE = re.compile(
    r"(?:^|/)(?:evaluation/(?:benchmarks|utils)|openhands/(?!poetry/|micromamba/)|run_infer\.py|eval_\w*\.py)"
)
_AGENTS_FILE = re.compile(r"/(?:workspace|testbed|app/repo|saved)/|<(?:stdin|string)>")
_TESTS_BEGIN, _TESTS_END = "Running ", re.compile(r"Tests ended with status -?\d+$")


class ZoneReader:
    """Tells of line after line who says it. `first_line` is the number of the first: a log read from its middle on
    begins in nobody knows whose words."""

    def __init__(self, phase: str, first_line: int) -> None:
        self.has_records = False
        self._has_agent = phase == "trajectory"
        self._has_tests = phase == "evaluation"
        self._unmarked = (
            Zone.UNSURE if self._has_agent else Zone.CONTENT if self._has_tests and first_line > 1 else Zone.OURS
        )
        self._zone = self._unmarked
        self._actions = 0
        self._in_traceback = False
        self._restored = False
        self._level_alone = False

    def read(self, text: str) -> ZonedLine:
        """Return the next line with who says it."""
        text = self._record(text) if self._is_start(text) else self._continued(text)
        zone = Zone.CONTENT if _PROGRESS.match(text) else self._zone
        if text == _TRACEBACK:
            self._in_traceback = True
        return ZonedLine(zone, text, self._actions, self.has_records)

    def _is_start(self, text: str) -> bool:
        return text[:1].isdigit() or text.startswith(("Instance ", "WARNING:", "ERROR:", "CRITICAL:"))

    def _record(self, text: str) -> str:
        match = _RECORD.match(text) or _ROOT_RECORD.match(text)
        if match is None:
            return self._continued(text)
        self.has_records, self._in_traceback = True, False
        groups = match.groupdict()
        if groups.get("event"):
            self._zone = Zone.CONTENT
            self._actions += text.endswith("ACTION")
            return text
        said = _CLASS.sub(r"\1: ", groups["text"], count=1)
        self._level_alone = not said
        self._zone = Zone.OURS if groups["level"] in {"ERROR", "CRITICAL"} else Zone.UNSURE
        return said

    def _continued(self, text: str) -> str:
        if self._level_alone and text.strip():
            self._level_alone = False
            if _EVENT.match(text):
                self._zone = Zone.CONTENT
        if self._zone is Zone.OURS and not self._has_tests:
            return text
        if _SCRIPT.match(text) or _PROGRESS.match(text):
            self._zone, self._in_traceback = Zone.OURS, False
        elif self._in_traceback and (frame := _FRAME.match(text)):
            self._judge_frame(frame[1])
        elif self._has_tests:
            self._mark_tests(text)
        return text

    def _judge_frame(self, path: str) -> None:
        """Take a traceback for the harness's, or leave it the agent's, by the first file that tells."""
        if _AGENTS_FILE.search(path):
            self._in_traceback = False
        elif _HARNESS_FILE.search(path):
            self._zone, self._in_traceback = Zone.OURS, False

    def _mark_tests(self, text: str) -> None:
        """Follow the native evaluation: the tests speak from "Running …" behind "Restoring test files" on."""
        if text == "Restoring test files":
            self._restored = True
        elif self._restored and text.startswith(_TESTS_BEGIN):
            self._zone, self._restored = Zone.CONTENT, False
        elif _TESTS_END.match(text):
            self._zone = Zone.OURS
