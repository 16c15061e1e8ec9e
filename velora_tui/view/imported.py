"""What stands on top of an imported run's page: which run it is, where it lies, what the harness said of it."""

from __future__ import annotations

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.view.cells import Cell, Span
from velora_tui.view.quality import flips_in_line
from velora_tui.view.states import outcome_state
from velora_tui.view.tests_rows import fraction

_ARROW = Span(" › ", "faint")


def imported_lines(
    row: ResultRow, result: AttemptResult, fleet: Fleet
) -> tuple[tuple[Cell, Cell], list[tuple[Cell, Cell]]]:
    """Return the title, and the lines below it, each with a start and an end."""
    number = "–" if row.run_number is None else str(row.run_number)
    left = (
        Span(" import" if row.origin == "import" else f" {row.instance or 'ours'}", "strong"),
        _ARROW,
        Span(f"{row.repo} " if row.repo else ""),
        Span(row.task or "unknown task", "dim" if row.repo else ""),
        _ARROW,
        Span(fleet.label(row.model) or "unknown model", "model"),
        _ARROW,
        Span(f"run {number}"),
    )
    place = (Span(f" {row.folder}", "dim"), Span("   these files are gone" if row.is_gone else "", "bad"))
    lines: list[tuple[Cell, Cell]] = [(place, Span(f"{(row.started_at or '')[:16].replace('T', ' ')} ", "dim"))]
    if flips := flips_in_line(result):
        lines.append((flips, ""))
    elif not row.is_valid:
        lines.append(((Span(" ? ", "bad"), Span(row.why)), ""))
    return (left, (*outcome_state(row.outcome).spans, *_tests(result), Span(" "))), lines


def _tests(result: AttemptResult) -> tuple[Span, ...]:
    spans: list[Span] = []
    for title, pair, is_fixing in (("F2P", result.summary.f2p, True), ("P2P", result.summary.p2p, False)):
        if pair is not None:
            spans += [Span(f"   {title} ", "dim"), fraction(*pair, is_fixing=is_fixing)]
    return tuple(spans)
