"""PHPUnit: testdox, the lists at the end of its default output, and --debug.

Source of the formats: src/TextUI and src/Util/TestDox (NamePrettifier, CliTestDoxPrinter) of PHPUnit 8 to 11. A testdox
title does not say which test it is of, so it is looked for among the tests a task lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import SEVERITY, Listed, Observation, ParsedLog

_Key = TypeVar("_Key")

_HEADER = re.compile(r"(?P<short>\w[^│]*?)(?: \((?P<full>[\w\\]+)\))?( \[[^\]]*\])?$")
_TITLE = re.compile(r" ([✔✘↩∅☢⚠]) (.*)$")
_DETAIL = re.compile(r"   [│├┐] ?(.*)$")
_SECTION = re.compile(
    r"There (?:was|were) (\d{1,9}) (error|failure|warning|risky test|skipped test|incomplete test)s?:$"
)
_ENTRY = re.compile(r"(\d{1,9})\) (\S+::.+)$")
_ARGUMENTS = re.compile(r"(.*? with data set (?:#\d+|\".*?\"))(?: \(.*)?$")
_CLOSING = re.compile(r"(?:OK \(|Tests: )(\d{1,9})(?: tests?, |, Assertions: \d+)")
_ENDED = re.compile(r"Test '(\S+::.+)' ended$")
_COUNT = re.compile(r"(Errors|Failures|Warnings|Skipped|Incomplete|Risky): (\d{1,9})")
_EVENT = re.compile(r"Test (Passed|Failed|Errored|Skipped|Marked Incomplete|Considered Risky) \((\S+::.+?)\)$")
_ERROR = re.compile(r"[A-Za-z_\\]*(?:Exception|Error)\b(?:: .*)?$")
_DATA_SET = re.compile(r" with data set (?:#?(\d{1,9})|\"(.*)\")(?: \(.*\))?$")
_NO_HEADER = ("Time: ", "PHPUnit ", "Runtime: ", "Test '", "There w", "Summary of")
_WORD = re.compile(r"[^a-z0-9]+")

_MARKS = {
    "✔": Status.PASSED,
    "✘": Status.FAILED,
    "↩": Status.SKIPPED,
    "∅": Status.SKIPPED,
    "☢": Status.FAILED,
    "⚠": Status.FAILED,
}
_SECTIONS = {
    "error": Status.ERROR,
    "failure": Status.FAILED,
    "warning": Status.FAILED,
    "risky test": Status.FAILED,
    "skipped test": Status.SKIPPED,
    "incomplete test": Status.SKIPPED,
}
_EVENTS = {
    "Passed": Status.PASSED,
    "Failed": Status.FAILED,
    "Errored": Status.ERROR,
    "Skipped": Status.SKIPPED,
    "Marked Incomplete": Status.SKIPPED,
    "Considered Risky": Status.FAILED,
}


@dataclass
class _Reader:
    titles: dict[tuple[str, str, str], Observation] = field(default_factory=dict)  # header, full name, title
    names: dict[str, Observation] = field(default_factory=dict)
    short: str = ""
    full: str = ""
    last: tuple[str, str, str] | None = None
    ended: dict[str, tuple[int, int]] = field(default_factory=dict)  # of --debug: where each test ended
    tests: int = 0  # by the last line
    unsuccessful: int = 0
    section: Status | None = None
    entries: int = 0  # of the section, and how many it announces: until then, another heading is text of a message
    announced: int = 0
    after_blank: bool = True
    complete: bool = False

    def feed(self, number: int, offset: int, text: str) -> None:
        if closing := _CLOSING.match(text):
            self.complete, self.tests = True, int(closing[1])
            self.unsuccessful = sum(int(count) for _, count in _COUNT.findall(text[:400]))
        elif text[:6] == "Test '" and (ended := _ENDED.match(text)):
            self.ended[_without_arguments(ended[1])] = (number, offset)
        elif self.short and (title := _TITLE.match(text)):
            self._title(title[1], title[2], number, offset)
        elif self.last is not None and (detail := _DETAIL.match(text)):
            self._detail(detail[1])
        elif self.entries >= self.announced and (section := _SECTION.match(text)):
            self.section, self.entries, self.announced = _SECTIONS[section[2]], 0, int(section[1])
        elif self.section is not None and (entry := _ENTRY.match(text)):
            self._entry(entry, number, offset)
        elif event := _EVENT.match(text):
            _keep(self.names, event[2], Observation(_EVENTS[event[1]], number, offset, "debug-event"))
        elif self.after_blank and text and (header := _HEADER.match(text[:1000])):
            self.short, self.full = ("", "") if text.startswith(_NO_HEADER) else (header["short"], header["full"] or "")
        self.after_blank = not text

    def every_failure_named(self) -> bool:
        """Tell whether the last line is of this run, as all its tests have ended, and counts the failures listed."""
        return self.complete and self.tests == len(self.ended) and self.unsuccessful == len(self.names)

    def _title(self, mark: str, title: str, number: int, offset: int) -> None:
        self.last = (self.short, self.full, title)
        _keep(self.titles, self.last, Observation(_MARKS[mark], number, offset, "testdox"))

    def _detail(self, text: str) -> None:
        """Tell an error from a failure by the first line of its details."""
        if text and self.last is not None:
            seen = self.titles[self.last]
            if seen.status is Status.FAILED and _ERROR.match(text[:400]):
                self.titles[self.last] = seen._replace(status=Status.ERROR)
            self.last = None

    def _entry(self, entry: re.Match[str], number: int, offset: int) -> None:
        if int(entry[1]) == self.entries + 1 and self.section is not None:
            self.entries += 1
            _keep(self.names, _without_arguments(entry[2]), Observation(self.section, number, offset, "list"))


def _without_arguments(name: str) -> str:
    found = _ARGUMENTS.match(name)
    return found[1] if found else name


def _keep(seen: dict[_Key, Observation], name: _Key, new: Observation) -> None:
    if name not in seen or SEVERITY[new.status] > SEVERITY[seen[name].status]:
        seen[name] = new


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a PHPUnit log: by id where the log gives it, else by the one listed id a title fits.

    Incomplete tests are skipped ones; risky tests and tests with warnings have not passed.
    """
    reader = _Reader()
    for line in log:
        reader.feed(*line)
    parsed = ParsedLog()
    for name, seen in reader.names.items():
        parsed.add(name, seen)
    if reader.every_failure_named():  # the rest passed
        for name, place in reader.ended.items():
            if name not in reader.names:
                parsed.add(name, Observation(Status.PASSED, *place, "debug-ended"))
    _add_titles(parsed, reader, _by_key(listed))
    if parsed.results and not reader.complete:
        parsed.flag("truncated", "the log ends before PHPUnit's last line")
    return parsed


