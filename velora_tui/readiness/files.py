"""The critical files of every instance against the good copies and against each other: probe and pure comparison."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from velora_tui.domain.fleet import CriticalFile, Fleet
from velora_tui.domain.readiness import FileCopy, FileReport, FileRow, FileState, GoodCopyState

GOOD_COPY_LIMIT_BYTES = 16 * 1024 * 1024

# One line a file: its number, then md5, sha256 and `x` where it may be executed, or `missing`.
_SUMS = r"""
sums() {
    [ -e "$2" ] || { echo "$1 missing"; return; }
    md5=$(md5sum <"$2") && sha256=$(sha256sum <"$2") || { echo "$1 unreadable"; return; }
    [ -x "$2" ] && x=x || x=-
    echo "$1 ${md5%% *} ${sha256%% *} $x"
}
"""
_LINE = re.compile(r"^(\d{1,4}) (?:(missing)|([0-9a-f]{32}) ([0-9a-f]{64}) ([x-]))$", re.MULTILINE)


class Sums(NamedTuple):
    """The checksums of a file, in hexadecimal."""

    md5: str
    sha256: str


def has_good_copy(fleet: Fleet, path: str) -> bool:
    """Tell whether the fleet file names a good copy of the critical file at `path`."""
    return any(file.path == path and file.source is not None for file in fleet.critical_files)


def no_good_copy(path: str) -> str:
    """Return what keeps Velora from mending the file at `path`, and what to do about it."""
    return f"no good copy of {path.rpartition('/')[2]} is named: add it under [[critical_files]] with source"


def files_probe(in_root: str, files: Sequence[CriticalFile]) -> str:
    """Return a script that prints the checksums of `files`; `in_root` goes to the harness's root."""
    calls = "".join(f"sums {number} {quote(_relative(file.path))}\n" for number, file in enumerate(files))
    return f"{_SUMS}{in_root}{calls}true"


def copies_of(
    instance: str, files: Sequence[CriticalFile], good: Mapping[str, Sums], text: str
) -> tuple[FileCopy, ...]:
    """Return the state of each of `files` on the instance by what the probe printed, in their order."""
    found = {int(match[1]): match for match in _LINE.finditer(text)}
    return tuple(_copy(instance, expected_sum(file, good), found.get(number)) for number, file in enumerate(files))


def expected_sum(file: CriticalFile, good: Mapping[str, Sums]) -> str | None:
    """Return "md5:…" or "sha256:…": the fleet file's checksum, else the good copy's; None where there is neither."""
    if file.sha256:
        return f"sha256:{file.sha256}"
    if file.md5:
        return f"md5:{file.md5}"
    return f"sha256:{good[file.path].sha256}" if file.path in good else None


def good_sums(files: Sequence[CriticalFile]) -> dict[str, Sums]:
    """Return the checksums of each good copy that can be read, by the file's path. Reads the disk."""
    sums = {}
    for file in files:
        if file.source is not None and (data := _read(file.source)) is not None:
            sums[file.path] = Sums(
                hashlib.md5(data, usedforsecurity=False).hexdigest(), hashlib.sha256(data).hexdigest()
            )
    return sums


def compared(
    files: Sequence[CriticalFile], copies: Mapping[str, Sequence[FileCopy]], good: Mapping[str, Sums]
) -> FileReport:
    """Put the copies of every instance side by side; `copies` are by instance, in the order of `files`."""
    return FileReport(
        rows=tuple(
            _row(file, [instance[number] for instance in copies.values()], good) for number, file in enumerate(files)
        )
    )


def _row(file: CriticalFile, copies: list[FileCopy], good: Mapping[str, Sums]) -> FileRow:
    expected = expected_sum(file, good)
    if expected is None and file.source is not None:
        copies = [_unjudged(copy) for copy in copies]
    usual = None if expected else _usual(copies)
    marked = tuple(copy.model_copy(update={"odd": _is_odd(copy, expected, usual)}) for copy in copies)
    return FileRow(path=file.path, expected=expected, good_copy=_good_copy_state(file, good), copies=marked)


def _unjudged(copy: FileCopy) -> FileCopy:
    """Return a copy whose good copy can't be read: nobody knows whether it is as it should be."""
    known = copy.state != "there"
    return copy if known else copy.model_copy(update={"state": "unknown", "detail": "the good copy can't be read"})


def _is_odd(copy: FileCopy, expected: str | None, usual: str | None) -> bool:
    if copy.state == "unknown":
        return False
    return copy.state != "good" if expected else (copy.sha256 or "missing") != usual


def _usual(copies: Sequence[FileCopy]) -> str | None:
    """Return what most instances have; None where no single content leads: then nobody's can be trusted."""
    counts = Counter(copy.sha256 or "missing" for copy in copies if copy.state != "unknown").most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def _good_copy_state(file: CriticalFile, good: Mapping[str, Sums]) -> GoodCopyState | None:
    if file.source is None:
        return None
    if file.path not in good:
        return "missing"
    return "good" if _matches(good[file.path], expected_sum(file, good)) else "differs"


def _matches(sums: Sums, expected: str | None) -> bool:
    return expected in {f"md5:{sums.md5}", f"sha256:{sums.sha256}"}


def _copy(instance: str, expected: str | None, match: re.Match[str] | None) -> FileCopy:
    if match is None:
        return FileCopy(instance=instance, state="unknown", detail="it could not be read")
    if match[2]:
        return FileCopy(instance=instance, state="missing")
    sums = Sums(match[3], match[4])
    state: FileState = "there" if expected is None else "good" if _matches(sums, expected) else "differs"
    return FileCopy(instance=instance, state=state, md5=sums.md5, sha256=sums.sha256, executable=match[5] == "x")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(GOOD_COPY_LIMIT_BYTES)
    except OSError:
        return None


def _relative(path: str) -> str:
    return path if path.startswith("/") else f"./{path}"
