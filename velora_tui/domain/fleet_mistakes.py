"""What is wrong in a fleet file, in plain words: line, key, and what is expected there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from velora_tui.domain import fleet as sections
from velora_tui.domain.fleet import Fleet, Section

Location = tuple[int | str, ...]
Document = Mapping[str, Any]

_SECTIONS: Mapping[str, type[Section]] = {
    "fleet": sections.FleetSection,
    "defaults": sections.Defaults,
    "s3": sections.S3Settings,
    "models": sections.Model,
    "agents": sections.Agent,
    "critical_files": sections.CriticalFile,
    "checks": sections.OwnCheck,
    "instances": sections.Instance,
}
_NAMED_BY = {"instances": "name", "checks": "id", "critical_files": "path"}
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "path": "a path in quotes",
    "tuple": "a list in [ ]",
    "dict": "a table",
    "model": "a table",
}
_LIMITS = {
    "less_than_equal": ("at most", "le"),
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
}
_SHOWN_CHARACTERS = 60


class Mistake(NamedTuple):
    """One thing to mend: where it is (a line of 0: in the file as a whole), what it is, and what may be meant."""

    line: int
    words: str
    hint: str | None = None


def mistakes(text: str, document: Document, errors: Sequence[ErrorDetails]) -> list[Mistake]:
    """Return what is wrong in the fleet file with that text, from its top to its end."""
    unknown = {location: _meant(location) for location, error in _located(errors) if _is_unknown(error)}
    mistyped = {(*location[:-1], meant) for location, meant in unknown.items() if meant}
    found = [
        _mistake(text, document, location, error, unknown.get(location))
        for location, error in _located(errors)
        if not (error["type"] == "missing" and location in mistyped)
    ]
    return sorted(found, key=lambda mistake: mistake.line)


def _located(errors: Sequence[ErrorDetails]) -> Iterator[tuple[Location, ErrorDetails]]:
    return ((tuple(part for part in error["loc"] if part != "[key]"), error) for error in errors)


def _is_unknown(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden"


def _meant(location: Location) -> str | None:
    """Return the key that is nearest to the unknown one at `location`."""
    section = _SECTIONS.get(str(location[0]), Fleet) if len(location) > 1 else Fleet
    return next(iter(get_close_matches(str(location[-1]), list(section.model_fields), n=1)), None)


def _mistake(text: str, document: Document, location: Location, error: ErrorDetails, meant: str | None) -> Mistake:
    if not location:
        return Mistake(0, _expectation(error).removeprefix(": "))
    line, key = line_of(text, location), _key_words(document, location)
    if error["type"] == "tuple_type" and location[-1] in _NAMED_BY:
        return Mistake(line, f"{key} is a list of tables: write each as [[{key}]]")
    if _is_unknown(error):
        return Mistake(line, f"unknown key {key}", f"did you mean {meant}?" if meant else "remove it")
    return Mistake(line, f"{key}{_expectation(error)}")


def _expectation(error: ErrorDetails) -> str:
    """Return what is expected of a key's value, to be read after the key."""
    kind, given, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":
        return f": {error['msg'].removeprefix('Value error, ')}"
    if kind == "missing":
        return " is missing"
    if kind == "string_too_short":
        return " must not be empty"
    shown = repr(given)[:_SHOWN_CHARACTERS]
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f" must be {words} {limits[limit]:g}, not {shown}"
    if kind == "string_type":  # it may be a secret
        return " must be text in quotes"
    expected = _EXPECTED.get(kind.partition("_")[0])
    return f" must be {expected}, not {shown}" if expected else f": {error['msg']}"


def _key_words(document: Document, location: Location) -> str:
    """Return the key at `location` as people find it: "port of [[instances]] 'eval2'", or "defaults.recipe"."""
    if len(location) < 2 or not isinstance(location[1], int):
        return ".".join(str(part) for part in location)
    table, number, *rest = location
    key = ".".join(str(part) for part in rest if isinstance(part, str))
    named_by = _NAMED_BY[str(table)]
    entry = document[str(table)][number]
    name = entry.get(named_by) if isinstance(entry, dict) and key != named_by else None
    which = repr(name) if name and isinstance(name, str) else f"number {int(number) + 1}"
    return f"{key} of [[{table}]] {which}" if key else f"[[{table}]] {which}"


def line_of(text: str, location: Location) -> int:
    """Return the 1-based line of the key at `location` (as in ("instances", 2, "port")) or of its table's header."""
    header, key, nth = _header(location)
    table_line, seen = 0, -1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            if table_line:
                break
            matches = re.sub(r"[\s\"']", "", stripped.split("#")[0]) == header
            seen += matches
            table_line = number if matches and seen == nth else 0
        elif table_line and key and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*[.=]", stripped):
            return number
    return table_line or 1


def _header(location: Location) -> tuple[str, str | None, int]:
    """Return the table header that holds `location`, its key in that table, and which of equal headers it is."""
    names = [part for part in location if isinstance(part, str)]
    if len(location) > 1 and isinstance(location[1], int):
        return f"[[{names[0]}]]", names[1] if len(names) > 1 else None, location[1]
    if names and names[0] in {"models", "agents"} and len(names) > 1:
        return f"[{names[0]}.{names[1]}]", names[2] if len(names) > 2 else None, 0
    return f"[{names[0]}]" if names else "", names[1] if len(names) > 1 else None, 0
