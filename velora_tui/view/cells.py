"""What a table shows, without a colour in it: rows of cells made of spans, each with a tone that says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from velora_tui.view.text import clean_text

Meaning = Literal["", "dim", "faint", "strong", "run", "good", "bad", "look", "model", "ours"]
Syntax = Literal["keyword", "string", "number", "name", "comment"]
Tone = Meaning | Syntax
"""What a piece of text means: it runs, is good, is bad, wants a look, names a model, is ours; or how loud it is.

`Syntax` is what a piece of source code is.
"""

TONES: tuple[str, ...] = tuple(tone for tone in (*get_args(Meaning), *get_args(Syntax)) if tone)


class Span(NamedTuple):
    """A piece of text with one tone."""

    text: str
    tone: Tone = ""


Cell = str | Span | tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a `key` that stays with the thing it shows, and a cell for each column id."""

    key: str
    cells: Mapping[str, Cell] = field(default_factory=dict)


def spans_of(cell: Cell) -> tuple[Span, ...]:
    """Return the spans of `cell`, each one harmless line whatever it was made of."""
    if isinstance(cell, str):
        return (Span(_printable(cell)),)
    if isinstance(cell, Span):
        return (Span(_printable(cell.text), cell.tone),)
    return tuple(Span(_printable(span.text), span.tone) for span in cell)


def plain(cell: Cell) -> str:
    """Return the text of `cell` alone."""
    return "".join(span.text for span in spans_of(cell))


def switched(what: str, *, is_on: bool) -> Span:
    """Return what can be switched on, and that it is."""
    return Span(f"{what}: on", "look") if is_on else Span(what, "dim")


def _printable(text: str) -> str:
    return text if text.isprintable() else clean_text(text)
