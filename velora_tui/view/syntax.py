"""Source code in the tones of its syntax."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pygments.lexers import get_lexer_for_filename  # type: ignore[import-untyped]
from pygments.token import Token  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from velora_tui.view.cells import Span, Tone

LONGEST_LINE_CHARACTERS = 500  # longer ones are data, and lexing them takes long
_TONES: tuple[tuple[Any, Tone], ...] = (
    (Token.Keyword, "keyword"),
    (Token.Operator.Word, "keyword"),
    (Token.Comment, "comment"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Name.Function, "name"),
    (Token.Name.Class, "name"),
    (Token.Name.Decorator, "name"),
    (Token.Name.Tag, "keyword"),
)


def coloured(path: str, lines: list[str]) -> list[tuple[Span, ...]]:
    """Return consecutive lines of the file `path` in tones; plain where its language is not known."""
    lexer = _lexer(path.rpartition("/")[2])
    if lexer is None or any(len(line) > LONGEST_LINE_CHARACTERS for line in lines):
        return [(Span(line),) for line in lines]
    found = list(_by_line(lexer, "\n".join(lines)))
    return [spans or (Span(""),) for spans in found[: len(lines)]]


@lru_cache(maxsize=64)
def _lexer(name: str) -> Any | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, stripall=False, ensurenl=False)
    except ClassNotFound:
        return None


def _by_line(lexer: Any, text: str) -> Iterator[tuple[Span, ...]]:
    """Yield the spans of each line, one tuple for each line of `text`."""
    line: list[Span] = []
    for kind, value in lexer.get_tokens(text):
        tone = _tone(kind)
        first, *others = value.split("\n")
        if first:
            line.append(Span(first, tone))
        for piece in others:
            yield tuple(line)
            line = [Span(piece, tone)] if piece else []
    yield tuple(line)


@lru_cache(maxsize=512)
def _tone(kind: Any) -> Tone:
    return next((tone for known, tone in _TONES if kind in known), "")
