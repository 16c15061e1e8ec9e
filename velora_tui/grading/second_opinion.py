"""What the users' harness said of a run against our verdict: which tests flip, and by which rule of the harness.

The rules are those measured in its graders (HARNESS.md, "Where its verdicts are wrong").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from velora_tui.domain.report import Counts, Status, TestResult, Verdict
from velora_tui.domain.result import Flip, HarnessVerdict, verdicts_differ

_PASSING = frozenset({Status.PASSED, Status.XFAIL, Status.XPASS})
_SUBSTRINGS_TRIED = 20_000_000  # characters compared at most, so that huge lists stay linear


@dataclass(frozen=True)
class Claims:
    """What a report of the harness says; None and no entry is "it did not say"."""

    resolved: bool | None = None
    fail_to_pass: Mapping[str, bool] | None = None
    pass_to_pass: Mapping[str, bool] | None = None
    tests: Counts | None = None

    @property
    def verdict(self) -> HarnessVerdict:
        """The claims in numbers."""
        return HarnessVerdict(
            resolved=self.resolved, f2p=_tally(self.fail_to_pass), p2p=_tally(self.pass_to_pass), tests=self.tests
        )

    @property
    def says_something(self) -> bool:
        return self.resolved is not None or self.fail_to_pass is not None


def claims_of_details(details: Mapping[str, Any], resolved: object = None) -> Claims:
    """Return the claims of a `pilot2_eval_details`; `resolved` is the record's own, where the details lack it."""
    said = details.get("resolved", resolved)
    counts = [details.get(f"tests_{name}") for name in ("passed", "failed", "error")]
    passed, failed, error = (count if isinstance(count, int) else 0 for count in counts)
    return Claims(
        resolved=said if isinstance(said, bool) else None,
        fail_to_pass=_claimed(details.get("fail_to_pass_success"), details.get("fail_to_pass_failed")),
        pass_to_pass=_claimed(details.get("pass_to_pass_success"), details.get("pass_to_pass_failed")),
        tests=Counts(passed=passed, failed=failed, error=error) if None not in counts else None,
    )


def claims_of_report(report: Mapping[str, Any]) -> Claims:
    """Return the claims of the one entry of an instance's report.json."""
    status = report.get("tests_status")
    lists = {name: status.get(name) for name in ("FAIL_TO_PASS", "PASS_TO_PASS")} if isinstance(status, dict) else {}
    claimed = {
        name: _claimed(found.get("success"), found.get("failure")) if isinstance(found, dict) else None
        for name, found in lists.items()
    }
    said = report.get("resolved")
    return Claims(
        resolved=said if isinstance(said, bool) else None,
        fail_to_pass=claimed.get("FAIL_TO_PASS"),
        pass_to_pass=claimed.get("PASS_TO_PASS"),
    )


def second_opinion(claims: Claims, verdict: Verdict, *, command_not_found: bool = False) -> tuple[Flip, ...]:
    """Return what flips between the harness's claims and our verdict, the run itself first; empty: they agree.

    `command_not_found`: whether the test output has these words, which the harness looks for.
    """
    tests = tuple(_test_flips(claims, verdict))
    run = _run_flip(claims, verdict, tests, command_not_found)
    return (run, *tests) if run else tests


def _run_flip(claims: Claims, verdict: Verdict, tests: Iterable[Flip], command_not_found: bool) -> Flip | None:
    if claims.resolved is None or not verdicts_differ(claims.verdict, verdict):
        return None
    if claims.resolved == verdict.resolved:
        detail = f"the harness counts it as unresolved, but it is not graded: {verdict.reason}"
        return Flip(rule="no-tests-ran", detail=detail, harness_passed=False)
    rule, detail = _run_rule(claims, verdict, list(tests), command_not_found)
    return Flip(rule=rule, detail=detail, harness_passed=claims.resolved)


