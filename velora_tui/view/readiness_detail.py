"""One check of one instance in full: how it stands, since when, what mends it, and what its probe printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from velora_tui.domain.readiness import CheckResult, CheckStatus, Readiness
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.view.cells import Cell, Span, Tone
from velora_tui.view.diagnosis_text import repair_words
from velora_tui.view.holders import since
from velora_tui.view.lines import Line, note
from velora_tui.view.readiness_rows import STATUS, was_never_asked, wrong_checks
from velora_tui.view.remedies import is_mendable
from velora_tui.view.text import age, clean_text, cut

MOST_OUTPUT_LINES = 400
_OUTPUT_CELLS = 2_000
_ID_CELLS = 13


def worst_check(readiness: Readiness) -> str | None:
    """Return the check to look at first: what blocks, else what is not in order, else the first."""
    wrong = wrong_checks(readiness)
    return wrong[0].id if wrong else next((check.id for check in readiness.checks), None)


def detail_title(
    row: InstanceSnapshot | None, check: CheckResult | None, title: str, at: datetime
) -> tuple[Cell, Cell]:
    """Return "eval4 · root disk · ✗ failed" and how old that is."""
    if row is None:
        return "", ""
    name = Span(f" {row.instance.name}", "strong")
    if row.readiness is None or check is None:
        return name, ""
    left = (name, Span("  "), Span(title), Span("  "), *_status(check, row.readiness))
    return left, Span(f"{_ages(check, at)} ", "dim")


def _status(check: CheckResult, readiness: Readiness) -> tuple[Span, ...]:
    if check.id in readiness.asking:
        return (Span("… asking", "run"),)
    if was_never_asked(check):
        return (Span("· not asked yet", "dim"),)
    symbol, word, tone = STATUS[check.status]
    tone = "look" if check.status is CheckStatus.FAIL and not check.blocking else tone
    blocks = " · blocks a start" if check.blocks else " · advisory" if check.status is not CheckStatus.OK else ""
    return Span(f"{symbol} {word}", tone), Span(blocks, "dim")


def _ages(check: CheckResult, at: datetime) -> str:
    parts = []
    if check.since is not None and check.status is not CheckStatus.OK:
        parts.append(f"since {since(check.since, at)}")
    if check.at is not None:
        parts.append(f"asked {age((at - check.at).total_seconds())} ago")
    return " · ".join(parts)


def detail_lines(row: InstanceSnapshot, check: CheckResult, titles: Mapping[str, str]) -> list[Line]:
    """Return the check in full, then each check of the instance as a line to go to, the key `check:ID`."""
    assert row.readiness is not None
    return [
        *_facts(row, check),
        *_output(check),
        Line(),
        *(_check_line(other, check, row.readiness, titles) for other in _by_worst(row.readiness)),
    ]


def _facts(row: InstanceSnapshot, check: CheckResult) -> Iterator[Line]:
    tone: Tone = "" if check.status is CheckStatus.OK else STATUS[check.status][2]
    yield Line((Span("   "), Span(clean_text(check.detail) or f"it said nothing: {check.status}", tone)))
    if check.repair is not None and is_mendable(check):
        repair = (Span("   "), Span("R ", "ours"), Span(repair_words(check.repair)))
        yield Line((*repair, Span(f"   shows what it would do on {row.instance.name}, and asks", "dim")))
    elif check.status in {CheckStatus.FAIL, CheckStatus.WARN}:
        yield note("nothing that Velora can do mends this", indent=3)


def _output(check: CheckResult) -> Iterator[Line]:
    lines = check.output.strip("\n").splitlines()
    if not check.output.strip():
        return
    yield note("what the probe printed:", indent=3)
    for number, text in enumerate(lines[:MOST_OUTPUT_LINES]):
        yield Line((Span("   │ ", "faint"), Span(cut(clean_text(text), _OUTPUT_CELLS))), key=f"output:{number}", head=1)
    if len(lines) > MOST_OUTPUT_LINES:
        yield note(f"and {len(lines) - MOST_OUTPUT_LINES} lines more", indent=3)


def _by_worst(readiness: Readiness) -> list[CheckResult]:
    wrong = wrong_checks(readiness)
    return [*wrong, *(check for check in readiness.checks if check not in wrong)]


def _check_line(check: CheckResult, chosen: CheckResult, readiness: Readiness, titles: Mapping[str, str]) -> Line:
    spans = _status(check, readiness)[:1]
    symbol, tone = spans[0].text[:1], spans[0].tone
    is_chosen = check.id == chosen.id
    words = check.detail or titles.get(check.id, "")
    left = (
        Span(" ▸ " if is_chosen else "   ", "ours"),
        Span(f"{symbol} ", tone),
        Span(f"{cut(check.id, _ID_CELLS):<{_ID_CELLS}} ", "strong" if is_chosen else ""),
        Span(clean_text(words), "dim" if check.status is CheckStatus.OK else tone),
    )
    return Line(left, _repair(check), key=f"check:{check.id}", head=3)


def _repair(check: CheckResult) -> tuple[Span, ...]:
    if check.repair is None or not is_mendable(check):
        return ()
    return Span(f"{repair_words(check.repair)} ", "dim"), Span("[R] ", "ours")
