"""The files that the script should have left in its tree, made by us, and put there when the tree is home."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from velora_tui.errors import NotWritten
from velora_tui.store.files import read_limited, write_atomically

GRADED = "eval_pilot2_output.jsonl"
_PLAN = "graded_record.json"
_PLAN_LIMIT = 256 * 1024 * 1024
_TAIL_BYTES = 64 * 1024


def made_folder(work: Path) -> Path:
    """Return our folder of files that the script left out."""
    return work / "made"


@dataclass(frozen=True)
class CopiedRecord:
    """How to make the grader's record: from which file of the tree, and with what added to its one JSON object."""

    source: str
    added: dict[str, Any] = field(default_factory=dict)

    def save(self, work: Path) -> None:
        """Keep it until the tree is home. Blocks; raises NotWritten."""
        write_atomically(work / _PLAN, json.dumps(asdict(self)).encode())


def add_missing(work: Path, tree: Path) -> list[str]:
    """Add to `tree` what is not there; return the paths. Blocks; raises StoreError and NotWritten."""
    made = made_folder(work)
    paths = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    missing = [path for path in paths if not (tree / path).exists()]
    for path in missing:
        write_atomically(tree / path, (made / path).read_bytes())
    added = [path.as_posix() for path in missing]
    if (work / _PLAN).is_file() and not (tree / GRADED).exists():
        plan = CopiedRecord(**json.loads(read_limited(work / _PLAN, _PLAN_LIMIT)))
        if (tree / plan.source).is_file():
            _copy(tree / plan.source, tree / GRADED, plan.added)
            added.append(GRADED)
    return added


def _copy(source: Path, target: Path, added: dict[str, Any]) -> None:
    """Copy a record, without taking it apart; it may be large."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.copyfile(source, partial)
        if added:
            _append(partial, added)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise NotWritten(f"{target} cannot be written: {error.strerror}", hint="free some disk space") from None


def _append(path: Path, added: dict[str, Any]) -> None:
    """Put members behind the last one of the JSON object in the file."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        start = file.seek(max(end - _TAIL_BYTES, 0))
        brace = file.read().rindex(b"}")
        file.seek(start + brace)
        file.truncate()
        file.write(b", " + json.dumps(added).encode()[1:] + b"\n")
