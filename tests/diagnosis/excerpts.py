"""Excerpts of logs in folders of text files: over each stands "%%% name | phase", over all how they were made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Excerpt:
    """`name` is the signature that the text shows, or what the case is about; `file` is where it stands."""

    name: str
    phase: str
    text: str
    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}-{self.number}-{self.name.replace(' ', '-')}"

    @property
    def lines(self) -> list[tuple[int, str]]:
        return list(enumerate(self.text.splitlines(), start=1))


def excerpts(folder: str) -> list[Excerpt]:
    """Return the excerpts of all files in a folder beside this one."""
    return [excerpt for file in sorted((_HERE / folder).glob("*.txt")) for excerpt in _of(file)]


def _of(file: Path) -> list[Excerpt]:
    found = []
    for number, part in enumerate(file.read_text(encoding="utf-8").split("%%% ")[1:], start=1):
        head, _, text = part.partition("\n")
        name, _, phase = head.partition(" | ")
        found.append(Excerpt(name.strip(), phase.strip(), text.rstrip("\n"), file.stem, number))
    return found
