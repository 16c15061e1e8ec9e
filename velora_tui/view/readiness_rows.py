"""The rows of the readiness screen: instances by checks, worst first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from velora_tui.domain.events import ConnectionState
from velora_tui.domain.readiness import CheckResult, CheckStatus, Readiness
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Span, Tone, spans_of
from velora_tui.view.contact import key_trouble
from velora_tui.view.diagnosis_text import repair_words
from velora_tui.view.holders import hand_started, holder_words, stale_holder, stale_words
from velora_tui.view.progress import key_cell
from velora_tui.view.remedies import mending_check
from velora_tui.view.text import cut

FILTER_KEYS = ("instance", "state", "check", "tag")
NARROW_CELLS = 100
WIDE_CELLS = 140
CHECK_COLUMN = "check:"
_LONGEST_TITLE = 8
_SHORT_DETAIL = re.compile(r"\d+ ?%|\d+/\d+|\d+(?:\.\d+)? [KMG]B")
_SHORT_TITLES = {
    "credentials": "CREDS",
    "datasets": "DATA",
    "docker-disk": "IMAGES",
    "llm-key": "KEYS",
    "memory": "MEM",
}
_AS_SHORT_AS = 7

STATUS: dict[CheckStatus, tuple[str, str, Tone]] = {
    CheckStatus.OK: ("✓", "in order", "good"),
    CheckStatus.WARN: ("!", "wants a look", "look"),
    CheckStatus.FAIL: ("✗", "failed", "bad"),
    CheckStatus.UNKNOWN: ("?", "unknown", "look"),
}
"""Symbol, word and tone of each status."""


def short_title(check_id: str) -> str:
    """Return the title of a check's column."""
    return _SHORT_TITLES.get(check_id, cut(check_id.upper(), _LONGEST_TITLE))


def importance(check: CheckResult) -> int:
    """Rank what stays in a narrow window: what is in the way, then other failures, then what could be."""
    if check.blocks and check.at is not None and check.detail:
        return 9
    if check.status is CheckStatus.FAIL:
        return 7
    return 6 if check.blocking or check.status is CheckStatus.WARN else 4


def rank(row: InstanceSnapshot) -> int:
    if row.readiness is None:
        return 3
    if not row.readiness.ready:
        return 0
    statuses = {check.status for check in row.readiness.checks}
    if CheckStatus.FAIL in statuses:
        return 1
    return 4 if statuses <= {CheckStatus.OK} else 2


def fields_of(row: InstanceSnapshot, word: str) -> dict[str, str]:
    checks = row.readiness.checks if row.readiness else ()
    return {
        "instance": row.instance.name,
        "state": word,
        "check": " ".join(check.id for check in checks if check.status is not CheckStatus.OK),
        "tag": " ".join(row.instance.tags),
    }


def badness(check: CheckResult) -> float:
    return float([CheckStatus.FAIL, CheckStatus.UNKNOWN, CheckStatus.WARN, CheckStatus.OK].index(check.status))


def state_of(row: InstanceSnapshot) -> tuple[str, Cell]:
    readiness = row.readiness
    if row.checking:
        waiting = len(readiness.asking) if readiness else 0
        done = f" {len(readiness.checks) - waiting}/{len(readiness.checks)}" if readiness and waiting else ""
        return "checking", Span(f"… checking{done}", "run")
    if readiness is None:
        return _UNASKED.get(row.connection.state, ("not checked", Span("· not checked", "dim")))
    if not readiness.ready:
        return _not_ready(row)
    if row.is_busy:
        return "ready, busy", Span("▶ ready, busy", "run")
    return "ready", Span("● ready", "ours")


_UNASKED: dict[ConnectionState, tuple[str, Cell]] = {
    ConnectionState.CONNECTING: ("connecting", Span("· connecting", "dim")),
    ConnectionState.RECONNECTING: ("reconnecting", Span("! reconnecting", "look")),
    ConnectionState.UNREACHABLE: ("unreachable", Span("✗ unreachable", "bad")),
}


def _not_ready(row: InstanceSnapshot) -> tuple[str, Cell]:
    trouble = key_trouble(row)
    if trouble is None:
        in_use = row.foreign is not None or hand_started(row) is not None
        return ("in use", Span("▷ in use", "run")) if in_use else ("not ready", Span("✗ not ready", "bad"))
    if trouble.is_changed:
        return "key changed", Span("✗ KEY CHANGED", "bad")
    return "new host key", Span("? new host key", "look")


def check_cell(check: CheckResult, readiness: Readiness) -> tuple[Span, ...]:
    """Return symbol and number of a check; of one that is being asked, that it is."""
    if check.id in readiness.asking:
        return (Span("…", "run"),)
    if was_never_asked(check):
        return (Span("·", "dim"),)
    symbol, _, tone = STATUS[check.status]
    if check.status is CheckStatus.FAIL and not check.blocking:
        tone = "look"
    short = _SHORT_DETAIL.search(check.detail)
    number = f" {short[0]}" if short and len(short[0]) <= _AS_SHORT_AS else ""
    return Span(symbol, tone), Span(number, "dim" if check.status is CheckStatus.OK else tone)


def was_never_asked(check: CheckResult) -> bool:
    """Tell whether there is no answer because nobody has asked yet."""
    return check.status is CheckStatus.UNKNOWN and check.at is None and check.detail == "not asked yet"


def ready_cell(row: InstanceSnapshot, state: Cell, snapshot: FleetSnapshot, *, narrow: bool) -> tuple[Span, ...]:
    """Return the state with the key of the repair, why it is so, and where there is room what the repair does."""
    reason = _reason(row, snapshot)
    mended = mending_check(row)
    gap = Span("  " if any(span.text for span in reason) else "")
    if mended is None or mended.repair is None:
        return *spans_of(state), gap, *reason
    words = "" if narrow else f"   {repair_words(mended.repair)}"
    return *spans_of(state), Span(" [R]", "ours"), gap, *reason, Span(words, "dim")


def _reason(row: InstanceSnapshot, snapshot: FleetSnapshot) -> tuple[Span, ...]:
    """Return what is not in order: the host key, else who has the instance, else the worst check and the others."""
    assert row.readiness is not None
    if (trouble := key_trouble(row)) is not None:
        return spans_of(key_cell(trouble, narrow=False))
    if row.foreign is not None:
        return (Span(holder_words(row.foreign, snapshot.at), "run"),)
    tone: Tone = "bad" if not row.readiness.ready else "look"
    stale = stale_holder(row)
    words = _wrong_words(wrong_checks(row.readiness))
    lease = f"{'; ' if words else ''}lease {stale_words(stale, snapshot.at)}" if stale else ""
    return Span(words, tone), Span(lease, "look")


def wrong_checks(readiness: Readiness) -> list[CheckResult]:
    """Return what is not in order, what blocks first; of what could not even be asked, only why."""
    asked = [check for check in readiness.checks if check.id not in readiness.asking and not was_never_asked(check)]
    wrong = [check for check in asked if check.status is not CheckStatus.OK]
    told = [check for check in wrong if check.detail] or wrong
    return sorted(told, key=lambda check: not check.blocks)


def _wrong_words(wrong: Sequence[CheckResult]) -> str:
    if not wrong:
        return ""
    first, *others = wrong
    more = f"; also {', '.join(check.id for check in others)}" if others else ""
    return f"{first.id}: {first.detail or first.status}{more}"
