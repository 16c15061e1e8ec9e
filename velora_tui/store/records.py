"""JSON files of finished runs: one object, several on lines, pretty-printed or compact, whole or cut off."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic_core

from velora_tui.store.files import read_limited

RECORD_LIMIT = 64 * 1024 * 1024

# Half of a surrogate pair, as JSON spells it: no text that could be kept or printed.
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


@dataclass(frozen=True)
class Records:
    """The objects of a file, and what was wrong with its rest, or ""."""

    objects: tuple[dict[str, Any], ...]
    problem: str = ""


def read_records(path: Path, limit: int = RECORD_LIMIT) -> Records:
    """Return the JSON objects of a file that may be damaged. Blocks; raises StoreError: missing or too large."""
    data = read_limited(path, limit)
    try:
        document = pydantic_core.from_json(data)
    except ValueError:
        return _one_by_one(_HALF.sub(r"\\ufffd", data.decode("utf-8", "replace")))
    return _objects(document if isinstance(document, list) else [document])


def _one_by_one(text: str) -> Records:
    """Decode one value after the other, up to the first that is broken."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    place = _skip_blanks(text, 0)
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", place)) + 1
            return Records(_objects(found).objects, f"not JSON from line {line} on (cut off?)")
        found.append(value)
        place = _skip_blanks(text, place)
    return _objects(found)


def _objects(found: list[Any]) -> Records:
    objects = tuple(value for value in found if isinstance(value, dict))
    if not found:
        return Records((), "it is empty")
    return Records(objects, "" if len(objects) == len(found) else "it holds more than JSON objects")


def _skip_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n\ufeff\x00":
        place += 1
    return place
