"""Grade a log: what each listed test showed, and whether the task is resolved."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from velora_tui.domain.report import Counts, Evidence, Flag, ListVerdict, Status, TestResult, Verdict
from velora_tui.domain.task import Task
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Observation, ParsedLog, count_statuses
from velora_tui.grading.parsers import Parser, find_parser, report_parser

FAIL_TO_PASS_SUCCESS = frozenset({Status.PASSED, Status.XFAIL, Status.XPASS})
PASS_TO_PASS_SUCCESS = FAIL_TO_PASS_SUCCESS | {Status.SKIPPED}
CANDIDATES_TRIED = 1000  # a name cut so short that more tests match it names none


def grade(
    task: Task,
    log: bytes | Iterable[bytes],
    *,
    parser: str | None = None,
    exit_status: int | None = None,
    report: bytes | None = None,
) -> Verdict:
    """Grade `log`, the output of the task's test command, against the task's lists.

    `parser` overrides the task's own; `exit_status` is the test command's, if known; `report` is a JUnit XML or
    pytest-json-report file, which counts before the log. Raises UnknownName.
    """
    chosen = find_parser(parser or task.test_output_parser)
    listed = tuple(dict.fromkeys((*task.fail_to_pass, *task.pass_to_pass)))
    parsed = chosen.read(LogLines(log), frozenset(listed))
    if report is not None:
        parsed = _second_opinion(report_parser(report).read(LogLines(report), frozenset(listed)), parsed)
    found = _Matcher(parsed, chosen, listed)
    tests = found.tests()
    fail_to_pass = _split(task.fail_to_pass, tests, FAIL_TO_PASS_SUCCESS)
    pass_to_pass = _split(task.pass_to_pass, tests, PASS_TO_PASS_SUCCESS)
    reason = parsed.died or (None if parsed.results else f"no test found in the log by {chosen.name}")
    succeeded = bool(task.fail_to_pass) and not fail_to_pass.failure and not pass_to_pass.failure
    return Verdict(
        instance_id=task.instance_id,
        parser=chosen.name,
        gradeable=reason is None,
        resolved=reason is None and succeeded,
        tests=tests,
        fail_to_pass=fail_to_pass,
        pass_to_pass=pass_to_pass,
        counts=_counts(parsed),
        flags=(
            *parsed.noted.values(),
            *found.flags,
            *_success_flags(task, tests),
            *_run_flags(task, parsed, exit_status),
        ),
        reason=reason,
    )


def _second_opinion(report: ParsedLog, log: ParsedLog) -> ParsedLog:
    """Return the report's results, flagged where the log says otherwise; the log's own where the report is empty."""
    if not report.results:
        for flag in report.noted.values():
            log.flag(flag.id, flag.detail, flag.test)
        return log
    for name, seen in report.results.items():
        other = log.results.get(name)
        if other is not None and other.status is not seen.status:
            report.flag("log-disagrees", f"the log says {other.status} in line {other.line}", name)
    return report


class _Matcher:
    """Finds each listed test among the tests of a log: by its exact name, else by a named normalisation."""

    def __init__(self, parsed: ParsedLog, parser: Parser, listed: tuple[str, ...]) -> None:
        self.flags: list[Flag] = []
        self._parsed = parsed
        self._parser = parser
        self._listed = listed
        self._sorted: list[str] | None = None

    def tests(self) -> dict[str, TestResult]:
        """Return every test of the log, and every listed test under its listed name."""
        results = self._parsed.results
        found = {name: _result(name, seen) for name, seen in results.items()}
        absent = [name for name in self._listed if name not in results]
        taken: dict[str, list[str]] = {}
        for name in [name for name in absent if name in self._parsed.qualified]:
            found[name] = _result(name, self._parsed.qualified[name], "qualified")
            self._flag("normalised:qualified", "read by its package or file", name)
        absent = [name for name in absent if name not in found]
        for name in absent:
            for candidate in self._candidates(name)[1]:
                taken.setdefault(candidate, []).append(name)
        for name in absent:
            found[name] = self._absent(name, taken)
        return found

    def _absent(self, name: str, taken: dict[str, list[str]]) -> TestResult:
        """Return the result of a listed test whose exact name the log doesn't have."""
        rule, candidates = self._candidates(name)
        missing = TestResult(name=name, status=Status.MISSING)
        if not candidates:
            return missing
        if any(len(taken[candidate]) > 1 for candidate in candidates):
            self._flag("ambiguous-name", "another listed test matches the same test of the log", name)
            return missing
        observations = [self._parsed.results[candidate] for candidate in candidates]
        if len({seen.status for seen in observations}) > 1:
            self._flag("ambiguous-name", f"{len(candidates)} tests begin so, and they disagree", name)
            return missing
        self._flag(f"normalised:{rule}", f"read from {candidates[0]}", name)
        return _result(name, observations[0], rule)

    def _candidates(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Return the normalisation that applies and the tests of the log it leads to, listed ones excluded."""
        if (other := self._parsed.aliases.get(name)) is not None and other in self._parsed.results:
            return "alias", () if other in self._exact else (other,)
        if name.count("[") > name.count("]"):
            return "cut-in-brackets", tuple(self._beginning(name))
        if self._parser.cut_at_blank and " " not in name:
            return "cut-at-blank", tuple(self._beginning(name + " "))
        return "", ()

    @property
    def _exact(self) -> frozenset[str]:
        if not hasattr(self, "_exact_names"):
            self._exact_names = frozenset(name for name in self._listed if name in self._parsed.results)
        return self._exact_names

    def _beginning(self, prefix: str) -> Iterator[str]:
        if self._sorted is None:
            self._sorted = sorted(self._parsed.results)
        start = bisect_left(self._sorted, prefix)
        names = self._sorted[start : start + CANDIDATES_TRIED]
        if len(names) == CANDIDATES_TRIED and names[-1].startswith(prefix):
            return
        yield from (name for name in names if name.startswith(prefix) and name not in self._exact)

    def _flag(self, flag_id: str, detail: str, test: str) -> None:
        self.flags.append(Flag(id=flag_id, detail=detail, test=test))


def _result(name: str, seen: Observation, normalisation: str = "") -> TestResult:
    rule = f"{seen.rule}, {normalisation}" if normalisation else seen.rule
    return TestResult(name=name, status=seen.status, evidence=Evidence(line=seen.line, offset=seen.offset, rule=rule))


def _split(names: tuple[str, ...], tests: dict[str, TestResult], success: frozenset[Status]) -> ListVerdict:
    unique = tuple(dict.fromkeys(names))
    return ListVerdict(
        success=tuple(name for name in unique if tests[name].status in success),
        failure=tuple(name for name in unique if tests[name].status not in success),
    )


def _counts(parsed: ParsedLog) -> Counts:
    counts = count_statuses(parsed.results.values())
    return Counts(
        passed=counts[Status.PASSED] + counts[Status.XFAIL] + counts[Status.XPASS],
        failed=counts[Status.FAILED],
        error=counts[Status.ERROR],
        skipped=counts[Status.SKIPPED],
    )


def _success_flags(task: Task, tests: dict[str, TestResult]) -> Iterator[Flag]:
    """Flag listed tests that succeed without having plainly passed."""
    for names, label in ((task.fail_to_pass, "FAIL_TO_PASS"), (task.pass_to_pass, "PASS_TO_PASS")):
        for name in dict.fromkeys(names):
            status = tests[name].status
            if status in {Status.XFAIL, Status.XPASS} or (status is Status.SKIPPED and label == "PASS_TO_PASS"):
                yield Flag(id=f"{status.lower()}-counts-as-success", detail=f"{status} in {label}", test=name)


def _run_flags(task: Task, parsed: ParsedLog, exit_status: int | None) -> Iterator[Flag]:
    if not task.fail_to_pass:
        yield Flag(id="no-fail-to-pass", detail="the task lists no test that must be fixed: it can't be resolved")
    if exit_status == 0 and parsed.has_failures():
        yield Flag(id="exit-zero-with-failures", detail="the test command ended with 0 although tests failed")
    if exit_status and parsed.results and not parsed.has_failures():
        yield Flag(
            id="exit-nonzero-without-failures", detail=f"the test command ended with {exit_status}, no test failed"
        )
