"""A task: one record of a SWE-bench style dataset."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from velora_tui.domain.lists import parse_names, parse_patches
from velora_tui.domain.names import Repository, Revision, SafeName
from velora_tui.errors import DatasetError

DATASET_SIZE_LIMIT = 64 * 1024 * 1024

Names = Annotated[tuple[str, ...], BeforeValidator(parse_names)]
Patches = Annotated[tuple[str, ...], BeforeValidator(parse_patches)]


class Task(BaseModel):
    """One task. Field names are the dataset's, in lower case; `test_patches` also reads `test_patch`.

    Other fields of the record are kept as they are: harness scripts may know them.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="allow")

    instance_id: SafeName
    repo: Repository
    base_commit: Revision
    fail_to_pass: Names = Field(validation_alias=AliasChoices("FAIL_TO_PASS", "fail_to_pass"), default=())
    pass_to_pass: Names = Field(validation_alias=AliasChoices("PASS_TO_PASS", "pass_to_pass"), default=())
    test_patches: Patches = Field(validation_alias=AliasChoices("test_patches", "test_patch"), default=())
    test_command: str = ""
    test_output_parser: str = "python/parse_log_pytest_v3"
    problem_statement: str = ""
    image_storage_uri: str = ""
    language: str = ""
    patch: str = ""
    version: str = ""
    hints_text: str = ""
    created_at: str = ""


def parse_dataset(text: str, source: str) -> tuple[Task, ...]:
    """Return the tasks of a dataset file's text: one JSON object, or JSON Lines; `source` names it in errors.

    Raises DatasetError with the field, the value's type and what was expected.
    """
    records = _records(text, source)
    tasks = tuple(_task(record, source) for record in records)
    seen: set[str] = set()
    for task in tasks:
        if task.instance_id in seen:
            raise DatasetError(
                f"{source}: instance_id {task.instance_id!r} occurs twice", hint="keep one of the records"
            )
        seen.add(task.instance_id)
    return tasks


def _records(text: str, source: str) -> list[dict[str, Any]]:
    """Return the JSON objects that follow each other in `text`, pretty-printed or compact."""
    decoder = json.JSONDecoder()
    records: list[dict[str, Any]] = []
    position = _skip_blanks(text, 0)
    while position < len(text):
        try:
            record, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", position)) + 1
            reason = getattr(error, "msg", "nested too deeply")
            raise DatasetError(
                f"{source}, line {line}: not JSON: {reason}", hint="expected a JSON object or JSON Lines"
            ) from None
        for entry in record if isinstance(record, list) else [record]:
            if not isinstance(entry, dict):
                raise DatasetError(f"{source}: expected a JSON object for a task, got {type(entry).__name__}")
            records.append(entry)
        position = _skip_blanks(text, position)
    if not records:
        raise DatasetError(f"{source}: no task in it", hint="expected a JSON object or JSON Lines")
    return records


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\ufeff":
        position += 1
    return position


def _task(record: dict[str, Any], source: str) -> Task:
    if "test_patches" in record and not record["test_patches"]:
        record = {key: value for key, value in record.items() if key != "test_patches"}
    strings = {
        key: "" for key in ("image_storage_uri", "hints_text", "version", "created_at") if record.get(key, "") is None
    }
    if isinstance(record.get("version"), int | float):
        strings["version"] = str(record["version"])
    if isinstance(record.get("instance_id"), int):
        strings["instance_id"] = str(record["instance_id"])
    try:
        return Task.model_validate({**record, **strings})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "record"
        given = "nothing" if first["type"] == "missing" else f"a {type(record.get(field)).__name__}"
        message = first["msg"].removeprefix("Value error, ")
        raise DatasetError(
            f"{source}: field {field}: {message} (given: {given})", hint="mend the field in the dataset"
        ) from None
