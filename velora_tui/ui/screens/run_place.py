"""Where the proof of an attempt lies, and how it is read: everything here blocks and belongs into a thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from velora_tui.domain.events import AttemptState
from velora_tui.domain.failure import Finding
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.run import Attempt, Run
from velora_tui.errors import StoreError
from velora_tui.grading.blame import END_LINES
from velora_tui.grading.findings import ResultFiles, diagnose_result
from velora_tui.pipeline.trajectory_file import read_trajectory_file
from velora_tui.store.layout import Layout
from velora_tui.store.log_file import LogFile
from velora_tui.store.results import RESULT_FILE, load_result
from velora_tui.store.trees import RECORD_NAMES, run_at
from velora_tui.view.diff import Diff, read_diff
from velora_tui.view.failure_text import Reason, find_reasons
from velora_tui.view.text import clean_line
from velora_tui.view.trajectory import Trajectory

SHOWN_PATCH_BYTES = 4 * 1024 * 1024
SCANNED_LOG_BYTES = 64 * 1024 * 1024
MOST_FILES = 5_000
_BINARY_PROBE_BYTES = 8_000


@dataclass(frozen=True)
class Catalogued:
    """What the catalog has of a run that no journal knows: its row, its details, and where its files lie.

    A file that the tree does not have is None. `quoting` is the record that may quote patch and test output.
    """

    row: ResultRow
    result: AttemptResult
    test_output: Path | None
    patch: Path | None
    record: Path | None
    quoting: Path | None = None

    @property
    def needs_quoted(self) -> bool:
        """Whether something is in no file of its own that the record may quote."""
        return self.quoting is not None and (self.test_output is None or self.patch is None)

    def with_files(self, files: Mapping[str, Path]) -> Catalogued:
        """Return the same with the files that were written by their names."""
        test_output = self.test_output or files.get("test_output.txt")
        return replace(self, test_output=test_output, patch=self.patch or files.get("patch.diff"))


@dataclass(frozen=True)
class Place:
    """One attempt of a run, and the folders its files are in; `catalogued` is set where it is not of this journal."""

    run: Run
    attempt: Attempt
    layout: Layout
    catalogued: Catalogued | None = None

    @classmethod
    def of(cls, run: Run, number: int | None, layout: Layout) -> Place | None:
        """Return the place of attempt `number`, or of the latest; None where there is none."""
        attempt = run.attempt if number is None else next((a for a in run.attempts if a.number == number), run.attempt)
        return cls(run, attempt, layout) if attempt else None

    @property
    def key(self) -> tuple[str, int, str]:
        """What the proof depends on: it is read again when this changes."""
        return self.run.run, self.attempt.number, self.attempt.state

    @property
    def folder(self) -> Path:
        """The attempt's copy of the harness's tree."""
        if self.attempt.results:
            return Path(self.attempt.results)
        return self.layout.attempt_results(self.run, self.attempt.number)

    @property
    def evaluation(self) -> Path:
        return self.folder / "eval_outputs" / self.run.task

    @property
    def test_output(self) -> Path:
        own = self.evaluation / "test_output.txt"
        return (self.catalogued.test_output or own) if self.catalogued else own

    @property
    def patch(self) -> Path:
        own = self.evaluation / "patch.diff"
        return (self.catalogued.patch or own) if self.catalogued else own

    @property
    def trajectory(self) -> Path:
        own = self.folder / "output.jsonl"
        return (self.catalogued.record or own) if self.catalogued else own

    @property
    def result(self) -> Path:
        return self.folder / RESULT_FILE

    def log(self, phase: str) -> Path:
        """Return where the log of a phase lies, or will."""
        return self.layout.log(self.run.run, self.attempt.number, phase)

    def phase_to_show(self) -> str:
        """Return the phase that matters: the one that failed or runs, else the tests, else the last that ran.

        It is "" of an attempt whose phases are not known, as of imported ones.
        """
        attempt = self.attempt
        names = [phase.name for phase in attempt.phases]
        if not names:
            return ""
        if attempt.failure is not None and attempt.failure.phase in names:
            return str(attempt.failure.phase)
        if attempt.current_phase is not None:
            return attempt.current_phase.name
        begun = [phase.name for phase in attempt.phases if phase.started_at is not None]
        return "evaluation" if "evaluation" in begun else (begun or names)[-1]


@dataclass(frozen=True)
class Proof:
    """What `velora.json` says, and why tests failed; `problem` says why there is nothing."""

    result: AttemptResult | None = None
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    problem: str = ""


def catalogued_place(row: ResultRow, result: AttemptResult, layout: Layout) -> Place:
    """Return where a run of the catalog lies; of files that are gone, or can't be read, nothing is known."""
    folder = Path(row.folder)
    try:
        found = run_at(folder)
    except OSError:
        found = None
    evaluation = found.evaluation(result.task) if found else {}
    records = [name for name in RECORD_NAMES if found and name in found.files]
    names = (evaluation.get("test_output.txt"), evaluation.get("patch.diff"), records[-1] if records else None)
    test_output, patch, trajectory = (folder / name if name else None for name in names)
    quoting = folder / records[0] if records else None
    known = Catalogued(row, result, test_output, patch, trajectory, quoting)
    return Place(_run_of(row, result), _attempt_of(row, result), layout, known)