def _add_titles(parsed: ParsedLog, reader: _Reader, ids: dict[tuple[str, str], list[str]]) -> None:
    printed: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for place in reader.titles:
        printed.setdefault(_title_key(*place), set()).add(place)
    for (short, full, title), seen in reader.titles.items():
        key = _title_key(short, full, title)
        candidates = ids.get(key) or ids.get(_coloured_key(short, full, title), [])
        if len(candidates) == 1 and len(printed[key]) == 1:
            _keep(parsed.results, candidates[0], seen)
            continue
        for name in candidates:
            parsed.flag("ambiguous-name", f"the title {title!r} fits several tests", name)
        name = f"{short} > {title}"
        _keep(parsed.results, name, seen)


def _by_key(listed: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Return the listed ids `Class::test` by what a testdox title still shows of them."""
    keys: dict[tuple[str, str], list[str]] = {}
    for name in listed:
        owner, separator, test = name.partition("::")
        if not separator:
            continue
        method, data_set = _split_data_set(test)
        method = method[4:] if method.startswith("test") else method
        keys.setdefault((_class_key(owner), _letters(method) + data_set), []).append(name)
    return keys


def _title_key(short: str, full: str, title: str) -> tuple[str, str]:
    shown, data_set = _split_data_set(title)
    return _letters(full or short), _letters(shown) + data_set


def _class_key(owner: str) -> str:
    """Return the letters of a class as the header shows it: without `Test` at its end or start."""
    owner = owner.removeprefix("\\").removesuffix("Test")
    for prefix in ("Tests", "Test"):
        if owner.startswith(prefix) and owner != prefix:
            return _letters(owner.removeprefix(prefix))
    return _letters(owner)


def _split_data_set(test: str) -> tuple[str, str]:
    found = _DATA_SET.search(test) if " with " in test else None
    if found is None:
        return test, ""
    return test[: found.start()], f"|{found[1] or found[2] or ''}"


def _coloured_key(short: str, full: str, title: str) -> tuple[str, str]:
    """Return the key of a title in colour, which names a data set alone and shows its blanks as dots."""
    shown, _, data_set = title.rpartition(" with ")
    return _letters(full or short), f"{_letters(shown)}|{data_set.replace('·', ' ')}"


def _letters(text: str) -> str:
    return _WORD.sub("", text.lower())
