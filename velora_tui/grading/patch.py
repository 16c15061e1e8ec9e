"""Git diffs, cut into files without changing a byte of what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

AGENT_LITTER = frozenset({"command", "exec_time", "exit_code", "stdout", "stderr", "test_output", "test_log"})
"""Names of files that agents' tools leave in the repository; they are no part of a model's answer."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_PREFIXES = (("a/", "b/"), ("c/", "i/"), ("c/", "w/"), ("i/", "w/"), ("o/", "w/"))
_ESCAPE = re.compile(rb'\\([0-7]{1,3}|["\\abfnrtv])')
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True)
class FilePatch:
    """One file's part of a diff: its exact text, and its paths before and after (None where it does not exist)."""

    text: str
    old_path: str | None
    new_path: str | None

    @property
    def path(self) -> str:
        return self.new_path or self.old_path or ""


@dataclass(frozen=True)
class CleanPatch:
    """A diff without agent litter, and the paths of what was dropped."""

    text: str
    dropped: tuple[str, ...] = ()


def clean_patch(diff: str) -> CleanPatch:
    """Return `diff` without the files whose name is exactly one of AGENT_LITTER; the rest stays byte for byte."""
    preamble, files = split_files(diff)
    kept = [file for file in files if not _is_litter(file)]
    if len(kept) == len(files):
        return CleanPatch(diff)
    dropped = tuple(file.path for file in files if _is_litter(file))
    return CleanPatch(preamble + "".join(file.text for file in kept) if kept else "", dropped)


def changed_files(diff: str) -> tuple[str, ...]:
    """Return the paths a diff touches, in its order, each once; of a renamed file both."""
    _, files = split_files(diff)
    paths = (path for file in files for path in (file.old_path, file.new_path) if path)
    return tuple(dict.fromkeys(paths))


def split_files(diff: str) -> tuple[str, list[FilePatch]]:
    """Return what stands before the first file, and each file's part."""
    lines = diff.split("\n")
    starts = list(_starts(lines))
    if not starts:
        return diff, []
    parts = ["\n".join(lines[begin:end]) for begin, end in zip([0, *starts], [*starts, len(lines)], strict=True)]
    texts = [part + "\n" for part in parts[:-1]] + parts[-1:]
    return (texts[0] if starts[0] else ""), [_file_patch(text) for text in texts[1:]]


def _is_litter(file: FilePatch) -> bool:
    return file.path.rpartition("/")[2] in AGENT_LITTER


def _starts(lines: list[str]) -> Iterator[int]:
    """Yield the index of each file's first line: `diff --git`, or `---` in a diff that lacks it.

    Lines inside a hunk are counted off, for they may look like headers.
    """
    old = new = 0
    in_git_header = False
    for index, line in enumerate(lines):
        if old > 0 or new > 0:
            old, new = old - (line[:1] in " -"), new - (line[:1] in " +")
            if line[:1] not in " +-\\\r":  # a damaged hunk: find the next header all the same
                old = new = 0
        if old <= 0 and new <= 0:
            if line.startswith("diff --git "):
                in_git_header = True
                yield index
            elif found := _HUNK.match(line):
                old, new = int(found[1] or 1), int(found[2] or 1)
                in_git_header = False
            elif not in_git_header and _is_plain_header(lines, index):
                yield index


def _is_plain_header(lines: list[str], index: int) -> bool:
    return (
        lines[index].startswith("--- ")
        and index + 2 < len(lines)
        and lines[index + 1].startswith("+++ ")
        and lines[index + 2].startswith("@@ ")
    )


def _file_patch(text: str) -> FilePatch:
    header = text.split("\n@@ ", 1)[0].split("\nGIT binary patch", 1)[0].split("\n")
    fields: dict[str, str] = {}
    for line in header:
        for key in ("--- ", "+++ ", "rename from ", "rename to ", "copy from ", "copy to ", "new file", "deleted file"):
            if line.startswith(key):
                fields[key] = line[len(key) :].rstrip("\r")
    old, new = _paths(header[0].rstrip("\r"), fields)
    return FilePatch(text, None if "new file" in fields else old, None if "deleted file" in fields else new)


def _paths(first: str, fields: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the paths by git's own precedence: rename or copy lines, `---`/`+++`, the first line."""
    for verb in ("rename", "copy"):
        if f"{verb} to " in fields:
            source = _unquote(fields.get(f"{verb} from ", ""))
            return (source if verb == "rename" else None), _unquote(fields[f"{verb} to "])
    if "--- " in fields and "+++ " in fields:
        return _strip_prefixes(_header_path(fields["--- "]), _header_path(fields["+++ "]))
    return _strip_prefixes(*_git_line_paths(first.removeprefix("diff --git ")))


def _header_path(value: str) -> str | None:
    path = _unquote(value.rpartition("\t")[0] or value) if value.startswith('"') else value.partition("\t")[0]
    return None if path == "/dev/null" else path


def _git_line_paths(names: str) -> tuple[str, str]:
    """Split `a/x b/x`; both halves are equally long where the names are not quoted."""
    if names.startswith('"'):
        end = names.find('" ', 1)
        return _unquote(names[: end + 1]), _unquote(names[end + 2 :])
    middle = len(names) // 2
    if names[middle : middle + 1] == " ":
        return names[:middle], names[middle + 1 :]
    old, _, new = names.partition(" ")
    return old, _unquote(new)


def _strip_prefixes(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    for before, after in _PREFIXES:
        if (old is None or old.startswith(before)) and (new is None or new.startswith(after)):
            return (old and old[len(before) :]), (new and new[len(after) :])
    return old, new


def _unquote(name: str) -> str:
    """Undo git's quoting of unusual names: `"a/caf\\303\\251"`."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = _ESCAPE.sub(_unescape, name[1:-1].encode())
    return raw.decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if code.isdigit() else _ESCAPED.get(code, code)
