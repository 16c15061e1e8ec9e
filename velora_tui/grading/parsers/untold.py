"""Tests that a log names without the suites above them, as Vitest 4 does where it isn't asked for more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from velora_tui.grading.parsed import FAILING, Listed, Observation
from velora_tui.grading.parsers.titles import JOINT, TitleBook

Key = tuple[str, str, int]
"""A file, a test's own title, and how many suites are between them."""


class Untold(NamedTuple):
    """A result below so many suites that the log does not name."""

    file: str
    title: str
    suites: int
    seen: Observation


def add_untold(book: TitleBook, found: Sequence[Untold], failed: Collection[str]) -> None:
    """Record results under the listed names that they can only be; `failed` are the failures' whole names."""
    alike: dict[Key, list[Observation]] = defaultdict(list)
    for file, title, suites, seen in found:
        alike[file, title, suites].append(seen)
    listed = _by_title(book.listed) if alike else {}
    for key, observations in alike.items():
        names = listed.get(key, [])
        for name, seen in _pairs(names, observations, failed):
            book.parsed.add(name, seen)
        for seen in observations if not names else ():
            book.add(key[:2], seen)


def _by_title(listed: Listed) -> dict[Key, list[str]]:
    """Return the names by every title that they can end with: titles may have the joint in them."""
    names = defaultdict(list)
    for name in listed:
        parts = name.split(JOINT)
        for suites in range(1, len(parts) - 1):
            for depth in range(1, suites + 1):
                names[parts[0], JOINT.join(parts[suites + 1 :]), depth].append(name)
    return names


def _pairs(
    names: list[str], observations: list[Observation], failed: Collection[str]
) -> Sequence[tuple[str, Observation]]:
    """Return which name has which result: none where it matters which of several tests is which."""
    passed = [seen for seen in observations if seen.status not in FAILING]
    open_names = [name for name in names if name not in failed]
    are_known = len(names) - len(open_names) == len(observations) - len(passed)
    rest = passed if are_known else observations
    if len({seen.status for seen in rest}) != 1 or len(open_names) > len(rest):
        return []
    return list(zip(open_names, rest, strict=False))
