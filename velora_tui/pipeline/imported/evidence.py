"""What the files of an imported run hold, read into memory run by run; broken ones are noted and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from velora_tui.errors import StoreError
from velora_tui.grading.second_opinion import Claims, claims_of_details, claims_of_report
from velora_tui.store.records import Records, read_records
from velora_tui.store.trees import GRADED_NAMES, RunFolder

_BLOCK_BYTES = 1024 * 1024
_PATCH_LIMIT = 64 * 1024 * 1024
_COMMAND_NOT_FOUND = b"command not found"


@dataclass
class RunFiles:
    """One run of a folder: its record, if there is one, and its evaluation's files by name."""

    found: RunFolder
    record: Mapping[str, Any]
    evaluation: Mapping[str, str]
    evaluated: str
    metadata: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)

    @property
    def has_record(self) -> bool:
        return bool(self.record)

    @property
    def patch(self) -> str | None:
        """The model's patch; None is "not known"."""
        test_result = self.record.get("test_result")
        if isinstance(test_result, dict):
            return str(test_result.get("git_patch") or "")
        return "" if self.has_record else self.evaluated_patch()

    def evaluated_patch(self) -> str | None:
        """Return the patch that the evaluation kept; None without one."""
        path = self.evaluation.get("patch.diff")
        if path is None:
            return None
        data = (self.found.folder / path).read_bytes() if self.found.files[path][0] <= _PATCH_LIMIT else b""
        return data.decode("utf-8", "replace")

    @property
    def details(self) -> Mapping[str, Any]:
        """What the harness's grader added to the record."""
        found = self.record.get("pilot2_eval_details") or self.record.get("evaluation_details")
        return found if isinstance(found, dict) else {}

    def claims(self) -> Claims:
        """Return what the harness said of the run, in its record or in its report."""
        if self.details:
            return claims_of_details(self.details, self.record.get("resolved"))
        path = self.evaluation.get("report.json")
        if path is None:
            return Claims()
        entries = [report for records in self.read(path) for report in records.objects]
        return claims_of_report(_entry(entries[0], self.evaluated) if entries else {})

    def test_output(self) -> Output | None:
        """Return what the tests printed; None where that is nowhere."""
        path = self.evaluation.get("test_output.txt")
        if path is not None and (self.found.files[path][0] or not self.details.get("test_output")):
            return Output(self, path, b"", self.found.files[path][0])
        quoted = self.details.get("test_output")
        if not isinstance(quoted, str) or (not quoted and _counted(self.details)):
            return None
        data = quoted.encode("utf-8", "surrogatepass")
        return Output(self, "", data, len(data))

    def read(self, path: str) -> Iterator[Records]:
        """Yield what a JSON file holds; what is wrong with it is noted."""
        try:
            records = read_records(self.found.folder / path)
        except StoreError as error:
            self.problems.append(error.message)
            return
        if records.problem:
            self.problems.append(f"{path}: {records.problem}")
        yield records


@dataclass
class Output:
    """What the tests printed, a block at a time; once read, it is known whether a command was missing."""

    run: RunFiles
    path: str
    data: bytes
    size_bytes: int
    command_not_found: bool = False

    def blocks(self) -> Iterator[bytes]:
        """Yield the output. Raises OSError."""
        tail = b""
        for block in self._raw():
            self.command_not_found = self.command_not_found or _COMMAND_NOT_FOUND in tail + block
            tail = block[-len(_COMMAND_NOT_FOUND) :]
            yield block

    def is_blank(self) -> bool:
        """Tell whether nothing was printed. Raises OSError."""
        return not any(block.strip() for block in self._raw())

    def _raw(self) -> Iterator[bytes]:
        if not self.path:
            yield self.data
            return
        with (self.run.found.folder / self.path).open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block


def runs_of(found: RunFolder) -> tuple[list[RunFiles], list[str]]:
    """Return the runs of a folder, one for each record, or without any for each evaluation; and what was wrong."""
    reader = RunFiles(found, {}, {}, "", {})
    records = _records(reader)
    metadata = _first_object(reader, "metadata.json")
    runs = [_run_of_record(reader, record, metadata, len(records)) for record in records]
    return runs or list(_evaluations(reader, metadata)), reader.problems


def _run_of_record(
    reader: RunFiles, record: Mapping[str, Any], metadata: Mapping[str, Any], of_records: int
) -> RunFiles:
    found, own = reader.found, record.get("metadata")
    name = str(record.get("instance_id") or "")
    evaluation = found.evaluation(name) if name or of_records == 1 else {}
    evaluated = _evaluated(reader, evaluation, name)
    return RunFiles(
        found, record, evaluation, evaluated, own if isinstance(own, dict) else metadata, list(reader.problems)
    )


def _evaluations(reader: RunFiles, metadata: Mapping[str, Any]) -> Iterator[RunFiles]:
    """Yield the runs of which only the evaluation is left."""
    for name in reader.found.evaluated_ids or ("",):
        evaluation = reader.found.evaluation(name)
        evaluated = _evaluated(reader, evaluation, name)
        if evaluated or {"test_output.txt", "patch.diff"} & evaluation.keys():
            yield RunFiles(reader.found, {}, evaluation, evaluated, metadata, list(reader.problems))


def _records(reader: RunFiles) -> list[Mapping[str, Any]]:
    """Return a record for each task, the graded one before the agent's own."""
    files = reader.found.files
    graded = next((name for name in GRADED_NAMES if name in files), None)
    found: dict[str, Mapping[str, Any]] = {}
    if graded:
        _add(found, reader, graded)
    if "output.jsonl" in files and (not found or files["output.jsonl"][0] > files[graded or "output.jsonl"][0]):
        _add(found, reader, "output.jsonl")
    return list(found.values())


def _add(found: dict[str, Mapping[str, Any]], reader: RunFiles, path: str) -> None:
    for records in reader.read(path):
        for number, record in enumerate(records.objects):
            found.setdefault(str(record.get("instance_id") or f"#{number}"), record)


def _first_object(reader: RunFiles, path: str) -> Mapping[str, Any]:
    if path not in reader.found.files:
        return {}
    return next((found for records in reader.read(path) for found in records.objects), {})


def _evaluated(reader: RunFiles, evaluation: Mapping[str, str], name: str) -> str:
    """Return the task that an evaluation is named after: by its report, else by its folder; "" if by neither."""
    if name:
        return name
    report = _first_object(reader, evaluation["report.json"]) if "report.json" in evaluation else {}
    keys = [key for key, value in report.items() if isinstance(value, dict) and "resolved" in value]
    return keys[0] if keys else ""


def _entry(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the part of a report.json that is about one task."""
    found = report.get(name)
    if isinstance(found, dict):
        return found
    entries = [value for value in report.values() if isinstance(value, dict) and "resolved" in value]
    return entries[0] if len(entries) == 1 else report


def _counted(details: Mapping[str, Any]) -> bool:
    return any(details.get(f"tests_{name}") for name in ("passed", "failed", "error"))