def _run_rule(claims: Claims, verdict: Verdict, tests: list[Flip], command_not_found: bool) -> tuple[str, str]:
    """Return why the harness and we disagree about `resolved`."""
    flipped = [flip for flip in tests if flip.harness_passed is claims.resolved]
    if claims.resolved and not verdict.gradeable:
        return "no-tests-ran", f"resolved although no test can be graded: {verdict.reason}"
    if flipped:
        rules = dict.fromkeys(flip.rule for flip in flipped)
        return "listed-tests", f"listed tests that flip: {len(flipped)} ({', '.join(rules)})"
    claimed = [*(claims.fail_to_pass or {}).values(), *(claims.pass_to_pass or {}).values()]
    if claims.resolved:
        if not verdict.fail_to_pass.fraction[1]:
            return "no-fail-to-pass", "resolved although no test had to be fixed"
        if not all(claimed):
            return "against-its-own-lists", "resolved although its own lists have failures"
        return "tests-not-listed", "resolved on lists that lack tests of the task"
    if command_not_found:
        return "command-not-found", 'the words "command not found" in the output made it refuse'
    if claimed and all(claimed):
        return "against-its-own-lists", "unresolved although all tests of its own lists succeeded"
    return "tests-not-listed", "its lists have failures that are no tests of the task"


def _test_flips(claims: Claims, verdict: Verdict) -> Iterator[Flip]:
    judge = _Rules(verdict)
    pairs = ((claims.fail_to_pass, verdict.fail_to_pass, True), (claims.pass_to_pass, verdict.pass_to_pass, False))
    for claimed, ours, is_fixing in pairs:
        if claimed is None:
            continue
        for names, succeeded in ((ours.failure, False), (ours.success, True)):
            for name in names:
                said = claimed.get(name)
                if said is not None and said is not succeeded:
                    yield judge.flip(name, harness_passed=said, is_fixing=is_fixing)


class _Rules:
    """Names the rule by which the harness judged a test otherwise, from all the tests of the log."""

    def __init__(self, verdict: Verdict) -> None:
        self._tests = verdict.tests
        self._flags: dict[str, list[str]] = {}
        for flag in verdict.flags:
            self._flags.setdefault(flag.test or "", []).append(flag.id)
        self._seen = [test for test in verdict.tests.values() if test.evidence is not None]
        self._budget = _SUBSTRINGS_TRIED

    def flip(self, name: str, *, harness_passed: bool, is_fixing: bool) -> Flip:
        """Return the flip of one listed test."""
        test = self._tests[name]
        rule, detail = self._passed(test, is_fixing) if harness_passed else self._failed(test)
        return Flip(rule=rule, detail=detail, harness_passed=harness_passed, test=name, status=test.status)

    def _passed(self, test: TestResult, is_fixing: bool) -> tuple[str, str]:
        if test.status is Status.SKIPPED and is_fixing:
            return "skipped-counted", "skipped, and counted as passed"
        if "duplicate" in self._flags.get(test.name, ()):
            return "duplicate", "the log shows it more than once; the harness took the better status"
        passed = self._other(test, lambda other: other.status in _PASSING or other.status is Status.SKIPPED)
        if passed:
            return passed
        if test.status is Status.MISSING:
            return "missing-assumed-passed", "not in the log, and counted as passed"
        return "read-differently", f"the log shows {test.status}"

    def _failed(self, test: TestResult) -> tuple[str, str]:
        rule = test.evidence.rule if test.evidence else ""
        if ", " in rule:
            normalisation = rule.partition(", ")[2]
            return f"normalised:{normalisation}", "the log names it otherwise; found by a named normalisation"
        if test.status is not Status.PASSED:
            return f"{test.status.lower()}-refused", f"{test.status} counts as success"
        failed = self._other(test, lambda other: other.status in {Status.FAILED, Status.ERROR})
        return failed or ("not-read", "the harness's parser does not see the test that passed")

    def _other(self, test: TestResult, takes: Callable[[TestResult], bool]) -> tuple[str, str] | None:
        """Return the looser match by which another test's status was taken for this one's."""
        found: tuple[str, str] | None = None
        for other in self._seen:
            if self._budget < 0:
                break
            self._budget -= len(other.name)
            if other.name == test.name or not takes(other):
                continue
            if _cut(other.name) == _cut(test.name):
                return "cut-at-blank", f"names cut at the first blank are the same: {other.name}"
            if found is None and (other.name in test.name or test.name in other.name):
                found = "substring-match", f"taken for {other.name}"
        return found


def _cut(name: str) -> str:
    return name.partition(" ")[0]


def _claimed(success: object, failure: object) -> dict[str, bool] | None:
    """Return which tests a report counts as successes; a test in both of its lists failed."""
    if not isinstance(success, list) or not isinstance(failure, list):
        return None
    good = {name: True for name in success if isinstance(name, str)}
    return {**good, **{name: False for name in failure if isinstance(name, str)}}


def _tally(claimed: Mapping[str, bool] | None) -> tuple[int, int] | None:
    return (sum(claimed.values()), len(claimed)) if claimed is not None else None
