"""The patch and the test output that a run's record quotes, for trees that keep them in no file of their own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_DETAILS = ("pilot2_eval_details", "evaluation_details")


async def write_quoted(record: Path, task: str, folder: Path) -> Mapping[str, Path]:
    """Write what the record of `task` in the file `record` quotes below `folder`; return the files by their names.

    Raises ValueError where the file holds no JSON, or is too large; OSError.
    """
    from velora_tui.pipeline.child import check_size, read_in_child  # the child itself has the standard library only

    check_size((await asyncio.to_thread(record.stat)).st_size)
    said = await read_in_child(__name__, record)
    return await asyncio.to_thread(_write, said, task, folder)


def _write(said: bytes, task: str, folder: Path) -> Mapping[str, Path]:
    records = json.loads(said)
    found = records.get(task) or (next(iter(records.values())) if len(records) == 1 else {})
    written = {name: folder / name for name, text in found.items() if text}
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in written.items():
        path.write_text(found[name], encoding="utf-8", errors="replace")
    return written


def read(path: str) -> None:
    """Print what the records in the file at `path` quote, by task: for a child process."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    quoted = {str(record.get("instance_id") or ""): _quoted(record) for record in _records(text)}
    sys.stdout.write(json.dumps(quoted))


def _records(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file up to the first that is broken."""
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        place += len(text[place : place + 1].lstrip("\ufeff \t\r\n\0")) == 0
        if text[place : place + 1] in ("{", "["):
            try:
                value, place = decoder.raw_decode(text, place)
            except ValueError:
                return
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))
        elif text[place : place + 1].strip("\ufeff \t\r\n\0"):
            return


def _quoted(record: dict[str, Any]) -> dict[str, str]:
    result = record.get("test_result")
    details = next((found for name in _DETAILS if isinstance(found := record.get(name), dict)), {})
    patch = result.get("git_patch") if isinstance(result, dict) else None
    texts = {"patch.diff": patch, "test_output.txt": details.get("test_output")}
    return {name: text for name, text in texts.items() if isinstance(text, str)}
