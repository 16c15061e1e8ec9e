"""How the ids of Java tests are spelled, and how a log's spelling finds the task's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from velora_tui.grading.parsed import Listed, Observation, ParsedLog

_METHOD_FIRST = re.compile(r"([\w$]+(?:\[.*\])?)\(((?:\w+\.)*[A-Z][\w.$]*)\)$")  # passes(demo.CalcTest)
_PACKAGE = re.compile(r"(?:[a-z_]\w*\.)+(?=[A-Z])")
_JOINTS = re.compile(r"#|::| > | › |\$")


def key(name: str) -> str:
    """Return one spelling, `demo.CalcTest.Inner.passes`, of an id in any of the usual ones."""
    if found := _METHOD_FIRST.match(name):
        name = f"{found[2]}.{found[1]}"
    return _JOINTS.sub(".", name).removesuffix("()").replace("{", "(").replace("}", ")").replace("()[", "[")


def without_package(name: str) -> str:
    found = _PACKAGE.match(name)
    return name[found.end() :] if found else name


@dataclass
class JavaBook:
    """Collects results and finds the listed test of each.

    Where the log or the list does not say the package, a test is found without it, unless several are named so.
    """

    listed: Listed
    parsed: ParsedLog = field(default_factory=ParsedLog)
    _full: dict[str, list[str]] = field(default_factory=dict)
    _short: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.listed:
            full = key(name)
            self._full.setdefault(full, []).append(name)
            self._short.setdefault(without_package(full), []).append(name)

    def add(self, name: str, seen: Observation, spellings: Iterable[str] = ()) -> None:
        """Record a result under `name`; `spellings` are other forms of it that the log gives."""
        self.parsed.add(name, seen)
        for spelling in (name, *spellings):
            for listed in self._find(key(spelling)):
                self.parsed.qualify(listed, seen)

    def _find(self, spelled: str) -> list[str]:
        if found := self._full.get(spelled):
            return found
        short = without_package(spelled)
        near = self._short.get(short, [])
        if short != spelled:
            near = [name for name in near if without_package(key(name)) == key(name)]
        if len(near) > 1:
            for name in near:
                self.parsed.flag("ambiguous-name", f"the log's {spelled} fits several tests", name)
            return []
        return near

    def classes(self) -> dict[str, list[str]]:
        """Return the listed ids by their class."""
        found: dict[str, list[str]] = {}
        for full, names in self._full.items():
            found.setdefault(full.rpartition(".")[0], []).extend(names)
        return found
