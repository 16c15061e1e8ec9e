"""Finished attempts on the operator's disk: the harness's tree and `velora.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from velora_tui.domain.result import AttemptResult
from velora_tui.errors import StoreError
from velora_tui.store.files import read_limited, write_atomically
from velora_tui.store.trees import RESULT_FILE as RESULT_FILE
from velora_tui.store.trees import OnProblem, find_runs

RESULT_SIZE_LIMIT = 16 * 1024 * 1024  # tens of thousands of tests; decoding more would hold up the screen


def save_result(folder: Path, result: AttemptResult) -> None:
    """Write `velora.json` into an attempt's folder. Blocks; raises StoreError."""
    write_atomically(folder / RESULT_FILE, result.model_dump_json(indent=2, by_alias=True).encode() + b"\n")


def load_result(folder: Path) -> AttemptResult:
    """Read `velora.json` of an attempt's folder. Blocks; raises StoreError: missing, too large or not ours."""
    path = folder / RESULT_FILE
    try:
        return AttemptResult.model_validate_json(read_limited(path, RESULT_SIZE_LIMIT))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path} is not a result of Velora: {where}: {first['msg']}") from None


def find_results(root: Path, on_problem: OnProblem | None = None) -> Iterator[Path]:
    """Yield the folders below `root` that hold a `velora.json`, in the order of their names. Blocks."""
    for found in find_runs(root, on_problem or _ignored, only_ours=True):
        yield found.folder


def _ignored(folder: Path, problem: str) -> None:
    """A folder that cannot be read holds no results."""
