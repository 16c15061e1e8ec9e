"""pytest's terminal output: `-v` lines, pytest-xdist's lines and the short test summary.

Source of the format: _pytest/terminal.py of pytest 7.0 to 9.2, xdist's and subtests' reporting hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, SEVERITY, Listed, Observation, ParsedLog
from velora_tui.grading.parsers import pytest_lines as lines
from velora_tui.grading.parsers.pytest_summary import Summary, authorities

DEFAULT_WIDTH = 80


@dataclass
class _Report:
    """One `id STATUS` of the progress part; with `-s` the status may be any of several that were printed."""

    name: str
    statuses: list[Observation]
    certain: bool = False
    reason_open: bool = False


class _Reader:
    """Reads a log once; afterwards `reports`, `summaries` and `headings` hold what it shows."""

    def __init__(self, listed: Listed) -> None:
        self.listed = listed
        self.names: set[str] = set()
        self.reports: list[_Report] = []
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
        self.reports.append(_Report(name, [Observation(status, number, offset, rule)], certain=True))

    def _id_line(self, number: int, offset: int, body: str, has_progress: bool) -> None:
        if sub := lines.subtest(body[:4000]):
            self._subtest_line(number, offset, body, sub)
            return
        found = lines.split_report(body, self.known)
        if found is not None and (has_progress or self._is_whole(found[0])):
            name = _without_origin(found[0], self.known)
            seen = [Observation(found[1], number, offset, "verbose")]
            reason_open = not has_progress and " (" in body[len(found[0]) :] and not body.endswith(")")
            report = _Report(name, seen, certain=has_progress, reason_open=reason_open)
            if self.reports and self.reports[-1].name == name and not self.reports[-1].statuses:
                self.unsure.add(name)
        else:
            start = body.removesuffix(" ") if self.workers else lines.split_output(body, self.known)
            name = _without_origin(start, self.known)
            status = None if self.workers else lines.glued_status(body[len(start) :])
            seen = [Observation(status, number, offset, "verbose-output")] if status else []
            report = _Report(name, seen, certain=has_progress and bool(seen))
        self.names.add(name)
        self.reports.append(report)

    def _subtest_line(self, number: int, offset: int, body: str, sub: str) -> None:
        cut = body.find(" SUB") if " SUB" in body else len(body)
        name = lines.split_output(body[:cut], self.known)
        seen = [Observation(Status.FAILED, number, offset, "subtest")] if sub == "FAIL" else []
        self.names.add(name)
        self.reports.append(_Report(name, seen, certain=sub == "FAIL"))

    def _is_whole(self, name: str) -> bool:
        """Tell whether what stands before a status is an id alone, without output of the test."""
        return self.known(name) or lines.split_output(name, self.known) == name

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
            report.statuses.append(Observation(status, number, offset, "verbose-output"))
            report.certain = has_progress


def _without_origin(name: str, known: lines.Known) -> str:
    """Return the id without ` <- path`, which `-vv` adds to tests that another file defines."""
    cut = name.rfind(" <- ")
    if cut == -1 or known(name) or " " in name[cut + 4 :] or name.endswith("]"):
        return name
    return name[:cut]


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a pytest log."""
    reader = _Reader(listed)
    for number, offset, text in log:
        reader.feed(number, offset, text)
    parsed = ParsedLog()
    summaries = authorities(reader.summaries)
    complete = reader.closing is not None and reader.level == 0
    if not log.terminated and not complete:
        _drop_cut_line(summaries)
    _merge(parsed, reader, summaries, complete)
    if not complete:
        _apply_headings(parsed, reader)
    _drop_unsure(parsed, reader, summaries, complete)
    _note(parsed, reader, summaries, complete)
    return parsed


def _drop_cut_line(summaries: list[Summary]) -> None:
    """Drop the last entry of a summary that the end of the log cuts: its id may be cut too."""
    if summaries and summaries[-1].closing is None and summaries[-1].entries:
        summaries[-1].entries.pop()


def _merge(parsed: ParsedLog, reader: _Reader, summaries: list[Summary], complete: bool) -> None:
    """Join both views: the summary decides where the progress part is not certain, else the worst counts."""
    listing = _summary_results(reader, summaries)
    if reader.collected and len(reader.names) >= reader.collected and reader.all_certain():
        listing = {name: seen for name, seen in listing.items() if _is_real(name, reader)}
    for name, seen in _progress_results(reader, complete):
        if name in listing and seen.rule == "verbose-output":
            continue
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen
            if before is not None:
                parsed.flag("duplicate", f"{before.status}, then {seen.status} in line {seen.line}", name)
    for name, seen in listing.items():
        before = parsed.results.get(name)
        if before is None or SEVERITY[seen.status] > SEVERITY[before.status]:
            parsed.results[name] = seen


