"""The operators' own checks, from the fleet file."""

from __future__ import annotations

import re

from velora_tui.domain.fleet import OwnCheck
from velora_tui.domain.readiness import OWN_REPAIR_PREFIX
from velora_tui.readiness.checks.check import (
    NOT_FOUND,
    PROBE_SECONDS,
    Answer,
    Check,
    Subject,
    Verdict,
    failed,
    passed,
    unclear,
)
from velora_tui.view.text import clean_text

_SLOW_SECONDS = 120
_NOT_EXECUTABLE = 126
_CUT_OFF = 141  # ended by SIGPIPE: it printed more than is read


def own_check(own: OwnCheck) -> Check:
    """Return `own` as an entry of the table."""

    def judge(_: Subject, answer: Answer) -> Verdict:
        found = own.expect is None or re.search(own.expect, answer.text) is not None
        if answer.exit_status in {NOT_FOUND, _NOT_EXECUTABLE}:
            return unclear(answer, "it can't be run")
        if answer.exit_status == _CUT_OFF and (own.expect is None or not found):
            return unclear(answer, "it prints more than is read")
        if not found:
            return failed(clean_text(f"{own.expect!r} is not in what it says: {answer.last_line or 'nothing'}", 200))
        if answer.exit_status not in {0, _CUT_OFF}:
            return failed(f"status {answer.exit_status}: {answer.last_line or 'it says nothing'}")
        return passed(answer.first_line or "passed")

    return Check(
        own.id,
        own.name or own.id,
        lambda _: own.command,
        judge,
        blocking=own.blocking,
        repair=f"{OWN_REPAIR_PREFIX}{own.id}" if own.repair else None,
        slow=own.slow,
        loud=True,
        time_limit_seconds=_SLOW_SECONDS if own.slow else PROBE_SECONDS,
    )
