"""Excerpts of logs in text files: a line "%%% name | phase" stands over each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Excerpt:
    """`name` is the signature that the text shows, or what the case is about."""

    name: str
    phase: str
    text: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}-{self.name.replace(' ', '-')}"

    @property
    def lines(self) -> list[tuple[int, str]]:
        return list(enumerate(self.text.splitlines(), start=1))


def excerpts(file: str) -> list[Excerpt]:
    """Return the excerpts of a file beside this one."""
    parts = (_HERE / file).read_text(encoding="utf-8").split("%%% ")[1:]
    found = []
    for number, part in enumerate(parts, start=1):
        head, _, text = part.partition("\n")
        name, _, phase = head.partition(" | ")
        found.append(Excerpt(name.strip(), phase.strip(), text.rstrip("\n"), number))
    return found
