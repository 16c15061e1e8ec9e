"""What is suspicious about an imported run, read from its files where they lie."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from velora_tui.domain.failure import Finding
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.grading.blame import END_LINES
from velora_tui.grading.findings import ResultFiles, diagnose_result
from velora_tui.grading.log import LogLines
from velora_tui.pipeline.imported.evidence import Output, RunFiles, runs_of
from velora_tui.store.trees import GRADED_NAMES, run_at


def imported_findings(row: ResultRow, result: AttemptResult) -> tuple[Finding, ...]:
    """Return what is suspicious about an imported run; files that are gone, or can't be read, say nothing. Blocks."""
    try:
        files = _files_of(row)
        if files is None:
            return diagnose_result(result)
        output, error = files.test_output(), files.record.get("error")
        read = ResultFiles(
            test_output=_end_of(output) if output else (),
            patch=files.patch or "",
            error=str(error) if error else None,
        )
    except OSError:
        return diagnose_result(result)
    return tuple(_placed(finding, output) for finding in diagnose_result(result, read))


def _files_of(row: ResultRow) -> RunFiles | None:
    found = run_at(Path(row.folder))
    runs = runs_of(found)[0] if found else []
    return next((run for run in runs if run.evaluated == row.task), runs[0] if len(runs) == 1 else None)


def _end_of(output: Output) -> deque[tuple[int, str]]:
    return deque(((number, text) for number, _, text in LogLines(output.blocks())), END_LINES)


def _placed(finding: Finding, output: Output | None) -> Finding:
    """Return the finding with the file of its line as this tree has it, which may only quote it in a record."""
    if output is None or not (finding.file or "").endswith("/test_output.txt"):
        return finding
    quoting = (name for name in GRADED_NAMES if name in output.run.found.files)
    return finding.model_copy(update={"file": output.path or f"test_output in {next(quoting, 'its record')}"})
