"""What a check is: a question to an instance in `sh`, and how the answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from velora_tui.domain.fleet import HARNESS, Fleet, Instance
from velora_tui.domain.readiness import CheckStatus
from velora_tui.domain.task import Task
from velora_tui.hosts.shell import quote_path
from velora_tui.readiness.files import Sums
from velora_tui.view.text import clean_text

DETAIL_CELLS = 160
PROBE_SECONDS = 10
TIMED_OUT = (124, 137)  # of `timeout`: after SIGTERM, after SIGKILL
NOT_FOUND = 127
NO_FOLDER = 66


@dataclass(frozen=True)
class Subject:
    """Who is asked, what for: an instance of a fleet, a recipe and, where one is known, the next task.

    `good` holds the checksums of each good local copy that there is, by the critical file's path.
    """

    instance: Instance
    fleet: Fleet
    recipe: str
    task: Task | None = None
    good: Mapping[str, Sums] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The harness's root folder on the instance."""
        return self.instance.harness or self.fleet.defaults.harness

    @property
    def in_root(self) -> str:
        """A line of sh that goes to the root, or ends the probe."""
        return f"cd -- {quote_path(self.root)} 2>/dev/null || exit {NO_FOLDER}\n"


@dataclass(frozen=True)
class Answer:
    """What a probe printed, its exit status, and between which moments of our clock (unix seconds) it did so."""

    exit_status: int
    text: str
    sent: float = 0.0
    received: float = 0.0

    @property
    def first_line(self) -> str:
        return clean_text(next(iter(self._lines), ""), DETAIL_CELLS)

    @property
    def last_line(self) -> str:
        return clean_text(next(reversed(self._lines), ""), DETAIL_CELLS)

    @property
    def _lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip()]


class Verdict(NamedTuple):
    """How an answer was judged; `mends` tells whether the check's repair would help."""

    status: CheckStatus
    detail: str
    mends: bool = True


Judge = Callable[[Subject, Answer], Verdict]


def always(_: Subject) -> bool:
    return True


def on_harness(subject: Subject) -> bool:
    return subject.recipe == HARNESS


@dataclass(frozen=True)
class Check:
    """One entry of the table.

    `probe` gives a script of sh; None where the question is not put to the instance's shell. `loud` ones run programs
    that may print without end. A check that does not apply is not listed.
    """

    id: str
    title: str
    probe: Callable[[Subject], str] | None
    judge: Judge
    blocking: bool = False
    repair: str | None = None
    slow: bool = False
    loud: bool = False
    applies: Callable[[Subject], bool] = always
    time_limit_seconds: int = PROBE_SECONDS


def passed(detail: str) -> Verdict:
    return Verdict(CheckStatus.OK, detail)


def warned(detail: str, *, mends: bool = True) -> Verdict:
    return Verdict(CheckStatus.WARN, detail, mends)


def failed(detail: str, *, mends: bool = True) -> Verdict:
    return Verdict(CheckStatus.FAIL, detail, mends)


def unclear(answer: Answer, what: str) -> Verdict:
    """Judge an answer that says neither yes nor no."""
    said = answer.last_line or "nothing"
    return Verdict(CheckStatus.UNKNOWN, f"{what}: status {answer.exit_status}, it says {said}")


def no_root(subject: Subject) -> Verdict:
    """Judge that the harness is not there at all; no repair of ours can bring it."""
    return failed(f"there is no harness at {subject.root}", mends=False)
