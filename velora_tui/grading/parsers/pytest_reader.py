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
        self.workers = False
        self.unsure: set[str] = set()  # tests with subtests whose results stand elsewhere
        self.reporting = False  # the sections after the progress part have begun
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
        elif self.level == 0 and first in {"E", "I"}:
            self._error_line(text)

    def _banner(self, title: str, width: int) -> None:
        if title == "test session starts":
            self._session_start(width)
        elif title == "short test summary info":
            self._break_latest()
            self.open = Summary(self.level, collected=self.collected)
            self.summaries.append(self.open)
            self.reporting = self.reporting or self.level <= 1
        elif (counts := lines.closing(title)) is not None:
            self._close(counts)
        elif not title.startswith("warnings summary"):
            self._break_latest()
            self.section = title if self.level <= 1 else self.section
            self.reporting = self.reporting or (self.level <= 1 and width >= self.width - 1)

    def _session_start(self, width: int) -> None:
        if self.open is not None:
            self._break_latest()
        if self.level == 0:
            if self.summaries and self.summaries[-1].closing:
                self.summaries[-1].settled = True
            self.sessions += 1
            self.reporting, self.collected, self.width = False, None, width
        self.level += 1
        self.open = None

    def _quiet_start(self) -> None:
        """Open a session of `pytest -q`, which shows itself by its progress alone."""
        if self.summaries and self.summaries[-1].closing:
            self.summaries[-1].settled = True
        self.sessions += 1
        self.level, self.reporting, self.collected = 1, False, None

    def _close(self, counts: lines.Closing) -> None:
        if self.open is not None:
            self.open.closing = counts
            self.open.stopped = self.stop is not None
            self.open = None
        if self.level <= 1:
            self.closing = counts
        self.level = max(0, self.level - 1)

    def _quiet_closing(self, first: str, text: str) -> bool:
        """Handle the last line of `pytest -q`, which has no `=` around it."""
        if not (first.isdigit() or first == "n") or (counts := lines.closing(text)) is None:
            return False
        self._close(counts)
        return True

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
        body, has_progress = lines.strip_progress(text)
        if text[:3] == "[gw" and (rest := lines.worker_report(text)) is not None:
            self._worker_line(number, offset, rest)
        elif lines.starts_with_id(body):
            self._id_line(number, offset, body, has_progress)
        elif self.reports and body:
            self._output_line(number, offset, body, has_progress)
        if (total := lines.collected(text)) is not None:
            self.collected, self.workers = total
        elif self.level == 0 and lines.is_dots(text):
            self._quiet_start()
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
            report = Report(name, seen, certain=has_progress, reason_open=reason_open)
            if self.reports and self.reports[-1].name == name and not self.reports[-1].statuses:
                self.unsure.add(name)
        else:
            start = body.removesuffix(" ") if self.workers else lines.split_output(body, self.known)
            name = _without_origin(start, self.known)
            status = None if self.workers else lines.glued_status(body[len(start) :])
            seen = [Observation(status, number, offset, "verbose-output")] if status else []
            report = Report(name, seen, certain=has_progress and bool(seen))
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
        if status := lines.glued_status(body):
            if has_progress:
                report.statuses.clear()  # what stood before was output
            report.statuses.append(Observation(status, number, offset, "verbose-output"))
            report.certain = has_progress


def _without_origin(name: str, known: lines.Known) -> str:
    """Return the id without ` <- path`, which `-vv` adds to tests that another file defines."""
    cut = name.rfind(" <- ")
    if cut == -1 or known(name) or " " in name[cut + 4 :] or name.endswith("]"):
        return name
    return name[:cut]
