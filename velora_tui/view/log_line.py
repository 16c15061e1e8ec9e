"""What a line of a log means: the pieces that deserve a colour, and the time it carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from velora_tui.view.cells import Tone
from velora_tui.view.text import clean_line, duration, size

StampMode = Literal["absolute", "relative", "off"]
STAMP_MODES: tuple[StampMode, ...] = ("absolute", "relative", "off")

ERROR_PATTERN = r"\b(?:FAILED|ERRORS?|FATAL|CRITICAL)\b|^E {2,}\S|(?:Error|Exception): |^fatal: |^Traceback \(most "
"""Finds the lines that tell of something gone wrong, as a regular expression for one line."""

_ERROR_LINE = re.compile(r"^E {2,}\S|(?:Error|Exception): |^fatal: |^Traceback \(most ")
_WORD = re.compile(
    r"\b(?:(?P<good>PASSED|RESOLVED|SUCCESS)|(?P<bad>FAILED|ERRORS?|FATAL|CRITICAL)|(?P<look>WARN(?:ING)?S?|XPASS))\b"
)
_STAMP = re.compile(
    r"\[?(?:(?P<date>\d{4}-\d\d-\d\d)[T ])?(?P<hour>[0-2]\d):(?P<minute>[0-5]\d):(?P<second>[0-6]\d)"
    r"(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?(?=\s|$)"
)
_DAY_SECONDS = 86_400


class ToneSpan(NamedTuple):
    """The characters from `start` to before `end` have this tone."""

    start: int
    end: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as it is shown: clean text, and the tones of its pieces in order."""

    text: str
    tones: tuple[ToneSpan, ...] = ()


def tones_in(text: str) -> tuple[ToneSpan, ...]:
    """Return what in a clean line is good, bad, worth a look, or only a time."""
    stamp = _STAMP.match(text)
    after = stamp.end() if stamp else 0
    tones = [ToneSpan(0, after, "dim")] if stamp else []
    if _ERROR_LINE.search(text, after) or _ERROR_LINE.match(text[after : after + 200].lstrip()):
        return (*tones, ToneSpan(after, len(text), "bad"))
    for word in _WORD.finditer(text, after):
        tones.append(ToneSpan(word.start(), word.end(), _tone_of(word)))
    return tuple(tones)


def _tone_of(word: re.Match[str]) -> Tone:
    if word["good"]:
        return "good"
    return "bad" if word["bad"] else "look"


def stamp_seconds(text: str) -> int | None:
    """Return the time of day at the start of a clean line in seconds, or None where it carries none."""
    stamp = _STAMP.match(text)
    return int(stamp["hour"]) * 3600 + int(stamp["minute"]) * 60 + int(stamp["second"]) if stamp else None


def shown_line(
    data: bytes, length: int, stamps: StampMode = "absolute", origin_seconds: int | None = None
) -> ShownLine:
    """Return the line made of `data`, the part read of its `length` bytes; `origin_seconds` is when its log began."""
    text = _with_stamp(clean_line(data), stamps, origin_seconds)
    tones = tones_in(text)
    if len(data) < length and b"\r" not in data:
        note = f" … {size(length)} in all"
        return ShownLine(text + note, (*tones, ToneSpan(len(text), len(text) + len(note), "dim")))
    return ShownLine(text, tones)


def _with_stamp(text: str, stamps: StampMode, origin_seconds: int | None) -> str:
    if stamps == "absolute" or not (stamp := _STAMP.match(text)):
        return text
    rest = text[stamp.end() :].removeprefix(" ")
    if stamps == "off" or origin_seconds is None:
        return rest
    elapsed = ((stamp_seconds(text) or 0) - origin_seconds) % _DAY_SECONDS
    return f"{duration(elapsed):>8} {rest}"
