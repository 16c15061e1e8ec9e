"""A model's patch as git wrote it: which files it touches, and the same patch without the agent's litter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

# Files that agents leave behind where their tools misdirect an output.
LITTER = frozenset({"command", "exec_time", "exit_code", "stdout", "stderr", "test_output", "test_log"})

# Lines of a file's content begin with a blank, + or -, so this can only be a header.
_HEADER = re.compile(r"^diff --git ", re.MULTILINE)
_NAMES = re.compile(
    r'^(?:(?P<kind>---|\+\+\+|rename from|rename to|copy to) )(?P<name>"(?:[^"\\]|\\.)*"|[^\t\n]*)', re.MULTILINE
)
_SAME_NAME = re.compile(r'^diff --git (?:a/(?P<plain>.+) b/(?P=plain)|"a/(?P<quoted>.+)" "b/(?P=quoted)")\r?$')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True)
class CleanPatch:
    """A patch without litter; `dropped` names the files that were left out."""

    text: str
    dropped: tuple[str, ...]


def clean_patch(diff: str) -> CleanPatch:
    """Return `diff` without the files that are litter: new, and named as tools name their outputs.

    What is kept stays as it was, to the byte.
    """
    kept, dropped = [], []
    for section in _sections(diff):
        names = section_names(section)
        head = section.split("\n@@", 1)[0]
        if "\nnew file mode " in head and any(PurePosixPath(name).name in LITTER for name in names):
            dropped += names
        else:
            kept.append(section)
    return CleanPatch("".join(kept), tuple(dropped))


def changed_files(diff: str) -> tuple[str, ...]:
    """Return the names of the files that `diff` makes, changes, moves or removes, each once, in its order."""
    return tuple(dict.fromkeys(name for section in _sections(diff) for name in section_names(section)))


def section_names(section: str) -> list[str]:
    """Return the file names of one file's part of a diff, both for a move."""
    first_line, _, rest = section.partition("\n")
    head = rest.split("\n@@", 1)[0]
    names = []
    for match in _NAMES.finditer(head):
        name = _unquoted(match["name"].rstrip("\r"))
        if match["kind"] in {"---", "+++"}:
            name = "" if name == "/dev/null" else re.sub(r"^[ab]/", "", name)
        names.append(name)
    if not any(names) and (same := _SAME_NAME.match(first_line)):
        names.append(same["plain"] or _unquoted(f'"{same["quoted"]}"'))
    return list(dict.fromkeys(name for name in names if name))


def _sections(diff: str) -> list[str]:
    starts = [match.start() for match in _HEADER.finditer(diff)]
    if not starts:
        return [diff] if diff.strip() else []
    ends = [*starts[1:], len(diff)]
    return [diff[start:end] for start, end in zip([0, *starts[1:]], ends, strict=True)]


def _unquoted(name: str) -> str:
    """Undo git's C-style quoting of unusual names."""
    if not (len(name) >= 2 and name.startswith('"') and name.endswith('"')):
        return name
    raw = bytearray()
    position = 0
    body = name[1:-1]
    for match in _ESCAPE.finditer(body):
        raw += body[position : match.start()].encode()
        code = match[1]
        raw += bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code).encode()
        position = match.end()
    raw += body[position:].encode()
    return raw.decode("utf-8", "replace")
