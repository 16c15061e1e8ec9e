"""The rows of the readiness screen: instances by checks, worst first."""

from __future__ import annotations

import re

from velora_tui.domain.events import ConnectionState
from velora_tui.domain.readiness import CheckResult, CheckStatus, Readiness
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot
from velora_tui.view.cells import Cell, Row, Span, Tone
from velora_tui.view.columns import Column
from velora_tui.view.contact import key_trouble
from velora_tui.view.entries import Entry
from velora_tui.view.holders import hand_started, holder_words, stale_holder, stale_words
from velora_tui.view.progress import key_cell
from velora_tui.view.text import age

FILTER_KEYS = ("instance", "state", "check", "tag")
_SHORT_DETAIL = re.compile(r"\d+ ?%|\d+/\d+|\d+(?:\.\d+)? [KMG]B")

_SYMBOLS: dict[CheckStatus, tuple[str, Tone]] = {
    CheckStatus.OK: ("✓", "good"),
    CheckStatus.WARN: ("!", "look"),
    CheckStatus.FAIL: ("✗", "bad"),
    CheckStatus.UNKNOWN: ("?", "look"),
}


def readiness_columns(snapshot: FleetSnapshot) -> tuple[Column, ...]:
    """Return a column for each check that any instance has answered."""
    checks: dict[str, None] = {}
    for row in snapshot.instances:
        if row.readiness is not None:
            checks |= dict.fromkeys(check.id for check in row.readiness.checks)
    return (
        Column("instance", "INSTANCE", min_width=8, priority=9),
        Column("ready", "READY", min_width=13, priority=9),
        *(Column(f"check:{name}", name.upper(), min_width=6, priority=5) for name in checks),
        Column("age", "AGE", 5, "right", priority=6),
        Column("why", "", min_width=20, priority=8),
    )


def readiness_entries(snapshot: FleetSnapshot) -> list[Entry]:
    """Return a row for each instance, the worst first; its key is the instance's name."""
    ranked = sorted(enumerate(snapshot.instances), key=lambda pair: (_rank(pair[1]), pair[0]))
    return [_entry(row, snapshot) for _, row in ranked]


def _rank(row: InstanceSnapshot) -> int:
    if row.readiness is None:
        return 2
    if not row.readiness.ready:
        return 0
    return 1 if any(check.status is not CheckStatus.OK for check in row.readiness.checks) else 3


def _entry(row: InstanceSnapshot, snapshot: FleetSnapshot) -> Entry:
    name, readiness = row.instance.name, row.readiness
    word, ready = _ready(row)
    cells: dict[str, Cell] = {"instance": name, "ready": ready}
    if readiness is not None:
        cells |= {f"check:{check.id}": _check_cell(check) for check in readiness.checks}
        cells["age"] = Span(age((snapshot.at - readiness.at).total_seconds()), "dim")
        cells["why"] = _why(row, readiness, snapshot)
    elif row.connection.detail:
        cells["why"] = Span(row.connection.detail, "dim")
    fields = {
        "instance": name,
        "state": word,
        "check": " ".join(check.id for check in readiness.checks if check.status is not CheckStatus.OK)
        if readiness
        else "",
        "tag": " ".join(row.instance.tags),
    }
    order = {
        "instance": (0.0, name),
        "ready": (float(_rank(row)), ""),
        **({"age": (-readiness.at.timestamp(), "")} if readiness else {}),
    }
    return Entry(Row(name, cells), fields, order)


def _ready(row: InstanceSnapshot) -> tuple[str, Cell]:
    if row.checking:
        return "checking", Span("… checking", "run")
    if row.readiness is None:
        return _UNASKED.get(row.connection.state, ("not checked", Span("· not checked", "dim")))
    if not row.readiness.ready:
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


def _check_cell(check: CheckResult) -> Cell:
    symbol, tone = _SYMBOLS[check.status]
    if check.status is CheckStatus.FAIL and not check.blocking:
        tone = "look"
    short = _SHORT_DETAIL.search(check.detail)
    return Span(symbol, tone), Span(f" {short[0]}" if short else "", "dim" if check.status is CheckStatus.OK else tone)


def _why(row: InstanceSnapshot, readiness: Readiness, snapshot: FleetSnapshot) -> Cell:
    """Return what is not in order: the host key, else who has the instance, else all checks, blocking ones first."""
    if (trouble := key_trouble(row)) is not None:
        return key_cell(trouble, narrow=False)
    if row.foreign is not None:
        return Span(holder_words(row.foreign, snapshot.at), "run")
    wrong = [check for check in readiness.checks if check.status is not CheckStatus.OK]
    wrong.sort(key=lambda check: not check.blocks)
    words = "; ".join(f"{check.id}: {check.detail or check.status}" for check in wrong if check.detail) or "; ".join(
        f"{check.id}: {check.status}" for check in wrong
    )
    stale = stale_holder(row)
    lease = f"{'; ' if words else ''}lease {stale_words(stale, snapshot.at)}" if stale else ""
    return Span(words, "bad" if not readiness.ready else "look"), Span(lease, "look")
