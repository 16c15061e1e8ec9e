"""What a known failure looks like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from velora_tui.domain.failure import FailureClass


class Source(StrEnum):
    """Where a signature is looked for."""

    LOG = "log"  # of a phase
    ERROR = "output.jsonl"  # its `error`
    TESTS = "test_output.txt"
    RUN_LOG = "run_instance.log"


@dataclass(frozen=True)
class Signature:
    """A failure that is known by a line. `phases` empty: any phase.

    `pattern` may stand anywhere in a line that is surely the harness's own, and must begin a line that may be the
    agent's. `is_vague` ones tell that something failed and not why: they count only where nothing else is found.
    `points_up` ones say nothing themselves: their evidence is the last error above them.
    """

    id: str
    pattern: re.Pattern[str]
    failure_class: FailureClass
    message: str
    remedy: str
    phases: frozenset[str] = frozenset()
    sources: frozenset[Source] = frozenset({Source.LOG, Source.RUN_LOG})
    repair: str | None = None
    is_vague: bool = False
    points_up: bool = False

    def is_looked_for(self, source: Source, phase: str | None) -> bool:
        """Tell whether a line of `source` in this phase may show it; `phase` None is any."""
        return source in self.sources and (not self.phases or phase is None or phase in self.phases)


@dataclass(frozen=True)
class Table:
    """Makes the signatures of one theme: what they have in common."""

    failure_class: FailureClass
    phases: tuple[str, ...] = ()
    sources: tuple[Source, ...] = (Source.LOG, Source.RUN_LOG)

    def row(
        self,
        id: str,
        pattern: str,
        message: str,
        remedy: str,
        *,
        repair: str | None = None,
        kind: FailureClass | None = None,
        phases: tuple[str, ...] | None = None,
        is_vague: bool = False,
        points_up: bool = False,
    ) -> Signature:
        """Return a signature of this theme; what is given here is used in place of what is common."""
        return Signature(
            id=id,
            pattern=re.compile(pattern),
            failure_class=kind or self.failure_class,
            message=message,
            remedy=remedy,
            phases=frozenset(self.phases if phases is None else phases),
            sources=frozenset(self.sources),
            repair=repair,
            is_vague=is_vague,
            points_up=points_up,
        )
