"""pytest's terminal output: `-v` lines, pytest-xdist's lines and the short test summary.

Source of the format: _pytest/terminal.py of pytest 7.0 to 9.2, xdist's and subtests' reporting hooks.
"""

from __future__ import annotations

from collections.abc import Iterator

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import FAILING, SEVERITY, Listed, Observation, ParsedLog
from velora_tui.grading.parsers import pytest_lines as lines
from velora_tui.grading.parsers.pytest_reader import Reader
from velora_tui.grading.parsers.pytest_summary import Summary, authorities


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of a pytest log."""
    reader = Reader(listed)
    for number, offset, text in log:
        reader.feed(number, offset, text)
    parsed = ParsedLog()
    summaries = authorities(reader.summaries)
    complete = reader.closing is not None and reader.level == 0
    if not log.terminated and not complete:
        _drop_cut_line(summaries)
    _merge(parsed, reader, summaries, complete)
    if not complete or _unlisted_failures(reader, summaries):
        _apply_headings(parsed, reader)
    if not complete and len(reader.names) < reader.selected:
        _drop_last_pass(parsed, log.count)
    _drop_unsure(parsed, reader, summaries, complete)
    _note(parsed, reader, summaries, complete)
    return parsed


def _drop_cut_line(summaries: list[Summary]) -> None:
    """Drop the last entry of a summary that the end of the log cuts: its id may be cut too."""
    if summaries and summaries[-1].closing is None and summaries[-1].entries:
        summaries[-1].entries.pop()


def _drop_last_pass(parsed: ParsedLog, line: int) -> None:
    """Forget a pass in the last line of a log that is cut: an error of the tear-down would stand in the next."""
    for name in [name for name, seen in parsed.results.items() if seen.line == line and seen.status is Status.PASSED]:
        del parsed.results[name]


def _merge(parsed: ParsedLog, reader: Reader, summaries: list[Summary], complete: bool) -> None:
    """Join both views: the summary decides where the progress part is not certain, else the worst counts."""
    listing = _summary_results(reader, summaries)
    every_failure_listed = complete and reader.sessions == 1 and not _unlisted_failures(reader, summaries)
    if reader.collected and len(reader.names) >= reader.collected and reader.all_certain():
        listing = {name: seen for name, seen in listing.items() if _is_real(name, reader)}
    printed: dict[str, Observation] = {}
    for name, seen in _progress_results(reader, complete):
        if name in listing and seen.rule == "verbose-output":
            continue
        if every_failure_listed and seen.status in FAILING and not _fails(listing.get(name)):
            printed.setdefault(name, seen)
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
    for name, seen in printed.items():
        parsed.results.setdefault(name, seen)


def _fails(seen: Observation | None) -> bool:
    return seen is not None and seen.status in FAILING


def _unlisted_failures(reader: Reader, summaries: list[Summary]) -> bool:
    """Tell whether the last line counts more errors or failures than the summary lists, as with `-rp`."""
    counts = reader.closing.counts if reader.closing else {}
    entries = [entry.status for summary in summaries for entry in summary.entries]
    errors = counts.get("errors", 0) + counts.get("error", 0)
    return errors > entries.count(Status.ERROR) or counts.get("failed", 0) > entries.count(Status.FAILED)


def _apply_headings(parsed: ParsedLog, reader: Reader) -> None:
    """Let the headings of the failures count where the summary is cut, or does not list them."""
    for name, seen in parsed.results.items():
        failed = reader.failed_headings.get(lines.heading_of(name))
        if failed is not None and SEVERITY[failed.status] > SEVERITY[seen.status]:
            parsed.results[name] = failed


def _is_real(name: str, reader: Reader) -> bool:
    """Tell whether a name of the summary ran, in a log whose progress part names every test; messages quote others."""
    return name in reader.names or name in reader.listed or "::" not in name


def _summary_results(reader: Reader, summaries: list[Summary]) -> dict[str, Observation]:
    parsed = ParsedLog()
    for summary in summaries:
        for entry in summary.reports():
            split = lines.split_reason if entry.status is Status.XPASS else lines.split_message
            name = entry.text if entry.whole else split(entry.text, reader.known)
            rule = "subtest" if entry.subtest else "short-summary"
            parsed.add(name, Observation(entry.status, entry.line, entry.offset, rule))
    return parsed.results


def _progress_results(reader: Reader, complete: bool) -> Iterator[tuple[str, Observation]]:
    last = reader.reports[-1] if reader.reports else None
    for report in reader.reports:
        if not report.statuses:
            continue
        worst = max(report.statuses, key=lambda seen: SEVERITY[seen.status])
        if report.certain:
            yield report.name, worst
        elif (
            report is last
            and worst.status not in FAILING
            and (reader.stop is not None or not (complete or reader.reporting))
        ):
            continue  # the run ended in this test, which may have printed its status
        elif not complete:
            yield report.name, worst
        elif reader.bare or report.name in reader.listed:  # where shares are shown, all others are output
            yield report.name, report.statuses[-1]


def _note(parsed: ParsedLog, reader: Reader, summaries: list[Summary], complete: bool) -> None:
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


def _drop_unsure(parsed: ParsedLog, reader: Reader, summaries: list[Summary], complete: bool) -> None:
    """Forget the passes of tests with subtests where a failed subtest would not be named."""
    if complete and not _unnamed_failures(parsed, reader, summaries):
        return
    for name in reader.unsure:
        if name in parsed.results and parsed.results[name].status not in FAILING:
            del parsed.results[name]
            parsed.flag("subtests-unknown", "its subtests' results are not in the log", name)


def _unnamed_failures(parsed: ParsedLog, reader: Reader, summaries: list[Summary]) -> int:
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
