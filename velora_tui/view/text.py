"""Text from outside made safe to show, and the few number formats used on every screen and in every command."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

# A raw byte that is not UTF-8 arrives as U+DC80–U+DCFF (surrogateescape), so 8-bit C1 codes are seen in both spellings.
# Every class leaves out what could start another sequence and every repeat is possessive: linear on any input.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|[\x9b\udc9b])[0-?]*+[ -/]*+[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f\udc90\udc98\udc9d-\udc9f])"
    r"[^\x00-\x08\x0a-\x1f\x7f-\x9f\udc80-\udc9f]*+(?:\x07|\x1b\\|[\x9c\udc9c])"
    r"|\x1b[ -/]*+[0-~]?"
)
_TAB_CELLS = 8
_ELLIPSIS = "…"
_SIZE_UNITS = ("KB", "MB", "GB", "TB", "PB")
_KEPT_INVISIBLE = frozenset("\t\r")
_VARIATION_SELECTORS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))


def clean_line(data: bytes, width_limit: int | None = None) -> str:
    """Return one line of a log as text that can only be read: nothing in it can colour, move or hide.

    Terminal sequences, control, bidirectional and zero-width characters are gone, bytes that are not UTF-8 are U+FFFD,
    tabs are blanks, and of a line redrawn with carriage returns the last state that shows something is left.
    A line wider than `width_limit` cells is cut and ends in "…".
    """
    text = data.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    if not (text.isascii() and text.isprintable()):
        text = _last_state(_visible(_SEQUENCE.sub("", text))).expandtabs(_TAB_CELLS)
    return text if width_limit is None else cut(text, width_limit)


def clean_text(text: str, width_limit: int | None = None) -> str:
    """Return one line of foreign `text` cleaned like a line of a log; line breaks, with what indents, become blanks."""
    first, *others = text.splitlines() or [""]
    flat = " ".join((first, *(line.lstrip() for line in others)))
    return clean_line(flat.encode("utf-8", "surrogatepass"), width_limit)


def _visible(text: str) -> str:
    """Drop or replace every character that does not stand for itself, except tab and carriage return."""
    return "".join(map(_visible_character, text))


@lru_cache(4096)
def _visible_character(character: str) -> str:
    if character in _VARIATION_SELECTORS:
        return ""
    if character.isprintable() or character in _KEPT_INVISIBLE:
        return character
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cc", "Cf") else "\ufffd"


def _last_state(text: str) -> str:
    """Return what a line redrawn with carriage returns showed last."""
    states = text.split("\r")
    return next((state for state in reversed(states) if state.strip()), states[-1])


def cells(text: str) -> int:
    """Return how many terminal cells `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Return `text` in at most `width` cells; what is cut ends in "…"."""
    if len(text) <= width and cells(text) <= width:
        return text
    if width <= 1:
        return _ELLIPSIS if width == 1 else ""
    return set_cell_size(text[:width], width - 1).rstrip() + _ELLIPSIS


def cut_start(text: str, width: int) -> str:
    """Return `text` in at most `width` cells; what is cut began where "…" stands."""
    if len(text) <= width and cells(text) <= width:
        return text
    kept = text[-width:]
    while cells(kept) >= width > 0:
        kept = kept[1:]
    return _ELLIPSIS + kept if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, with its beginning and, twice as long, its end around a "…"."""
    if len(text) <= width and cells(text) <= width:
        return text
    end = cut_start(text, 2 * width // 3)
    return cut(text, width - cells(end) + 1) + end.removeprefix(_ELLIPSIS)


def cut_apart(texts: Sequence[str], width: int) -> list[str]:
    """Return each text in at most `width` cells, cut where it keeps them apart, if there is such a place."""
    ends = min(texts, default=""), max(texts, default="")  # what they have in common, all have
    same = next((place for place, pair in enumerate(zip(*ends, strict=False)) if pair[0] != pair[1]), 0)
    ways = (
        [cut_start(text, width) for text in texts],
        [cut_middle(text, width) for text in texts],
        [cut_middle(_ELLIPSIS + text[same:], width) for text in texts],
    )
    return max(ways, key=lambda way: len(set(way)))


def pad(text: str, width: int, align: str = "left") -> str:
    """Return `text` in exactly `width` cells, cut or filled with blanks; `align` is left, right or center."""
    text = cut(text, width)
    free = width - cells(text)
    before = {"left": 0, "right": free, "center": free // 2}[align]
    return " " * before + text + " " * (free - before)


def count(number: int) -> str:
    """Return 1240 as "1,240"."""
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 run" or "1,240 runs"; `many` is the plural where it is not `one` with an s."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a length of time as a clock: "0:07", "12:41", "1:02:03"."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def age(seconds: float) -> str:
    """Return how long ago something was in its largest whole unit: "3 s", "4 m", "2 h", "5 d"."""
    whole = max(0, int(seconds))
    for unit_seconds, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= unit_seconds:
            return f"{whole // unit_seconds} {unit}"
    return f"{whole} s"


def size(size_bytes: float) -> str:
    """Return a number of bytes in decimal units: "512 B", "68 KB", "2.1 GB"."""
    value = float(max(0, size_bytes))
    if value < 1000:
        return f"{int(value)} B"
    for unit in _SIZE_UNITS:
        value /= 1000
        if round(value, 1) < 10:
            return f"{value:.1f} {unit}"
        if round(value) < 1000:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} {_SIZE_UNITS[-1]}"
