"""A patch as it is read: its files with their sizes, its lines with their meaning."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from unidiff import PatchSet
from unidiff.errors import UnidiffParseError

from velora_tui.garbage import collection_held
from velora_tui.view.cells import Span, Tone
from velora_tui.view.lines import Line, PackedLines
from velora_tui.view.text import count, size

LONGEST_LINE_CHARACTERS = 4_000
MOST_LINES = 20_000  # more would hold up the screen; the files of a patch that one reads are shorter
_HUNK = re.compile(r"@@ -\d{1,9}(?:,(?P<old>\d{1,9}))? \+\d{1,9}(?:,(?P<new>\d{1,9}))? @@")
_BODY_TONES: dict[str, Tone] = {"+": "good", "-": "bad", "\\": "dim"}
_HEADERS = ("index ", "--- ", "+++ ", "new ", "deleted ", "old mode", "similarity ", "rename ", "copy ")
_KINDS = {"is_added_file": "new", "is_removed_file": "deleted", "is_rename": "renamed", "is_binary_file": "binary"}


@dataclass(frozen=True, slots=True)
class DiffFile:
    """One file of a patch; `kind` is "new", "deleted", "renamed", "binary" or empty."""

    path: str
    added: int
    removed: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """A patch: `files`, `lines` ready to be shown, and the places in `lines` where files and hunks begin.

    `problem` says why the files could not be told apart; the lines are there all the same. `is_cut` tells that only the
    beginning is shown: its `files` are those that are whole.
    """

    files: tuple[DiffFile, ...]
    lines: PackedLines
    file_starts: tuple[int, ...]
    hunk_starts: tuple[int, ...]
    size_bytes: int
    problem: str = ""
    is_cut: bool = False

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    def next_hunk(self, place: int) -> int | None:
        """Return where the hunk after `place` begins."""
        index = bisect_right(self.hunk_starts, place)
        return self.hunk_starts[index] if index < len(self.hunk_starts) else None

    def previous_hunk(self, place: int) -> int | None:
        """Return where the hunk before `place` begins."""
        index = bisect_left(self.hunk_starts, place) - 1
        return self.hunk_starts[index] if index >= 0 else None


@collection_held()
def read_diff(text: str, left_out_bytes: int = 0) -> Diff:
    """Return the patch in `text`, behind which so many bytes are left out; what is no diff is shown as it stands."""
    size_bytes = len(text.encode("utf-8", "replace")) + left_out_bytes
    rows = text.split("\n", MOST_LINES)
    is_cut = left_out_bytes > 0 or (len(rows) > MOST_LINES and bool(rows[-1]))
    if is_cut:
        text = "\n".join(rows[:-1])
    files, problem = _files(text.rpartition("\ndiff --git ")[0] if is_cut else text)
    lines, file_starts, hunk_starts = _lines(text)
    if is_cut:
        lines.append(Line((Span("… the rest is not shown", "look"),), key=str(len(lines))))
    return Diff(files, PackedLines(lines), tuple(file_starts), tuple(hunk_starts), size_bytes, problem, is_cut)


def summary(diff: Diff) -> tuple[Span, ...]:
    """Return the patch in numbers: "68 KB  3 files  +41 −12"."""
    files = f"{count(len(diff.files))} file{'' if len(diff.files) == 1 else 's'}"
    changes = (Span(f"  +{count(diff.added)}", "good"), Span(f" −{count(diff.removed)}", "bad")) if diff.files else ()
    if diff.is_cut:
        return (Span(size(diff.size_bytes), "strong"), Span(f"  only {count(len(diff.lines) - 1)} lines shown", "look"))
    return (Span(size(diff.size_bytes), "strong"), Span(f"  {files}", "dim"), *changes)


def file_lines(diff: Diff) -> list[Line]:
    """Return the patch's files with what was added and removed; the key of a line is the file's place in the patch."""
    widest = max((len(file.path) for file in diff.files), default=0)
    return [_file_line(number, file, min(widest, 70)) for number, file in enumerate(diff.files)]


def _file_line(number: int, file: DiffFile, path_cells: int) -> Line:
    kind = Span(f"  {file.kind}", "look" if file.kind == "deleted" else "dim")
    changes = (Span(f"  +{count(file.added):<5}", "good"), Span(f"−{count(file.removed):<5}", "bad"), kind)
    return Line((Span(f"   {file.path:<{path_cells}}"), *changes), key=f"file:{number}")


def _files(text: str) -> tuple[tuple[DiffFile, ...], str]:
    try:
        patch = PatchSet(text)
    except (UnidiffParseError, ValueError, IndexError) as error:
        return (), f"not a well-formed patch: {error}"
    return tuple(DiffFile(file.path, file.added, file.removed, _kind(file)) for file in patch), ""


def _kind(file: object) -> str:
    return next((word for attribute, word in _KINDS.items() if getattr(file, attribute)), "")


def _lines(text: str) -> tuple[list[Line], list[int], list[int]]:
    """Return the lines with their tones, and the places where files and hunks begin."""
    lines: list[Line] = []
    file_starts: list[int] = []
    hunk_starts: list[int] = []
    old_left = new_left = 0  # lines of the hunk that are still to come
    for place, raw in enumerate(text.removesuffix("\n").split("\n")):
        in_hunk = old_left > 0 or new_left > 0
        if hunk := (None if in_hunk else _HUNK.match(raw)):
            hunk_starts.append(place)
            old_left, new_left = int(hunk["old"] or 1), int(hunk["new"] or 1)
            tone: Tone = "ours"
        elif in_hunk:
            tone = _BODY_TONES.get(raw[:1], "")
            old_left -= raw[:1] not in ("+", "\\")
            new_left -= raw[:1] not in ("-", "\\")
        else:
            if raw.startswith("diff --git ") or (raw.startswith("--- ") and not _has_opened(file_starts, hunk_starts)):
                file_starts.append(place)
            tone = _header_tone(raw)
        lines.append(Line((Span(raw[:LONGEST_LINE_CHARACTERS], tone),), key=str(place)))
    return lines, file_starts, hunk_starts


def _has_opened(file_starts: list[int], hunk_starts: list[int]) -> bool:
    """Return whether a file has begun of which no hunk was seen yet."""
    return bool(file_starts) and (not hunk_starts or hunk_starts[-1] < file_starts[-1])


def _header_tone(raw: str) -> Tone:
    if raw.startswith("diff --git "):
        return "strong"
    return "dim" if raw.startswith(_HEADERS) else ""
