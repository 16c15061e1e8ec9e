"""What is suspicious about a result: each with its cause, the line that shows it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from velora_tui.domain.failure import FailureClass, Finding
from velora_tui.domain.report import Flag, Outcome, Status, Verdict
from velora_tui.domain.result import AttemptResult
from velora_tui.grading.diagnose import diagnose_error, first_sign
from velora_tui.grading.judge import GOOD_HISTORY_ENTRIES, VALID_PATCH_BYTES
from velora_tui.grading.patch_findings import content_findings, size_findings
from velora_tui.grading.signatures import Source

NumberedLines = Iterable[tuple[int, str]]

_AGENT, _TASK, _INFRA = FailureClass.AGENT, FailureClass.TASK, FailureClass.INFRASTRUCTURE
_OPERATOR = FailureClass.OPERATOR
# What a flag of a verdict or of an import means: whose doing, the cause, the remedy.
_FLAGS: dict[str, tuple[FailureClass, str, str]] = {
    "old-trajectory": (
        _OPERATOR,
        "no agent ran: the harness found an older trajectory and graded that again",
        "move the old output folder away on the instance, then retry",
    ),
    "model-differs": (
        _OPERATOR,
        "the trajectory was made with another model than the run's",
        "mend the model's section in config.toml, then retry",
    ),
    "file-missing": (_INFRA, "the harness left its tree incomplete", "retry from evaluation"),
    "file-broken": (_INFRA, "a file of the tree cannot be read", "collect it again, or retry from evaluation"),
    "no-fail-to-pass": (_TASK, "the task lists no test that must be fixed", "fill FAIL_TO_PASS in the dataset"),
    "field-cut": (_TASK, "a field of the dataset was cut by a spreadsheet", "use the dataset's original"),
    "exit-zero-with-failures": (
        _TASK,
        "the test command says that all is well although tests failed",
        "mend test_command: a pipe hides its status (set -o pipefail)",
    ),
    "exit-nonzero-without-failures": (
        _TASK,
        "the test command failed although no test did: it may have died in the middle",
        "read the end of the test output; retry from evaluation if it was cut",
    ),
    "other-patch-evaluated": (_INFRA, "the patch that was evaluated is not the trajectory's", "retry from evaluation"),
    "no-patch-graded": (_INFRA, "the harness calls a run resolved that has no patch", "trust our verdict"),
    "ambiguous-name": (_TASK, "a listed name fits several tests", "write the whole names into the dataset"),
    "log-disagrees": (_TASK, "the report and the log of the tests disagree", "read both lines; the report counts"),
}


@dataclass(frozen=True)
class ResultFiles:
    """What of an attempt's tree the findings are read from; each may be missing. Lines are numbered from 1."""

    test_output: NumberedLines = ()
    run_log: NumberedLines = ()
    patch: str = ""
    error: str | None = None  # of output.jsonl
    error_line: int | None = None


def diagnose_result(result: AttemptResult, files: ResultFiles | None = None) -> tuple[Finding, ...]:
    """Return what is suspicious about a finished attempt, the gravest first; nothing for one that is sound."""
    files = files or ResultFiles()
    error = files.error or next((flag.detail for flag in result.flags if flag.id == "agent-error"), None)
    return (
        *_unreadable_tests(result, files),
        *_agent_error(result, error, files.error_line),
        *_harness_differs(result),
        *_names(result),
        *size_findings(result, files.patch, error),
        *content_findings(result, files.patch),
        *_history(result),
        *_flags(result),
    )


def _unreadable_tests(result: AttemptResult, files: ResultFiles) -> Iterator[Finding]:
    """Say why a run with a patch shows no test."""
    if result.outcome is not Outcome.EVAL_ERROR:
        return
    folder = f"eval_outputs/{result.task}"
    last: tuple[int | None, str] = (None, "")

    def remembering() -> Iterator[tuple[int, str]]:
        nonlocal last
        for number, text in files.test_output:
            if text.strip():
                last = number, text.strip()[:300]
            yield number, text

    for source, lines in ((Source.TESTS, remembering()), (Source.RUN_LOG, files.run_log)):
        if found := first_sign(source, lines):
            known, number, text = found
            yield Finding(
                id=known.id,
                failure_class=known.failure_class,
                cause=known.message,
                remedy=known.remedy,
                evidence=text,
                file=f"{folder}/{source}",
                line=number,
                repair=known.repair,
            )
            return
    reason = (result.verdict.reason if result.verdict else None) or "no test result was found in the output"
    yield Finding(
        id="no-tests-parsed" if last[0] else "test-output-empty",
        failure_class=_AGENT if last[0] else _INFRA,
        cause=f"no test could be graded: {reason}",
        remedy="a valid result of the model, unless the gold patch shows the same: then mend image or test_command"
        if last[0]
        else "read run_instance.log, then retry from evaluation",
        evidence=last[1] or None,
        file=f"{folder}/{Source.TESTS}",
        line=last[0],
    )