def _run_of(row: ResultRow, result: AttemptResult) -> Run:
    return Run(
        run=row.key,
        task=row.task,
        repo=row.repo,
        model=row.model,
        run_number=row.run_number or 0,
        recipe=result.provenance.recipe,
        max_iterations=0,
        dataset="",
        created_at=result.provenance.started_at or result.provenance.recorded_at,
        created_by=result.provenance.by,
        attempts=(_attempt_of(row, result),),
    )


def _attempt_of(row: ResultRow, result: AttemptResult) -> Attempt:
    source = result.provenance
    started_at = source.started_at
    ended_at: datetime | None = started_at + timedelta(seconds=row.seconds) if started_at and row.seconds else None
    return Attempt(
        number=row.attempt,
        state=AttemptState.FINISHED,
        phases=(),
        queued_at=started_at or source.recorded_at,
        instance=source.instance or None,
        started_at=started_at,
        ended_at=ended_at,
        outcome=result.outcome,
        summary=result.summary,
        results=row.folder,
    )


def read_result(place: Place) -> AttemptResult | None:
    """Return what `velora.json` says, None where there is none yet. Raises StoreError for a damaged one."""
    if place.catalogued is not None:
        return place.catalogued.result
    return load_result(place.folder) if place.result.is_file() else None


def read_proof(place: Place) -> Proof:
    """Return the verdict with the reasons of its failures. Raises StoreError."""
    result = read_result(place)
    if result is None or result.verdict is None:
        return Proof(result)
    return Proof(result, find_reasons(_lines_of(place.test_output), result.verdict.tests))


def read_findings(place: Place) -> tuple[Finding, ...]:
    """Return what is suspicious about a result; nothing where there is none. Raises StoreError."""
    result = read_result(place)
    if result is None:
        return ()
    log = LogFile(place.test_output)
    log.refresh()
    first = max(1, log.line_count - END_LINES)
    lines = ((line.number, clean_line(line.data)) for line in log.lines(first, END_LINES + 1, 4_000))
    try:
        with place.patch.open("rb") as file:
            patch = file.read(SHOWN_PATCH_BYTES).decode("utf-8", "replace")
    except OSError:
        patch = ""
    return diagnose_result(result, ResultFiles(test_output=lines, patch=patch))


def read_patch(place: Place) -> Diff | None:
    """Return the patch that was evaluated, of a large one the beginning; None without. Raises StoreError."""
    if not place.patch.is_file():
        return None
    try:
        with place.patch.open("rb") as file:
            data = file.read(SHOWN_PATCH_BYTES)
            left_out_bytes = os.fstat(file.fileno()).st_size - len(data)
    except OSError as error:
        raise StoreError(f"{place.patch} cannot be read: {error.strerror}") from None
    return read_diff(data.decode("utf-8", "replace"), left_out_bytes)


async def read_steps(place: Place) -> Trajectory | None:
    """Return the agent's steps; None where there is no output.jsonl. Raises StoreError."""
    if not await asyncio.to_thread(place.trajectory.is_file):
        return None
    try:
        return await read_trajectory_file(place.trajectory)
    except ValueError as error:
        raise StoreError(
            f"output.jsonl cannot be read as a trajectory: {error}", hint=f"e opens it: {place.trajectory}"
        ) from None


def list_files(folder: Path) -> list[tuple[str, int]]:
    """Return the files below `folder`, relative, with their sizes in bytes, in order; at most five thousand."""
    found: list[tuple[str, int]] = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            try:
                found.append((str(path.relative_to(folder)), path.lstat().st_size))
            except OSError:
                continue
            if len(found) >= MOST_FILES:
                return found
    return found


def is_text(path: Path) -> bool:
    """Return whether a file looks like text. Raises OSError."""
    with path.open("rb") as file:
        return b"\0" not in file.read(_BINARY_PROBE_BYTES)


def lines_around(log: LogFile, line: int | None, before: int, count: int) -> list[tuple[int, bytes]]:
    """Return up to `count` numbered lines of a log, from `before` lines above `line` on; of no line, the last ones.

    Raises StoreError.
    """
    log.refresh()
    first = log.line_count - count + 1 if line is None else line - before
    return [(shown.number, shown.data) for shown in log.lines(max(1, first), count, 4_000)]


def _lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of the start of a file, none where there is no file."""
    try:
        with path.open("rb") as file:
            read = 0
            for line in file:
                read += len(line)
                if read > SCANNED_LOG_BYTES:
                    return
                yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
