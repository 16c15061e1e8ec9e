"""What a parser hands back: statuses with their evidence, and what a reader should know about the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from velora_tui.domain.report import Flag, Status

SEVERITY = {
    Status.PASSED: 0,
    Status.XFAIL: 1,
    Status.XPASS: 2,
    Status.SKIPPED: 3,
    Status.FAILED: 4,
    Status.ERROR: 5,
}
"""Where one test has several statuses, the highest counts."""

FAILING = frozenset({Status.FAILED, Status.ERROR})


Listed = Collection[str]
"""The names a task lists; parsers use it to tell ids from what stands around them."""


WHOLE_RULES = frozenset({"verbose", "verbose-output", "event", "json", "json-report", "junit-xml"})
"""Rules that find nothing in a line that is cut: the status stands last, or the line is a whole document."""


class Observation(NamedTuple):
    """One status as the log shows it."""

    status: Status
    line: int
    offset: int
    rule: str


_MAKE: Callable[..., Observation] = tuple.__new__


def observation(status: Status, line: int, offset: int, rule: str) -> Observation:
    """Return an observation, made in half the time that calling the class takes."""
    return _MAKE(Observation, (status, line, offset, rule))


@dataclass
class ParsedLog:
    """The tests of a log by the exact names it prints.

    `aliases` maps other spellings of a name, which the log or the framework gives, to the name; None marks a
    spelling that two tests share. `qualified` has tests by names that also say the package or file, for
    frameworks whose own names recur. `died` says why no test of the log can be graded.
    """

    results: dict[str, Observation] = field(default_factory=dict)
    noted: dict[tuple[str, str | None], Flag] = field(default_factory=dict)
    aliases: dict[str, str | None] = field(default_factory=dict)
    qualified: dict[str, Observation] = field(default_factory=dict)
    died: str | None = None

    def add(self, name: str, seen: Observation) -> None:
        """Record a status; of several for one name the worst counts, and the repetition is flagged."""
        before = self.results.setdefault(name, seen)
        if before is seen:
            return
        if ("duplicate", name) not in self.noted:
            detail = f"{before.status} in line {before.line}, {seen.status} in line {seen.line}"
            self.flag("duplicate", detail, name)
        if SEVERITY[seen.status] > SEVERITY[before.status]:
            self.results[name] = seen

    def add_all(self, found: Mapping[str, Observation]) -> None:
        """Record many statuses, as `add` does one after the other."""
        if self.results.keys().isdisjoint(found):
            self.results.update(found)
        else:
            for name, seen in found.items():
                self.add(name, seen)

    def qualify(self, name: str, seen: Observation) -> None:
        """Record a status under a name that also says where the test is; the worst counts."""
        before = self.qualified.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            self.qualified[name] = seen

    def flag(self, flag_id: str, detail: str, test: str | None = None) -> None:
        """Note something for the reader; once for each test is enough."""
        if (flag_id, test) not in self.noted:
            self.noted[flag_id, test] = Flag(id=flag_id, detail=detail, test=test)

    def alias(self, spelling: str, name: str) -> None:
        """Record another spelling of `name`; one that two tests share stands for neither."""
        if spelling and spelling != name:
            self.aliases[spelling] = name if self.aliases.get(spelling, name) == name else None

    def drop_line(self, line: int) -> None:
        """Forget what does not fail in the line where the log is cut: its name or its status may be cut too."""
        for found in (self.results, self.qualified):
            for name in [name for name, seen in found.items() if seen.line == line and seen.status not in FAILING]:
                if found[name].rule not in WHOLE_RULES:
                    del found[name]

    def has_failures(self) -> bool:
        return any(seen.status in FAILING for seen in self.results.values())


def count_statuses(observations: Iterable[Observation]) -> dict[Status, int]:
    counts = dict.fromkeys(SEVERITY, 0)
    for seen in observations:
        counts[seen.status] += 1
    return counts
