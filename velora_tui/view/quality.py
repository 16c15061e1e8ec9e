"""What one should know of an attempt beside its verdict: quality, flags, where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from velora_tui.domain.events import AnyEvent, AttemptEvent
from velora_tui.domain.report import Flag, QualityCheck
from velora_tui.domain.result import AttemptResult, Flip, why_void
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Span
from velora_tui.view.cli_events import event_words
from velora_tui.view.lines import Line, fact, heading
from velora_tui.view.phases import PHASE_SPANS
from velora_tui.view.states import outcome_state
from velora_tui.view.text import count, duration

MOST_FLAGS_IN_LINE = 3


def quality_lines(quality: Iterable[QualityCheck]) -> Iterator[Line]:
    """Yield a line for each check of the operators' quality list."""
    for check in quality:
        mark = Span("✓ ", "good") if check.ok else Span("✗ ", "bad" if check.level == "required" else "look")
        yield Line((Span("   "), mark, Span(f"{check.id:<22}"), Span(check.detail, "dim")), key=f"quality:{check.id}")


def poor_quality_lines(quality: Sequence[QualityCheck]) -> Iterator[Line]:
    """Yield how many checks hold, and those that don't."""
    poor = [check for check in quality if not check.ok]
    good = len(quality) - len(poor)
    yield heading("QUALITY", Span(f" {good}/{len(quality)}", "look" if poor else "good"))
    yield from quality_lines(poor)


def flag_lines(flags: Sequence[Flag]) -> Iterator[Line]:
    """Yield what a reader of the verdict should know; the key of a flag of a test ends in ":test:NAME"."""
    for number, flag in enumerate(flags):
        test = (Span(f"  {flag.test}"),) if flag.test else ()
        key = f"flag:{number}:test:{flag.test}" if flag.test else f"flag:{number}"
        yield Line((Span("   ! ", "look"), Span(flag.id, "look"), Span(f"  {flag.detail}", "dim"), *test), key=key)


def flags_in_line(flags: Sequence[Flag]) -> tuple[Span, ...]:
    """Return the flags of a verdict in a line, the first in words; empty where there is none."""
    if not flags:
        return ()
    shown: list[Span] = [Span(" ! ", "look")]
    for flag in flags[:MOST_FLAGS_IN_LINE]:
        shown += [Span(flag.test or flag.id), Span(f" {flag.detail}   " if flag.test else f": {flag.detail}   ", "dim")]
    if len(flags) > MOST_FLAGS_IN_LINE:
        shown.append(Span(f"and {count(len(flags) - MOST_FLAGS_IN_LINE)} more: see About", "dim"))
    return tuple(shown)


def flips_in_line(result: AttemptResult) -> tuple[Span, ...]:
    """Return the first thing that the harness and we judge differently, and by which rule; empty if nothing is."""
    if not result.flips:
        return ()
    flip = next((flip for flip in result.flips if flip.test), result.flips[0])
    if flip.test is None:
        return _run_flip(result, flip)
    test = result.verdict.tests.get(flip.test) if result.verdict else None
    where = f" at line {count(test.evidence.line)}" if test and test.evidence else ""
    seen = f"; it is {flip.status}{where}" if flip.status else ""
    more = f", and {count(len(result.flips) - 1)} more" if len(result.flips) > 1 else ""
    return (
        Span(" ! ", "look"),
        Span("the harness said "),
        Span(f"{said_words(flip)}: {flip.test}"),
        Span(f"{seen} — {flip.rule}{more}   ", "dim"),
    )


def _run_flip(result: AttemptResult, flip: Flip) -> tuple[Span, ...]:
    why = why_void(result.all_flags) or (result.verdict.reason if result.verdict else None) or flip.detail
    return (
        Span(" ! ", "look"),
        Span(f"the harness said {said_words(flip)}"),
        Span(f"; we say {outcome_state(result.outcome).word}: {why}   ", "dim"),
    )


def said_words(flip: Flip) -> str:
    """Return what the harness said of a test, or of the whole run."""
    good, bad = ("resolved", "unresolved") if flip.test is None else ("passed", "failed")
    return good if flip.harness_passed else bad


def about_lines(
    run: Run,
    attempt: Attempt,
    result: AttemptResult | None,
    paths: Sequence[tuple[str, Path]],
    events: Sequence[AnyEvent],
) -> list[Line]:
    """Return everything known of an attempt that is neither log nor proof."""
    lines = [heading("Run"), *_run_lines(run, attempt), Line(), heading("Phases"), *_phase_lines(attempt), Line()]
    quality = result.summary.quality if result else attempt.summary.quality
    if quality:
        lines += [heading("Quality"), *quality_lines(quality), Line()]
    flags = result.all_flags if result else ()
    if flags:
        lines += [heading("Flags of the verdict"), *flag_lines(flags), Line()]
    if result:
        lines += [heading("Where it comes from"), *_provenance_lines(result), Line()]
    lines += [heading("Where it lies"), *(path_line(label, path) for label, path in paths), Line()]
    shown = [line for event in events if (line := _event_line(event, attempt)) is not None]
    return [*lines, heading("Events"), *shown] if shown else lines


def _run_lines(run: Run, attempt: Attempt) -> Iterator[Line]:
    yield fact("run", Span(run.run))
    yield fact("task", Span(run.task), Span(f"  {run.repo}", "dim"))
    yield fact("model", Span(run.model, "model"))
    yield fact("run number", Span(str(run.run_number)))
    yield fact("attempt", Span(str(attempt.number)), Span(f" of {len(run.attempts)}", "dim"))
    yield fact("recipe", Span(run.recipe), Span(f"  at most {count(run.max_iterations)} iterations", "dim"))
    yield fact("instance", Span(attempt.instance or "any"))
    yield fact("by", Span(attempt.by or run.created_by))
    for label, at in (("queued", attempt.queued_at), ("started", attempt.started_at), ("ended", attempt.ended_at)):
        if at is not None:
            yield fact(label, Span(stamp(at)))


def _phase_lines(attempt: Attempt) -> Iterator[Line]:
    for phase in attempt.phases:
        mark = PHASE_SPANS[phase.state]
        time = f"{duration(phase.seconds):>8}  " if phase.started_at else " " * 10
        spans = (Span("   "), mark, Span(f" {phase.name:<12}"), Span(time, "dim"), Span(phase.detail, "dim"))
        yield Line(spans, key=f"phase:{phase.name}")


def _provenance_lines(result: AttemptResult) -> Iterator[Line]:
    source = result.provenance
    yield fact("image", Span(source.image))
    yield fact("host", Span(source.host))
    yield fact("recorded", Span(stamp(source.recorded_at)), Span(f"  by velora {source.velora_version}", "dim"))
    if result.verdict is not None:
        yield fact("parser", Span(result.verdict.parser))


def path_line(label: str, path: Path) -> Line:
    """Return a file or folder with its label; its key is "path:PATH"."""
    return Line((Span(f"   {label:<14}", "dim"), Span(str(path))), key=f"path:{path}")


def _event_line(event: AnyEvent, attempt: Attempt) -> Line | None:
    if isinstance(event, AttemptEvent) and event.attempt != attempt.number:
        return None
    words = event_words(event)
    if words is None:
        return None
    return Line((Span(f"   {event.at.astimezone():%H:%M:%S}  ", "dim"), *words), key=f"event:{event.seq}")


def stamp(at: datetime) -> str:
    """Return a time in the operator's zone: "2026-01-28 17:01:12"."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