def _apply_headings(parsed: ParsedLog, reader: _Reader) -> None:
    """Let the headings of the failures count where the summary is cut: errors stand last in it."""
    for name, seen in parsed.results.items():
        failed = reader.failed_headings.get(lines.heading_of(name))
        if failed is not None and SEVERITY[failed.status] > SEVERITY[seen.status]:
            parsed.results[name] = failed


def _is_real(name: str, reader: _Reader) -> bool:
    """Tell whether a name of the summary ran, in a log whose progress part names every test; messages quote others."""
    return name in reader.names or name in reader.listed or "::" not in name


def _summary_results(reader: _Reader, summaries: list[Summary]) -> dict[str, Observation]:
    parsed = ParsedLog()
    for summary in summaries:
        for entry in summary.reports():
            text = entry.text
            if entry.status is Status.XPASS and " - " not in text:  # pytest 7 writes `XPASS id reason`
                text = lines.split_output(text, reader.known)
            name = text if entry.whole else lines.split_message(text, reader.known)
            rule = "subtest" if entry.subtest else "short-summary"
            parsed.add(name, Observation(entry.status, entry.line, entry.offset, rule))
    return parsed.results


def _progress_results(reader: _Reader, complete: bool) -> Iterator[tuple[str, Observation]]:
    last = reader.reports[-1] if reader.reports else None
    for report in reader.reports:
        if not report.statuses:
            continue
        if report.certain:
            yield report.name, max(report.statuses, key=lambda seen: SEVERITY[seen.status])
        elif complete:
            yield report.name, report.statuses[-1]
        elif report is not last or reader.reporting:
            yield report.name, max(report.statuses, key=lambda seen: SEVERITY[seen.status])


def _note(parsed: ParsedLog, reader: _Reader, summaries: list[Summary], complete: bool) -> None:
    if reader.stop is not None:
        parsed.flag("interrupted", reader.stop)
    if not complete and parsed.results:
        parsed.flag("truncated", "the log ends before pytest's last line")
    if len(reader.summaries) > len(summaries):
        parsed.flag("summary-in-output", f"{len(reader.summaries) - len(summaries)} printed by tests, not believed")
    if any(entry.subtest for summary in summaries for entry in summary.entries):
        parsed.flag("subtest-failures", "a test with a failed subtest failed")
    files = [name for name, seen in parsed.results.items() if "::" not in name and seen.status in FAILING]
    if files:
        parsed.flag("collection-errors", f"{len(files)} files could not be collected, first {files[0]}")
    if parsed.results and len(files) == len(parsed.results):
        parsed.died = "no test ran: " + (reader.stop or "collection failed")
    elif not parsed.results:
        parsed.died = reader.error
    if complete and (unnamed := _unnamed_failures(parsed, reader, summaries)):
        parsed.flag("counts-mismatch", f"the last line counts {unnamed} more failures than the log names")


def _drop_unsure(parsed: ParsedLog, reader: _Reader, summaries: list[Summary], complete: bool) -> None:
    """Forget the passes of tests with subtests where a failed subtest would not be named."""
    if complete and not _unnamed_failures(parsed, reader, summaries):
        return
    for name in reader.unsure:
        if name in parsed.results and parsed.results[name].status not in FAILING:
            del parsed.results[name]
            parsed.flag("subtests-unknown", "its subtests' results are not in the log", name)


def _unnamed_failures(parsed: ParsedLog, reader: _Reader, summaries: list[Summary]) -> int:
    """Return how many failures the last line counts beyond those the log names."""
    if reader.closing is None or reader.sessions > 1:
        return 0
    shown = (report.name for report in reader.reports for seen in report.statuses if seen.status is Status.FAILED)
    named = len({*shown, *(name for name, seen in parsed.results.items() if seen.status is Status.FAILED)})
    listed = sum(entry.status is Status.FAILED for summary in summaries for entry in summary.entries)
    return max(0, reader.closing.counts.get("failed", 0) - max(named, listed))


def parse_options(log: LogLines, listed: Listed) -> ParsedLog:
    """As `parse`; ids whose parameter is a path are also known by its last part, as this name's datasets write them."""
    parsed = parse(log, listed)
    for name in parsed.results:
        test, bracket, option = name.removesuffix("]").partition("[")
        if bracket and option.startswith("/") and not option.startswith("//") and "*" not in option:
            parsed.alias(f"{test}[/{option.rpartition('/')[2]}]", name)
    return parsed
