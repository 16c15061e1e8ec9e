"""Search through a log by chunks of bytes, never line by line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from velora_tui.errors import UsageError
from velora_tui.store.log_index import LogIndex

CHUNK_BYTES = 256 * 1024
PIECE_BYTES = 1024 * 1024
OVERLAP_BYTES = 4 * 1024
MAX_PATTERN_CHARACTERS = 1000
REGEX_LINE_CHARACTERS = 1000
"""So much of a line a regular expression looks at: its time can grow with a power of the length."""

# Colours between the letters must not hide a word; the newline stays, so lines keep their numbers.
_TERMINAL_SEQUENCE = re.compile(rb"\x1b\[[0-?]*+[ -/]*+[@-~]|\x1b\][^\x00-\x1f]*+(?:\x07|\x1b\\)|\x1b[ -/]*+[0-Z\\^-~]")
_CHARACTER_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_INNERMOST_GROUP = re.compile(r"\((?!\?\()(?:\?[:=!<>a-zP-]+)?([^()]*)\)")
_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}")
_LEADING_WILDCARD = re.compile(r"^(?:\.\*\??)+(?![+*?{|])")
_REGEX_CHARACTERS = frozenset(r"\.^$*+?{}[]|()")

_LONG_LINE = re.compile(rf"^(.{{{REGEX_LINE_CHARACTERS}}}).+$", re.MULTILINE)

Finder = Callable[[bytes], Iterator[int]]
"""Gives the 0-based indexes of the matching lines in a chunk."""


@dataclass(frozen=True, slots=True)
class SearchBatch:
    """Numbers of matching lines, rising, and the offset in bytes up to which the log has been searched."""

    lines: list[int]
    searched_bytes: int


def ignores_case(pattern: str) -> bool:
    """Return whether `pattern` is all in lower case and so matches either case; escapes such as \\S do not count."""
    return not any(character.isupper() for character in re.sub(r"\\.", "", pattern))


def is_plain(pattern: str) -> bool:
    """Return whether `pattern` has no sign with a meaning of its own."""
    return not _REGEX_CHARACTERS.intersection(pattern)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return `pattern` compiled with smart case, for one line; raises UsageError that says what is wrong with it."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise UsageError(f"the pattern is too long: {len(pattern):,} characters, at most {MAX_PATTERN_CHARACTERS:,}")
    if _can_take_for_ever(pattern):
        raise UsageError("the pattern repeats a group that repeats something itself", hint="(a+)+ finds what a+ finds")
    try:
        return re.compile(pattern, re.IGNORECASE if ignores_case(pattern) else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"not a regular expression: {error}", hint="put a \\ before a sign that stands for itself"
        ) from None


def _can_take_for_ever(pattern: str) -> bool:
    """Return whether a repeat holds another one, as in (a+)+, for which Python's engine needs exponential time."""
    rest = _CHARACTER_CLASS.sub("x", re.sub(r"\\.", "x", pattern))
    while group := _INNERMOST_GROUP.search(rest):
        repeats = bool(_REPEAT.search(group[1]))
        if repeats and _REPEAT.match(rest, group.end()):
            return True
        rest = rest[: group.start()] + ("x*" if repeats else "x") + rest[group.end() :]
    return False


def search_index(index: LogIndex, pattern: str, first_number: int, offset: int) -> Iterator[SearchBatch]:
    """Yield batches of matching lines from the line `first_number`, which starts at `offset`, to the indexed end."""
    find = _finder(pattern)
    return _search(index, find, first_number, offset)


def _search(index: LogIndex, find: Finder, number: int, offset: int) -> Iterator[SearchBatch]:
    end = index.extent.size
    carried = b""
    last_hit = 0
    while offset < end:
        data = os.pread(index.fd, min(CHUNK_BYTES, end - offset), offset)
        if not data:
            return
        offset += len(data)
        chunk, carried = _whole_lines(carried + data, is_last=offset >= end)
        hits = [number + line for line in find(chunk)] if chunk else []
        if hits and hits[0] == last_hit:
            del hits[0]
        last_hit = hits[-1] if hits else last_hit
        number += chunk.count(b"\n")
        yield SearchBatch(hits, offset)


def _whole_lines(data: bytes, is_last: bool) -> tuple[bytes, bytes]:
    """Split off the unfinished last line; a very long line goes in overlapping pieces."""
    if is_last:
        return data, b""
    end = data.rfind(b"\n") + 1
    if end:
        return data[:end], data[end:]
    if len(data) > PIECE_BYTES:
        return data, data[-OVERLAP_BYTES:]
    return b"", data


def _finder(pattern: str) -> Finder:
    compiled = compile_pattern(pattern)
    if not pattern:
        return lambda _chunk: iter(())
    if pattern.isascii() and is_plain(pattern):
        return _plain_finder(pattern.encode(), ignores_case(pattern))
    return _regex_finder(re.compile(_without_leading_wildcard(pattern), compiled.flags | re.MULTILINE))


def _without_leading_wildcard(pattern: str) -> str:
    """Drop a leading .* that changes nothing in what lines are found, but much in how long it takes."""
    rest = _LEADING_WILDCARD.sub("", pattern)
    return rest or pattern


def _plain_finder(needle: bytes, ignore_case: bool) -> Finder:
    def find(chunk: bytes) -> Iterator[int]:
        text = _without_sequences(chunk)
        if ignore_case:
            text = text.lower()
        line, counted = 0, 0
        found = text.find(needle)
        while found >= 0:
            line += text.count(b"\n", counted, found)
            yield line
            counted = text.find(b"\n", found)
            if counted < 0:
                return
            found = text.find(needle, counted)

    return find


def _regex_finder(pattern: re.Pattern[str]) -> Finder:
    def find(chunk: bytes) -> Iterator[int]:
        text = _short_lines(_without_sequences(chunk).replace(b"\r\n", b"\n").decode("utf-8", "replace"))
        line, counted, position = 0, 0, 0
        while position < len(text) and (match := pattern.search(text, position)):
            start = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.start())
            end = len(text) if end < 0 else end
            line += text.count("\n", counted, start)
            counted = start
            # A class such as [^x] reaches over the line's end: then only this line decides.
            if match.end() <= end or pattern.search(text, start, end):
                yield line
            position = end + 1

    return find


def _short_lines(text: str) -> str:
    """Cut the lines of `text` that are too long for a regular expression; free where there is none."""
    start = 0
    while start + REGEX_LINE_CHARACTERS < len(text):
        end = text.rfind("\n", start, start + REGEX_LINE_CHARACTERS + 1)
        if end < 0:
            return _LONG_LINE.sub(r"\1", text)
        start = end + 1
    return text


def _without_sequences(chunk: bytes) -> bytes:
    return _TERMINAL_SEQUENCE.sub(b"", chunk) if b"\x1b" in chunk else chunk
