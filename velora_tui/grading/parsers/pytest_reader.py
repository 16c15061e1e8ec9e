"""Reads a pytest log once: the progress part, the headings of failures, every summary."""

from __future__ import annotations

from dataclasses import dataclass

from velora_tui.domain.report import Status
from velora_tui.grading.parsed import Listed, Observation
from velora_tui.grading.parsers import pytest_lines as lines
from velora_tui.grading.parsers.pytest_summary import Summary

DEFAULT_WIDTH = 80


@dataclass
class Report:
    """One `id STATUS` of the progress part; with `-s` the status may be any of several that were printed."""

    name: str
    statuses: list[Observation]
    certain: bool = False
    reason_open: bool = False


class Reader:
    """Reads a log once; afterwards `reports`, `summaries` and `headings` hold what it shows."""

    def __init__(self, listed: Listed) -> None:
        self.listed = listed
        self.names: set[str] = set()
        self.reports: list[Report] = []
        self.summaries: list[Summary] = []
        self.headings: set[str] = set()
        self.failed_headings: dict[str, Observation] = {}  # of the sections ERRORS and FAILURES
        self.section = ""
        self.level = 0
        self.sessions = 0
        self.width = DEFAULT_WIDTH
        self.collected: int | None = None
        self.selected = 0  # of those, the tests that are to run
        self.share = 0  # of the tests that have run, by the last line that showed it
        self.doubted = 0  # a share larger than can have run
        self.behind = False  # the last line showed such a one
        self.bare = False  # no shares are shown
        self.shares = False  # they are
        self.verbose = False  # the progress part shows ids with their status
        self.dots = 0  # the tests of a session that shows its progress alone
        self.workers = False
        self.unsure: set[str] = set()  # tests with subtests whose results stand elsewhere
        self.reporting = False  # the sections after the progress part have begun
        self.pending = False  # when they began, the last test had no status yet
        self.open: Summary | None = None
        self.closing: lines.Closing | None = None
        self.stop: str | None = None
        self.error: str | None = None

    def known(self, name: str) -> bool:
        return name in self.listed or name in self.names or self._has_heading(name)

    def _has_heading(self, name: str) -> bool:
        return bool(self.headings) and lines.heading_of(name) in self.headings

    def all_certain(self) -> bool:
        return all(report.certain or not report.statuses for report in self.reports)

    def feed(self, number: int, offset: int, text: str) -> None:
        first = text[:1]
        if first == "=" and (title := lines.banner(text)) is not None:
            self._banner(title, len(text))
        elif self.reporting and self.level == 1 and self._is_next(text):
            self._resume(number, offset, text)
        elif self.open is not None and self._quiet_closing(first, text):
            return
        elif first == "!":
            self._stop(text)
        elif self.open is not None:
            self._summary_line(number, offset, text)
        elif not self.reporting and self.level <= 1:
            self._progress_line(number, offset, text)
        elif first in {"_", "-"}:
            self._heading(number, offset, text)
        elif self.level == 0 and text[-1:] == "]" and lines.is_dots(text):
            self._quiet_start()
            self._count_dots(text)
        elif self.level == 0 and first in {"E", "I"}:
            self._error_line(text)

    def _banner(self, title: str, width: int) -> None:
        if title == "test session starts":
            self._session_start(width)
        elif title == "short test summary info":
            self._break_latest()
            self.open = Summary(self.level, collected=self.collected)
            self.summaries.append(self.open)
            self._report_begins(self.level <= 1)
        elif (counts := lines.closing(title)) is not None:
            self._close(counts)
        elif not title.startswith("warnings summary"):
            self._break_latest()
            self.section = title if self.level <= 1 else self.section
            self._report_begins(self.level <= 1 and width >= self.width - 1)

    def _report_begins(self, believable: bool) -> None:
        if believable and not self.reporting:
            self.reporting = True
            self.pending = self.verbose and not self.reports[-1].statuses

    def _session_start(self, width: int) -> None:
        if self.open is not None:
            self._break_latest()
        if self.level == 0:
            if self.summaries and self.summaries[-1].closing:
                self.summaries[-1].settled = True
            self.sessions += 1
            self.reporting, self.collected, self.selected, self.width = False, None, 0, width
            self.dots = self.share = self.doubted = 0
            self.bare = self.shares = False
        self.level += 1
        self.open = None

    def _quiet_start(self) -> None:
        """Open a session of `pytest -q`, which shows itself by its progress alone."""
        if self.summaries and self.summaries[-1].closing:
            self.summaries[-1].settled = True
        self.sessions += 1
        self.level, self.reporting, self.collected, self.dots = 1, False, None, 0

    def _count_dots(self, text: str) -> None:
        self.dots += lines.count_dots(text)
        if text.endswith("[100%]"):
            self.collected = self.dots

    def _close(self, counts: lines.Closing) -> None:
        if self.open is not None:
            self.open.closing = counts
            self.open.stopped = self.stop is not None
            self.open = None
        if self.level == 1 and self.collected and not counts.accounts_for(self.collected, self.stop is not None):
            return  # a test printed it
        if self.level <= 1:
            self.closing = counts
        self.level = max(0, self.level - 1)

    def _quiet_closing(self, first: str, text: str) -> bool:
        """Handle the last line of `pytest -q`, which has no `=` around it."""
        if not (first.isdigit() or first == "n") or (counts := lines.closing(text)) is None:
            return False
        self._close(counts)
        return True

    def _is_next(self, text: str) -> bool:
        """Tell whether the line reports the test that is due: what seemed to end the progress part was printed."""
        if not self.verbose or len(self.names) >= self.selected:
            return False
        if (share := lines.share(text)) is None:
            return self.pending and (text in lines.WORDS or lines.starts_with_id(text))
        if not self._fits(share, self.share, 1):
            return False
        if self.reports[-1].certain:
            return text[:3] == "[gw" or lines.starts_with_id(text)
        return lines.glued_status(lines.strip_progress(text)[0]) is not None

    def _is_printed(self, text: str) -> bool:
        """Tell whether a test that has no status yet printed the line, by a share that no test can have now."""
        if not self.selected or not self.reports or self.reports[-1].certain:
            return False
        share = lines.share(text)
        return share is not None and not self._fits(share, self.share, 2)

    def _follow(self, share: lines.Share) -> None:
        """Take note of a share; one that is too large is believed when another follows it."""
        self.behind = not (self._fits(share, self.share, 2) or self._fits(share, self.doubted, 2))
        if self.behind:
            self.doubted = share.number
        else:
            self.share = share.number

    def _fits(self, share: lines.Share, before: int, steps: int) -> bool:
        """Tell whether pytest can print this share when `steps` more tests, at most, have run than `before` says."""
        if share.total is not None:
            return share.total == self.selected and before <= share.number <= before + steps
        most = -(-(before + 1) * self.selected // 100) - 1 + steps
        return (
            before <= share.number <= most * 100 // self.selected
            and -(-share.number * self.selected // 100) * 100 // self.selected == share.number
        )

    def _resume(self, number: int, offset: int, text: str) -> None:
        self._break_latest()
        self.reporting, self.pending, self.section = False, False, ""
        self._progress_line(number, offset, text)

    def _break_latest(self) -> None:
        if self.summaries and not self.summaries[-1].settled:
            self.summaries[-1].broken = True
        self.open = None

    def _stop(self, text: str) -> None:
        title = text.strip("!")
        if title[:1] == " " == title[-1:]:
            self.stop = title.strip()

    def _heading(self, number: int, offset: int, text: str) -> None:
        title = lines.heading(text, self.width)
        if title is None:
            return
        if text[0] == "_":
            self.headings.add(title)
            if self.section in {"ERRORS", "FAILURES"} and self.level <= 1:
                test, status = lines.failed_test(title)
                self.failed_headings.setdefault(test, Observation(status, number, offset, "failure-heading"))
        if title != "generated xml file":
            self._break_latest()

    def _error_line(self, text: str) -> None:
        if self.error is None and text.startswith(("ERROR: ", "ImportError while loading", "INTERNALERROR>")):
            self.error = text[:200]

    def _summary_line(self, number: int, offset: int, text: str) -> None:
        assert self.open is not None
        if text[:1] in {"_", "-"} and lines.heading(text, self.width) is not None:
            self._heading(number, offset, text)
        else:
            self.open.read(number, offset, text)

    def _progress_line(self, number: int, offset: int, text: str) -> None:
        body, has_progress = (text, False) if self.bare else lines.strip_progress(text)
        printed = has_progress and self._is_printed(text)
        if has_progress and self.selected and not printed and (share := lines.share(text)):
            self._follow(share)
        if text[:3] == "[gw" and (rest := lines.worker_report(text)) is not None:
            self._worker_line(number, offset, rest)
        elif not printed and lines.starts_with_id(body):
            self._id_line(number, offset, body, has_progress)
        elif self.reports and body:
            self._output_line(number, offset, body, has_progress and not printed)
        if self.collected is None and (total := lines.collected(text)) is not None:
            self.collected, self.selected, self.workers = total
        elif self.collected is None and lines.is_dots(text):
            if self.level == 0:
                self._quiet_start()
            self._count_dots(text)
        self._error_line(text)

    def _worker_line(self, number: int, offset: int, rest: str) -> None:
        """Read `STATUS id `; a worker's start may be glued to it."""
        if sub := lines.subtest(rest[:2000]):
            if sub == "FAIL":
                self._report(lines.after_subtest(rest), Status.FAILED, number, offset, "xdist-subtest")
            return
        word, _, name = rest.partition(" ")
        if word in lines.WORDS and "::" in name:
            self._report(lines.split_output(name, self.known), lines.WORDS[word], number, offset, "xdist")

    def _report(self, name: str, status: Status, number: int, offset: int, rule: str) -> None:
        name = _without_origin(name.removesuffix(" "), self.known)
        self.names.add(name)
        self.verbose = True
        self.reports.append(Report(name, [Observation(status, number, offset, rule)], certain=True))

    def _id_line(self, number: int, offset: int, body: str, has_progress: bool) -> None:
        if sub := lines.subtest(body[:4000]):
            self._subtest_line(number, offset, body, sub)
            return
        found = lines.split_report(body, self.known)
        if has_progress and found is not None and self._is_glued(found[0]):
            found = None
        if found is not None and (has_progress or self._is_whole(found[0])):
            name = _without_origin(found[0], self.known)
            seen = [Observation(found[1], number, offset, "verbose")]
            reason_open = not has_progress and " (" in body[len(found[0]) :] and not body.endswith(")")
            again = bool(self.reports) and self.reports[-1].name == name and not self.reports[-1].statuses
            report = Report(name, seen, certain=has_progress and not again, reason_open=reason_open)
            self.bare = self.bare or not (self.verbose or has_progress or reason_open)
            self.shares = self.shares or has_progress
            if again:
                self.unsure.add(name)
        else:
            start = body.removesuffix(" ") if self.workers else lines.split_output(body, self.known)
            name = _without_origin(start, self.known)
            status = None if self.workers or (has_progress and self.behind) else lines.glued_status(body[len(start) :])
            seen = [Observation(status, number, offset, "verbose-output")] if status else []
            report = Report(name, seen, certain=has_progress and bool(seen))
        self.verbose = self.verbose or bool(report.statuses)
        self.names.add(name)
        self.reports.append(report)

    def _subtest_line(self, number: int, offset: int, body: str, sub: str) -> None:
        cut = body.find(" SUB") if " SUB" in body else len(body)
        name = lines.split_output(body[:cut], self.known)
        seen = [Observation(Status.FAILED, number, offset, "subtest")] if sub == "FAIL" else []
        self.names.add(name)
        self.reports.append(Report(name, seen, certain=sub == "FAIL"))

    def _is_whole(self, name: str) -> bool:
        """Tell whether what stands before a status is an id alone, without output of the test."""
        return self.known(name) or lines.split_output(name, self.known) == name

    def _is_glued(self, name: str) -> bool:
        """Tell whether a listed id and output stand before the status, as with --capture=tee-sys."""
        if name in self.listed or not self.listed:
            return False
        start = lines.split_output(name, self.listed.__contains__)
        return start in self.listed and start not in self.names

    def _output_line(self, number: int, offset: int, body: str, has_progress: bool) -> None:
        """Read a line that stands between an id and the next: with `-s` the status may be at its end."""
        report = self.reports[-1]
        if report.certain:
            if lines.subtest(body[-400:]) == "FAIL":
                report.statuses.append(Observation(Status.FAILED, number, offset, "subtest"))
            return
        if report.reason_open:
            report.reason_open = not (has_progress or body.endswith(")"))
            report.certain = has_progress
            return
        self.bare = self.bare or (body in lines.WORDS and not has_progress and not self.shares)
        if status := lines.glued_status(body):
            if has_progress:
                self.shares = True
                report.statuses.clear()  # what stood before was output
            report.statuses.append(Observation(status, number, offset, "verbose-output"))
            report.certain = has_progress


def _without_origin(name: str, known: lines.Known) -> str:
    """Return the id without ` <- path`, which `-vv` adds to tests that another file defines."""
    cut = name.rfind(" <- ")
    if cut == -1 or known(name) or " " in name[cut + 4 :] or name.endswith("]"):
        return name
    return name[:cut]
