"""An imported run's page: which run it is, where it lies, what the harness said of it, what is suspicious about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from velora_tui.domain.failure import Finding
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.view.cells import Cell, Span
from velora_tui.view.lines import Line, fact, heading
from velora_tui.view.quality import flag_lines, flips_in_line, path_line, quality_lines, said_words
from velora_tui.view.states import outcome_state
from velora_tui.view.task_names import short_task
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, duration
from velora_tui.view.trajectory_lines import dollars

_ARROW = Span(" › ", "faint")


def imported_lines(
    row: ResultRow, result: AttemptResult, fleet: Fleet, *, is_narrow: bool = False
) -> tuple[tuple[Cell, Cell], list[tuple[Cell, Cell]]]:
    """Return the title, and the lines below it, each with a start and an end."""
    number = "–" if row.run_number is None else str(row.run_number)
    left = (
        Span(" import" if row.origin == "import" else f" {row.instance or 'ours'}", "strong"),
        _ARROW,
        *_task(row, is_narrow=is_narrow),
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
    tests = () if is_narrow else _tests(result)
    return (left, (*outcome_state(row.outcome).spans, *tests, Span(" "))), lines


def _task(row: ResultRow, *, is_narrow: bool) -> tuple[Span, ...]:
    if not row.repo:
        return (Span(row.task or "unknown task"),)
    name = row.repo.rpartition("/")[2] if is_narrow else row.repo
    short = short_task(row)
    return Span(name), Span(f" {short}" if short else "", "dim")


def _tests(result: AttemptResult) -> tuple[Span, ...]:
    spans: list[Span] = []
    for title, pair, is_fixing in (("F2P", result.summary.f2p, True), ("P2P", result.summary.p2p, False)):
        if pair is not None:
            spans += [Span("   "), Span(f"{title} ", "dim"), fraction(*pair, is_fixing=is_fixing)]
    return tuple(spans)


MOST_FLIPS = 200


def catalogued_lines(
    row: ResultRow, result: AttemptResult, paths: Sequence[tuple[str, Path]], findings: Iterable[Finding]
) -> list[Line]:
    """Return everything known of a run of the catalog that is neither log nor proof."""
    sections = (
        findings_section(findings),
        _section("Run", _run_facts(row, result)),
        _section("Second opinion", _opinion(row, result)),
        _section("Quality", quality_lines(result.summary.quality)),
        _section("Flags", flag_lines(result.all_flags)),
        _section("Where it comes from", _origin(row, result)),
        _section("Where it lies", (path_line(label, path) for label, path in paths)),
    )
    return [line for section in sections for line in section]


def findings_section(findings: Iterable[Finding]) -> list[Line]:
    """Return what is suspicious about a result; the key of a line that a finding is read from is "line:NUMBER"."""
    return _section("What is suspicious", (line for finding in findings for line in _finding(finding)))


def _finding(finding: Finding) -> Iterator[Line]:
    in_tests = finding.line is not None and (finding.file or "").endswith("test_output.txt")
    where = (Span(f"line {count(finding.line)}", "dim"),) if finding.line is not None else ()
    key = f"line:{finding.line}" if in_tests else f"finding:{finding.id}"
    yield Line((Span("   ! ", "look"), Span(finding.id, "look"), Span(f"  {finding.cause}")), where, key)
    if finding.evidence:
        yield Line((Span(f"     {finding.evidence}", "dim"),))
    yield Line((Span("     → ", "dim"), Span(finding.remedy, "dim")))


def _section(title: str, lines: Iterable[Line]) -> list[Line]:
    shown = list(lines)
    return [heading(title), *shown, Line()] if shown else []


def _run_facts(row: ResultRow, result: AttemptResult) -> Iterator[Line]:
    state = outcome_state(row.outcome)
    yield fact("outcome", *state.spans, Span("" if row.is_valid else f"  {row.why}", "bad"))
    yield fact("task", Span(row.task or "–"), Span(f"  {row.repo}", "dim"))
    yield fact("model", Span(row.model or "–", "model"))
    yield fact("run number", Span("–" if row.run_number is None else str(row.run_number)))
    ran = f"   {count(row.tests_run)} ran" if row.tests_run else ""
    yield fact("tests", *(_tests(result)[1:] or (Span("–"),)), Span(ran, "dim"))
    if row.history is not None:
        yield fact("history", Span(count(row.history)), Span(" entry" if row.history == 1 else " entries", "dim"))
    if row.seconds is not None:
        yield fact("took", Span(duration(row.seconds)))
    if row.cost is not None:
        yield fact("cost", Span(dollars(row.cost)))


def _opinion(row: ResultRow, result: AttemptResult) -> Iterator[Line]:
    """Yield what the harness said, and which tests it judged otherwise by which rule."""
    if row.harness_resolved is None:
        return
    said = "resolved" if row.harness_resolved else "unresolved"
    agrees = Span("  we differ", "look") if row.verdicts_differ else Span("  we agree" if row.is_verified else "")
    yield fact("harness", Span(said), agrees)
    for flip in result.flips[:MOST_FLIPS]:
        test = result.verdict.tests.get(flip.test) if result.verdict and flip.test else None
        line = test.evidence.line if test and test.evidence else None
        left = (
            Span("   ! ", "look"),
            Span(flip.test or "the run"),
            Span(f"  said {said_words(flip)}; {flip.rule}", "dim"),
        )
        where = (Span(f"{flip.status or ''} {f'line {count(line)}' if line else ''}", "dim"),)
        yield Line(left, where, f"line:{line}" if line else f"flip:{flip.test or ''}")
    if len(result.flips) > MOST_FLIPS:
        yield Line((Span(f"     and {count(len(result.flips) - MOST_FLIPS)} more", "dim"),))


def _origin(row: ResultRow, result: AttemptResult) -> Iterator[Line]:
    source = result.provenance
    facts = (
        ("from", "velora import" if row.origin == "import" else "Velora"),
        ("started", (row.started_at or "").replace("T", " ")),
        ("read", row.recorded_at.replace("T", " ")),
        ("graded by", f"velora {source.velora_version}"),
        ("parser", result.verdict.parser if result.verdict else ""),
        ("image", source.image),
        ("instance", source.instance),
        ("by", source.by),
        ("key", row.key),
    )
    for label, value in facts:
        if value:
            yield fact(label, Span(value))
