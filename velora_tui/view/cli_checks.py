"""Readiness and critical files as aligned lines: the worst first, with the repair to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from velora_tui.domain.readiness import CheckResult, CheckStatus, FileCopy, FileReport, FileRow, Readiness
from velora_tui.view.cells import Cell, Span, Tone, plain, spans_of
from velora_tui.view.cli_text import Line, cut_line, fitting, table
from velora_tui.view.text import cut

_SYMBOLS: dict[CheckStatus, tuple[str, Tone]] = {
    CheckStatus.OK: ("✓", "good"),
    CheckStatus.WARN: ("!", "look"),
    CheckStatus.FAIL: ("✗", "bad"),
    CheckStatus.UNKNOWN: ("?", "look"),
}
_FILE_WORDS: dict[str, tuple[str, Tone]] = {
    "good": ("✓ good", "good"),
    "differs": ("✗ differs", "bad"),
    "there": ("· there", ""),
    "missing": ("✗ missing", "bad"),
    "unknown": ("? unknown", "look"),
}
_SUM_CHARACTERS = 10
_INDENT = " " * 4


def check_lines(answers: Iterable[Readiness], again: str) -> list[Line]:
    """Return a table of instances, the worst first, with each check that is not in order.

    `again` is what leads another command to the same fleet.
    """
    ranked = sorted(answers, key=lambda readiness: (readiness.ready, -len(_wrong(readiness))))
    rows = (row for readiness in ranked for row in _check_rows(readiness, again))
    return table(("INSTANCE", "READY", "CHECK", "DETAIL", "REPAIR"), rows)


def _check_rows(readiness: Readiness, again: str) -> Iterator[tuple[Cell, ...]]:
    name: Cell = Span(readiness.instance, "strong")
    ready: Cell = Span("✓ ready", "good") if readiness.ready else Span("✗ not ready", "bad")
    wrong = _wrong(readiness)
    for result in wrong:
        symbol, tone = _SYMBOLS[result.status]
        tone = tone if result.blocks or tone != "bad" else "look"
        repair = f"velora repair {readiness.instance} {result.id}{again}" if result.repair else ""
        yield name, ready, Span(f"{symbol} {result.id}", tone), result.detail or str(result.status), repair
        name = ready = ""
    in_order = sum(check.status is CheckStatus.OK for check in readiness.checks)
    unasked = len(readiness.checks) - len(wrong) - in_order
    if unasked:
        yield name, ready, Span(f"? {unasked} more", "look"), "could not be asked", ""
        name = ready = ""
    if in_order:
        yield name, ready, Span(f"✓ {in_order} {'more ' if wrong else ''}in order", "good"), "", ""


def answer_lines(readiness: Readiness, again: str, width: int) -> Iterator[Line]:
    """Yield one instance's answers for a terminal that is `width` cells wide: each in as many lines as it needs."""
    ready = Span("✓ ready", "good") if readiness.ready else Span("✗ not ready", "bad")
    yield Span(readiness.instance, "strong"), Span("  "), ready
    for _, _, check, detail, repair in _check_rows(readiness, again):
        name = f"  {plain(check)}"
        head, *rest = wrap(f"{name}  {plain(detail)}".rstrip(), max(20, width), subsequent_indent=_INDENT)
        yield Span("  "), *spans_of(check), Span(head[len(name) :])
        yield from ((Span(line),) for line in rest)
        if repair:
            yield (Span(f"{_INDENT}→ {plain(repair)}", "dim"),)  # in one piece, so that it can be copied


def _wrong(readiness: Readiness) -> list[CheckResult]:
    """Return the checks that are not in order, those that block first; of what could not be asked, only why."""
    wrong = [check for check in readiness.checks if check.status is not CheckStatus.OK and check.detail]
    return sorted(wrong, key=lambda check: not check.blocks)


def file_lines(report: FileReport, width: int | None = None) -> Iterator[Cell]:
    """Yield a table for each critical file: what each instance has, the odd ones first.

    The checksums are of the kind that is expected. On a terminal of `width` cells, each is in one line.
    """
    for row in report.rows:
        kind = _kind(row)
        titles = ["INSTANCE", "FILE", kind.upper(), "EXECUTABLE", ""]
        rows = [list(_copy_row(copy, kind)) for copy in _odd_first(row.copies)]
        if not any(copy.executable for copy in row.copies):
            titles, rows = _without(titles, rows, "EXECUTABLE")
        head = (Span(row.path, "strong"), Span(f"  {_expectation(row)}", "dim"))
        yield head if width is None else cut_line(head, width)
        yield from fitting(titles, rows, width=width, spare=[title for title in titles if title == "EXECUTABLE"])
        yield ""


def _without(titles: list[str], rows: list[list[Cell]], title: str) -> tuple[list[str], list[list[Cell]]]:
    column = titles.index(title)
    return [one for one in titles if one != title], [[*row[:column], *row[column + 1 :]] for row in rows]


def _kind(row: FileRow) -> str:
    """Return which checksum the copies are compared by."""
    return row.expected.partition(":")[0] if row.expected else "sha256"


def _shown_sum(digest: str | None) -> str:
    return cut(digest or "", _SUM_CHARACTERS + 1)


def _expectation(row: FileRow) -> str:
    kind, _, digest = (row.expected or "").partition(":")
    expected = f"expected {kind} {_shown_sum(digest)}" if row.expected else "nothing to compare with"
    good = {"missing": ", the good copy can't be read", "differs": ", and the good copy differs from that"}
    return expected + good.get(row.good_copy or "", "")


def _odd_first(copies: Sequence[FileCopy]) -> list[FileCopy]:
    return sorted(copies, key=lambda copy: not copy.odd)


def _copy_row(copy: FileCopy, kind: str) -> tuple[Cell, ...]:
    words, tone = _FILE_WORDS[copy.state]
    odd = Span("← unlike the others", "bad") if copy.odd and copy.state == "there" else Span(copy.detail, "dim")
    runs = {True: "yes", False: "no", None: ""}[copy.executable]
    return (
        Span(copy.instance, "strong"),
        Span(words, tone),
        _shown_sum(copy.md5 if kind == "md5" else copy.sha256),
        runs,
        odd,
    )
