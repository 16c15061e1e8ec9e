"""Why attempts went wrong, read from the journal and from their files. All of it blocks: call it in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.domain.events import AttemptState
from velora_tui.domain.failure import FailedAttempt, Failure, Finding
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.run import Attempt, Run
from velora_tui.errors import StoreError
from velora_tui.grading.blame import END_LINES
from velora_tui.grading.clusters import is_unknown, repair_of
from velora_tui.grading.findings import ResultFiles, diagnose_result
from velora_tui.pipeline.failures import diagnose_log
from velora_tui.store.files import read_limited
from velora_tui.store.layout import Layout
from velora_tui.store.log_file import LogFile
from velora_tui.store.results import RESULT_FILE, load_result
from velora_tui.view.text import clean_line

LINES_BEFORE, LINES_AFTER = 5, 2
_EXCERPT_BYTES = 1_000
_LINE_BYTES = 4_096
_FILE_LIMIT = 64 * 1024 * 1024
_ERROR_KEY = b'"error"'


@dataclass(frozen=True)
class Diagnosis:
    """An attempt's failure with the lines of its log around the evidence, and what is suspicious about its result."""

    run: Run
    attempt: Attempt
    failure: Failure | None = None
    log: Path | None = None
    around: tuple[tuple[int, str], ...] = ()  # (number, text)
    findings: tuple[Finding, ...] = ()
    results: Path | None = None

    @property
    def is_sound(self) -> bool:
        return self.failure is None and not self.findings


def diagnose_attempt(layout: Layout, run: Run, number: int) -> Diagnosis:
    """Return why attempt `number` failed, or what is suspicious about what it showed. Blocks; raises StoreError."""
    attempt = run.attempts[number - 1]
    if attempt.failure is not None:
        return _failed(layout, run, attempt, attempt.failure)
    folder = layout.attempt_results(run, number)
    if attempt.state is not AttemptState.FINISHED or not (folder / RESULT_FILE).is_file():
        return Diagnosis(run, attempt)
    return Diagnosis(run, attempt, findings=result_findings(folder, load_result(folder)), results=folder)


def latest_failures(runs: Iterable[Run]) -> list[FailedAttempt]:
    """Return the failure of each run whose latest attempt failed, in the order of their ends."""
    attempts = ((run, run.attempt) for run in runs if run.attempt is not None and run.attempt.failure is not None)
    ordered = sorted(attempts, key=lambda pair: pair[1].ended_at or pair[1].queued_at)
    return [
        FailedAttempt(
            run=run.run,
            attempt=attempt.number,
            instance=attempt.instance,
            task=run.task,
            model=run.model,
            failure=attempt.failure,
        )
        for run, attempt in ordered
        if attempt.failure is not None
    ]


def result_findings(folder: Path, result: AttemptResult) -> tuple[Finding, ...]:
    """Return what is suspicious about the result in an attempt's folder. Blocks; a file that is missing is empty."""
    evaluated = folder / "eval_outputs" / result.task
    error, line = _agent_error(folder / "output.jsonl")
    return diagnose_result(
        result,
        ResultFiles(
            test_output=_end_of(evaluated / "test_output.txt"),
            run_log=_end_of(evaluated / "run_instance.log"),
            patch=_text_of(evaluated / "patch.diff"),
            error=error,
            error_line=line,
        ),
    )


def _failed(layout: Layout, run: Run, attempt: Attempt, failure: Failure) -> Diagnosis:
    log = layout.log(run.run, attempt.number, failure.phase) if failure.phase else None
    if log is None or not log.is_file():
        return Diagnosis(run, attempt, failure.model_copy(update={"repair": repair_of(failure)}), log=None)
    if is_unknown(failure):
        # The table may know more by now than when the attempt failed.
        told = diagnose_log(failure.phase or "", log, failure.message)
        failure = failure if is_unknown(told) else told
    around = tuple(_around(log, failure.line))
    return Diagnosis(run, attempt, failure.model_copy(update={"repair": repair_of(failure)}), log, around)


def _around(log: Path, number: int | None) -> Iterator[tuple[int, str]]:
    file = LogFile(log)
    file.refresh()
    place = number or file.line_count
    first = max(1, place - LINES_BEFORE)
    for line in file.lines(first, place + LINES_AFTER - first + 1, _EXCERPT_BYTES):
        yield line.number, clean_line(line.data)


def _end_of(path: Path) -> Iterator[tuple[int, str]]:
    file = LogFile(path)
    file.refresh()
    for line in file.lines(max(1, file.line_count - END_LINES), END_LINES + 1, _LINE_BYTES):
        yield line.number, clean_line(line.data)


def _text_of(path: Path) -> str:
    try:
        return read_limited(path, _FILE_LIMIT).decode("utf-8", "replace")
    except StoreError:
        return ""


def _agent_error(path: Path) -> tuple[str | None, int | None]:
    """Return the `error` of an output.jsonl and the line that has it; nothing where the file is no use."""
    try:
        data = read_limited(path, _FILE_LIMIT)
        record = json.loads(data)
    except (StoreError, ValueError, RecursionError):
        return None, None
    error = record.get("error") if isinstance(record, dict) else None
    return (str(error), data[: data.rfind(_ERROR_KEY)].count(b"\n") + 1) if error else (None, None)