def _agent_error(result: AttemptResult, error: str | None, line: int | None) -> Iterator[Finding]:
    if not error:
        return
    told = diagnose_error(error)
    has_patch = (result.summary.patch_bytes or 0) > VALID_PATCH_BYTES
    cause = told.message if told else "the agent ended with an error"
    yield Finding(
        id=told.signature if told else "agent-error",
        failure_class=told.failure_class if told else _AGENT,
        cause=f"{cause}; the patch it had until then was graded" if has_patch else cause,
        remedy=told.remedy if told else "read the last steps of the trajectory, then retry",
        evidence=(told.evidence if told else error.strip()[:300]) or None,
        file="output.jsonl",
        line=line,
    )


def _harness_differs(result: AttemptResult) -> Iterator[Finding]:
    if not result.verdicts_differ or result.harness_verdict is None:
        return
    if result.outcome is Outcome.EVAL_ERROR and not result.harness_verdict.resolved:
        return  # why no test can be read is the finding, and no evaluator mends it
    words = {True: "resolved", False: "unresolved", None: "nothing"}
    name, line = _first_failure(result.verdict) if result.verdict else (None, None)
    flag = next((flag for flag in result.all_flags if flag.id == "harness-differs"), None)
    yield Finding(
        id="harness-differs",
        failure_class=_INFRA,
        cause=f"the harness said {words[result.harness_verdict.resolved]}, and the test output says {result.outcome}"
        + (f": {flag.detail}" if flag else ""),
        remedy="trust our verdict, and push the fixed evaluator to the instance",
        evidence=name,
        file=f"eval_outputs/{result.task}/{Source.TESTS}" if line else None,
        line=line,
        repair="push-files",
    )


def _first_failure(verdict: Verdict) -> tuple[str | None, int | None]:
    """Return the first listed test that did not succeed, and its line."""
    for name in (*verdict.fail_to_pass.failure, *verdict.pass_to_pass.failure):
        test = verdict.tests.get(name)
        return name, test.evidence.line if test and test.evidence else None
    return None, None


def _names(result: AttemptResult) -> Iterator[Finding]:
    """Say where not one listed test is in an output that shows tests."""
    verdict = result.verdict
    if verdict is None or not verdict.gradeable:
        return
    listed = [*verdict.fail_to_pass.failure, *verdict.pass_to_pass.failure]
    missing = [name for name in listed if verdict.tests[name].status is Status.MISSING]
    succeeded = verdict.fail_to_pass.success or verdict.pass_to_pass.success
    other = next((test for test in verdict.tests.values() if test.evidence), None)
    if missing and len(missing) == len(listed) and not succeeded and other is not None and other.evidence:
        yield Finding(
            id="names-differ",
            failure_class=_TASK,
            cause=f"none of the {len(listed):,} listed tests is in the output, which has {other.name[:120]}",
            remedy="compare the dataset's names with the output's: another test_command, parser or directory",
            evidence=f"{missing[0][:200]} is not in the output",
            file=f"eval_outputs/{result.task}/{Source.TESTS}",
            line=other.evidence.line,
        )


def _history(result: AttemptResult) -> Iterator[Finding]:
    entries = result.summary.history
    low, high = GOOD_HISTORY_ENTRIES
    if entries is None or low <= entries <= high:
        return
    short = entries < low
    yield Finding(
        id="history-short" if short else "history-long",
        failure_class=_AGENT,
        cause=f"the trajectory has {entries:,} entries; {low} to {high} are usual",
        remedy="look whether the agent gave up or lost its tools" if short else "look whether the agent ran in circles",
        file="output.jsonl",
    )


def _flags(result: AttemptResult) -> Iterator[Finding]:
    """Explain each kind of flag once, with the line of the first test that has it."""
    seen: dict[str, list[Flag]] = {}
    for flag in result.all_flags:
        if flag.id in _FLAGS:
            seen.setdefault(flag.id, []).append(flag)
    for id_, flags in seen.items():
        kind, cause, remedy = _FLAGS[id_]
        first = flags[0]
        test = result.verdict.tests.get(first.test) if result.verdict and first.test else None
        line = test.evidence.line if test and test.evidence else None
        yield Finding(
            id=id_,
            failure_class=kind,
            cause=cause if len(flags) == 1 else f"{cause} ({len(flags):,} times)",
            remedy=remedy,
            evidence=f"{first.test}: {first.detail}"[:300] if first.test else first.detail[:300],
            file=f"eval_outputs/{result.task}/{Source.TESTS}" if line else None,
            line=line,
        )
