"""Tests that are named by nested titles: how the titles become ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from velora_tui.grading.parsed import Listed, Observation, ParsedLog

JOINT = " > "
JOINTS = (JOINT, " ", " › ", "::", ".", " - ", " / ", " | ", ": ")
"""How datasets join the titles of nested suites."""


TITLE_LIMIT = 2000  # characters of a title of several lines: what goes on for longer is none


@dataclass
class TitleBook:
    """Collects results by their titles.

    The id is the titles joined by ` > `; a task that spells it otherwise, with the file before it or by the test's
    own title alone, finds it too, and where several tests are spelled alike, the worst of them.
    """

    listed: Listed
    parsed: ParsedLog = field(default_factory=ParsedLog)
    _joints: tuple[str, ...] = ()
    _by_whole: dict[str, str | None] | None = None  # None for two names that are alike so

    def __post_init__(self) -> None:
        self._joints = tuple(joint for joint in JOINTS if any(joint in name for name in self.listed))

    def add(self, titles: tuple[str, ...], seen: Observation, file: str = "") -> None:
        self.parsed.add(JOINT.join(titles), seen)
        if self.listed:
            self.spell(titles, seen, file)

    def spell(self, titles: tuple[str, ...], seen: Observation, file: str = "") -> None:
        """Make a test found by every spelling of its titles that the task lists."""
        for spelling in self._spellings(titles, file):
            if spelling in self.listed:
                self.parsed.qualify(spelling, seen)

    def spell_whole(self, whole: str, seen: Observation, without: str = "") -> None:
        """Make a test found of which the log joins the titles by blanks, `without` a character that it drops."""
        if self._by_whole is None:
            self._by_whole = {}
            for name in self.listed:
                flat = name.replace(JOINT, " ").replace(without, "") if without else name.replace(JOINT, " ")
                self._by_whole[flat] = None if flat in self._by_whole else name
        known = self._by_whole.get(whole.replace(JOINT, " "))
        if known is not None and known != whole:
            self.parsed.qualify(known, seen)

    def is_listed(self, titles: tuple[str, ...], file: str = "") -> bool:
        return any(spelling in self.listed for spelling in self._spellings(titles, file))

    def without_duration(self, parents: tuple[str, ...], title: str, cut: int, file: str = "") -> str:
        """Return the title up to `cut`, where its duration seems to begin, unless the task lists it whole."""
        if cut < 0 or not self.listed:
            return title if cut < 0 else title[:cut]
        return title if self.is_listed((*parents, title), file) else title[:cut]

    def _spellings(self, titles: tuple[str, ...], file: str) -> Iterator[str]:
        """Yield the spellings that the task's names can have, going by the joints that occur in them."""
        yield titles[-1]
        for joint in self._joints:
            whole = joint.join(titles)
            yield whole
            if file:
                yield f"{file}{joint}{whole}"
