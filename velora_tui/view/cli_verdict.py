"""A verdict as lines: the numbers, the listed tests that failed, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from velora_tui.domain.report import ListVerdict, Status, Verdict
from velora_tui.view.cells import Cell, Span, Tone
from velora_tui.view.cli_text import joined, shortened, table
from velora_tui.view.states import outcome_state
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count, counted

FLAGS_SHOWN = 20
_STATUS_TONES: dict[Status, Tone] = {
    Status.PASSED: "good",
    Status.FAILED: "bad",
    Status.ERROR: "bad",
    Status.MISSING: "bad",
    Status.SKIPPED: "look",
    Status.XFAIL: "look",
    Status.XPASS: "look",
}


def verdict_lines(verdict: Verdict) -> Iterator[Cell]:
    """Yield what grading a log showed."""
    counts = verdict.counts
    yield joined(
        (Span(verdict.instance_id, "strong"), outcome_state(verdict.outcome).spans, Span(verdict.parser, "dim"))
    )
    yield joined((f"{count(number)} {name}" for name, number in counts.model_dump().items()), between=" · ")
    if verdict.reason:
        yield Span(f"not gradeable: {verdict.reason}", "look")
    yield ""
    yield from listed_lines(verdict)
    if verdict.flags:
        yield ""
    for flag in verdict.flags[:FLAGS_SHOWN]:
        yield joined((Span(f"! {flag.id}", "look"), flag.test or "", flag.detail))
    if len(verdict.flags) > FLAGS_SHOWN:
        yield Span(f"… {counted(len(verdict.flags) - FLAGS_SHOWN, 'more flag')}", "dim")


def listed_lines(verdict: Verdict, most: int | None = None) -> Iterator[Cell]:
    """Yield the listed tests, at most so many of each list, with status and the log's line that shows it.

    Failures are first.
    """
    lists = (verdict.fail_to_pass, verdict.pass_to_pass)
    rows = [row for tests in lists for row in _test_rows(verdict, tests)]
    lines = iter(table(("", "STATUS", "LINE", "TEST"), rows, right=("LINE",))[1:])
    for title, tests in zip(("FAIL_TO_PASS", "PASS_TO_PASS"), lists, strict=True):
        tally = fraction(*tests.fraction, is_fixing=tests is verdict.fail_to_pass)
        yield joined((Span(title, "strong"), tally), between=" ")
        yield from shortened(list(islice(lines, tests.fraction[1])), "test", most)


def _test_rows(verdict: Verdict, tests: ListVerdict) -> Iterator[tuple[Cell, ...]]:
    yield from (_test_row(verdict, name, good=False) for name in tests.failure)
    yield from (_test_row(verdict, name, good=True) for name in tests.success)


def _test_row(verdict: Verdict, name: str, *, good: bool) -> tuple[Cell, ...]:
    test = verdict.tests[name]
    mark = Span("✓", "good") if good else Span("✗", "bad")
    line = count(test.evidence.line) if test.evidence else ""
    return mark, Span(str(test.status), _STATUS_TONES[test.status]), Span(line, "dim"), name
