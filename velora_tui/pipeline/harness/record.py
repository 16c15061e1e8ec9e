"""Read the harness's one-object JSON files value by value, so that a large one never stops the loop for long."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")


class NotOneRecord(ValueError):
    """The file holds more than one JSON object."""


@dataclass(frozen=True)
class OutputRecord:
    """What an output.jsonl, or the grader's copy of it, says (HARNESS.md, "Files")."""

    instance_id: str
    git_patch: str
    history: int
    error: str | None
    cost: float | None
    start_time: str | None
    details: dict[str, Any]  # the grader's, where it has added them
    resolved: bool | None

    @property
    def test_output(self) -> str:
        return str(self.details.get("test_output") or "")


def parse_record(data: bytes) -> OutputRecord:
    """Return what the one JSON object in `data` says. Blocks; raises ValueError, and NotOneRecord for several."""
    fields = _shallow(data.decode("utf-8"))
    test_result, metrics, metadata = (fields.get(name) for name in ("test_result", "metrics", "metadata"))
    cost = metrics.get("accumulated_cost") if isinstance(metrics, dict) else None
    details = fields.get("pilot2_eval_details") or fields.get("evaluation_details")
    start_time = metadata.get("start_time") if isinstance(metadata, dict) else None
    resolved = fields.get("resolved")
    return OutputRecord(
        instance_id=str(fields.get("instance_id") or ""),
        git_patch=str(test_result.get("git_patch") or "") if isinstance(test_result, dict) else "",
        history=fields["history"] if isinstance(fields.get("history"), int) else 0,
        error=str(fields["error"]) if fields.get("error") else None,
        cost=float(cost) if isinstance(cost, int | float) else None,
        start_time=start_time if isinstance(start_time, str) else None,
        details=details if isinstance(details, dict) else {},
        resolved=resolved if isinstance(resolved, bool) else None,
    )


def _shallow(text: str) -> dict[str, Any]:
    """Return the object's fields; of `history` only how many entries it has. Raises ValueError."""
    walker = _Walker(text)
    fields = walker.fields()
    if not walker.at_end():
        raise NotOneRecord("it holds more than one record")
    return fields


class _Walker:
    """Goes through the text of one object; each step decodes one value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def at_end(self) -> bool:
        return self._next() == ""

    def fields(self) -> dict[str, Any]:
        if self._next() != "{":
            raise ValueError("it holds no JSON object")
        fields: dict[str, Any] = {}
        for _ in self._members("}"):
            name = self._value()
            self._expect(":")
            fields[str(name)] = self._count() if name == "history" and self._next() == "[" else self._value()
        return fields

    def _count(self) -> int:
        count = 0
        for _ in self._members("]"):
            self._value()
            count += 1
        return count

    def _members(self, closing: str) -> Iterator[None]:
        """Step over the brackets and commas; the caller reads what stands between."""
        self._place += 1
        if self._next() == closing:
            self._place += 1
            return
        while True:
            yield
            if self._next() == closing:
                self._place += 1
                return
            self._expect(",")

    def _value(self) -> Any:
        self._next()
        value, self._place = _DECODER.raw_decode(self._text, self._place)
        return value

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"not JSON at character {self._place}")
        self._place += 1

    def _next(self) -> str:
        """Step over blanks and return the character there; "" at the end."""
        blanks = _BLANKS.match(self._text, self._place)
        assert blanks
        self._place = blanks.end()
        return self._text[self._place : self._place + 1]
