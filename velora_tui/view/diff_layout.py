"""A patch as it is laid out: lines in the colours of their language, below each other or side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from velora_tui.garbage import collection_held
from velora_tui.view.cells import Span, Tone
from velora_tui.view.diff import Diff
from velora_tui.view.lines import Ground, Line, PackedLines
from velora_tui.view.syntax import coloured

COLOURED_BYTES = 512 * 1024
_GROUNDS: dict[str, Ground] = {"+": "added", "-": "removed"}
_SIGN_TONES: dict[str, Tone] = {"+": "good", "-": "bad"}
_NUMBER_CELLS = 5


@dataclass(frozen=True, slots=True)
class DiffLayout:
    """The lines of a patch, below each other and side by side; in both, the same keys lead to the same places."""

    unified: PackedLines
    halved: PackedLines


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a hunk: its key, its sign, its code, and its numbers in the file before and after."""

    key: str
    sign: str
    code: tuple[Span, ...]
    old: int
    new: int


@collection_held()
def lay_out(diff: Diff) -> DiffLayout:
    """Return a patch both ways, coloured unless it is very large."""
    unified: list[Line] = []
    halved: list[Line] = []
    starts = sorted({*diff.file_starts, *diff.hunk_starts, len(diff.lines)})
    hunks = set(diff.hunk_starts)
    path = ""
    unified += diff.lines[: starts[0]]
    halved += diff.lines[: starts[0]]
    for start, end in pairwise(starts):
        part = diff.lines[start:end]
        if start in diff.file_starts:
            path = _path(part)
        if start not in hunks:
            unified += part
            halved += part
            continue
        length = next((place for place, line in enumerate(part) if place and not _is_code(line)), len(part))
        rows = list(_rows(part[:length], path if diff.size_bytes <= COLOURED_BYTES else ""))
        unified += [part[0], *map(_unified, rows), *part[length:]]
        halved += [part[0], *_paired(rows), *part[length:]]
    return DiffLayout(PackedLines(unified), PackedLines(halved))


def _is_code(line: Line) -> bool:
    """Return whether a line below a hunk's header is one of the hunk; a blank one has lost its sign."""
    return line.text[:1] in ("", " ", "+", "-", "\\")


def _path(header: Sequence[Line]) -> str:
    """Return the file that a patch's header names, the one after the change if there is one."""
    for prefix in ("+++ ", "--- "):
        for line in header:
            name = line.text[4:].split("\t")[0]
            if line.text.startswith(prefix) and name != "/dev/null":
                return name
    return ""


def _rows(hunk: Sequence[Line], path: str) -> Iterator[_Row]:
    """Yield the lines below a hunk's header."""
    body = [(line.key, line.text) for line in hunk[1:]]  # its text is clean: lexing would break up escape sequences
    before = _sides(body, "-", path)
    after = _sides(body, "+", path)
    old, new = _numbers(hunk[0].text)
    for key, raw in body:
        sign = raw[:1] if raw[:1] in ("+", "-", "\\") else " "
        code = next(before) if sign == "-" else next(after) if sign in "+ " else (Span(raw[1:], "dim"),)
        if sign == " ":
            next(before)
        yield _Row(key, sign, code, old, new)
        old += sign in "- "
        new += sign in "+ "


def _sides(body: Sequence[tuple[str, str]], sign: str, path: str) -> Iterator[tuple[Span, ...]]:
    """Return the code of one side of a hunk, line by line: all but what only the other side has."""
    other = {"-": "+", "+": "-"}[sign]
    codes = [raw[1:] for _, raw in body if raw[:1] not in (other, "\\")]
    return iter(coloured(path, codes) if path else [(Span(code),) for code in codes])


def _numbers(header: str) -> tuple[int, int]:
    """Return the first lines of a hunk, "@@ -19,7 +19,6 @@ …", before and after."""
    numbers = [word[1:].partition(",")[0] for word in header.split()[1:3]]
    old, new = (int(number) if number.isdigit() else 1 for number in numbers)
    return old, new


def _unified(row: _Row) -> Line:
    return Line((_sign(row), *row.code), key=row.key, ground=_GROUNDS.get(row.sign, ""))


def _sign(row: _Row) -> Span:
    return Span(row.sign, _SIGN_TONES.get(row.sign, "dim"))


def _paired(rows: Sequence[_Row]) -> Iterator[Line]:
    """Yield lines with what was removed at the left and what came instead at the right."""
    removed: list[_Row] = []
    added: list[_Row] = []
    for row in rows:
        if row.sign == "-" and not added:
            removed.append(row)
        elif row.sign == "+":
            added.append(row)
        else:
            yield from _flushed(removed, added)
            removed, added = ([row], []) if row.sign == "-" else ([], [])
            if row.sign != "-":
                yield _half(row, row)
    yield from _flushed(removed, added)


def _flushed(removed: Sequence[_Row], added: Sequence[_Row]) -> Iterator[Line]:
    for old, new in zip_longest(removed, added):
        yield _half(old, new)


def _half(old: _Row | None, new: _Row | None) -> Line:
    key = (new or old).key if (new or old) else ""  # type: ignore[union-attr]
    left = Line(
        _side(old, old.old if old else 0), key=key, head=2, ground=_GROUNDS.get(old.sign, "") if old else "empty"
    )
    return replace(
        left,
        right=_side(new, new.new if new else 0),
        right_ground=_GROUNDS.get(new.sign, "") if new else "empty",
        halved=True,
    )


def _side(row: _Row | None, number: int) -> tuple[Span, ...]:
    if row is None:
        return (Span(""),)
    return (Span(f"{number:>{_NUMBER_CELLS}} ", "faint"), _sign(row), *row.code)
