"""`--ascii`: every character that leaves for the terminal becomes plain ASCII of the same width."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("─╌╍┄┅▔▁", "-"),
        **dict.fromkeys("━═", "="),
        **dict.fromkeys("│┃║▌▐▎▏▕", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("█▇▆▅▉▊▋", "#"),
        **dict.fromkeys("▄▃▂▀", "="),
        **dict.fromkeys("·∙", "."),
        **dict.fromkeys("–—−", "-"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("‘’", "'"),
        "▶": ">",
        "▷": ">",
        "▸": ">",
        "✓": "+",
        "✗": "x",
        "●": "*",
        "•": "*",
        "○": "o",
        "■": "#",
        "⏎": "<",
        "▾": "v",
        "▴": "^",
        "↑": "^",
        "↓": "v",
        "←": "<",
        "→": ">",
        "›": ">",
        "×": "x",
        "…": "~",
    }
)


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Return `text` in ASCII and as wide as it was."""
    if text.isascii():
        return text
    return "".join(
        character if character.isascii() else "?" * cell_len(character) for character in text.translate(_PLAIN)
    )


class AsciiFilter(LineFilter):
    """Replaces what is not ASCII, whichever widget drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [
            segment if segment.text.isascii() else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]
