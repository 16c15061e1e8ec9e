"""pytest's `short test summary info`: its lines, and which one of several is the real one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from velora_tui.domain.report import Status
from velora_tui.grading.parsed import FAILING
from velora_tui.grading.parsers import pytest_lines as lines

_ENTRY = re.compile(r"(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (?:at (?:setup|teardown) of )?(?=\S)")
_FOLDED = re.compile(r"\[(\d{1,9})\] ")


class Entry(NamedTuple):
    """One line of the summary; `text` is what follows the status word."""

    status: Status
    text: str
    line: int
    offset: int
    subtest: bool = False
    whole: bool = False  # no message follows the id


@dataclass
class Summary:
    """A summary that may be pytest's own, or one that a test printed.

    `level` counts the sessions open around it. `broken` means that parts of a report follow which never follow
    the real one; `settled` that a new session began after it was closed.
    """

    level: int
    entries: list[Entry] = field(default_factory=list)
    closing: lines.Closing | None = None
    collected: int | None = None
    folded_skips: int = 0
    stopped: bool = False
    broken: bool = False
    settled: bool = False

    def read(self, number: int, offset: int, text: str) -> None:
        if found := _ENTRY.match(text):
            rest = text[found.end() :]
            if found[1] == "SKIPPED" and (count := _FOLDED.match(rest)):
                self.folded_skips += int(count[1])
            else:
                self.entries.append(Entry(lines.WORDS[found[1]], rest, number, offset, whole=found[1] == "PASSED"))
        elif text.startswith("  reason: ") and self.entries and self.entries[-1].status is Status.XFAIL:
            self.entries[-1] = self.entries[-1]._replace(whole=True)  # pytest before 7.3: the reason on its own line
        elif text.startswith(("SUBFAIL", "[", "(")) and lines.subtest(text[:2000]) == "FAIL":
            self.entries.append(Entry(Status.FAILED, lines.after_subtest(text), number, offset, subtest=True))

    @property
    def credible(self) -> bool:
        """Tell whether this can be pytest's own summary."""
        plausible = self._accounts_for_all()
        return plausible if self.level > 1 else plausible or not self.broken

    def _accounts_for_all(self) -> bool:
        if self.closing is None or self.collected is None:
            return False
        return self.closing.accounts_for(self.collected, self.stopped)

    def reports(self) -> list[Entry]:
        """Return the entries without those that are text of a message.

        Where there are more passes than the last line counts, or the last line is lost: each status is one run of
        lines, so a run between two runs of one failing status is part of a message.
        """
        passed = sum(entry.status is Status.PASSED for entry in self.entries)
        if self.closing is not None and passed <= self.closing.counts.get("passed", 0):
            return self._without_quotes(self.entries)
        runs = [(status, list(run)) for status, run in groupby(self.entries, key=lambda entry: entry.status)]
        kept: list[Entry] = []
        for index, (status, run) in enumerate(runs):
            before = runs[index - 1][0] if index else None
            after = runs[index + 1][0] if index + 1 < len(runs) else None
            if before is None or before != after or before not in FAILING or status in FAILING:
                kept.extend(run)
        return self._without_quotes(kept)

    def _without_quotes(self, entries: list[Entry]) -> list[Entry]:
        """Drop failures of tests that passed where there are more than the last line counts: messages quote them."""
        failed = sum(entry.status is Status.FAILED for entry in entries)
        if self.closing is None or failed <= self.closing.counts.get("failed", 0):
            return entries
        passed = {entry.text for entry in entries if entry.status is Status.PASSED}
        return [
            entry
            for entry in entries
            if entry.subtest or entry.status is not Status.FAILED or entry.text.partition(" - ")[0] not in passed
        ]


def authorities(summaries: list[Summary]) -> list[Summary]:
    """Return the summaries to believe: the last credible one, and those of sessions that ended before it."""
    credible = [summary for summary in summaries if summary.credible]
    if not credible:
        return []
    last = credible[-1]
    return [
        summary
        for summary in credible
        if summary is last
        or (summary.level == last.level and summary.closing and not summary.broken and summary.settled)
    ]
