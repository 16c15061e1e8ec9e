"""The lines above every screen: the fleet in numbers, how far its runs are, and the tabs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from velora_tui.domain.events import AttemptState
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.view.cells import Span
from velora_tui.view.states import GROUP_TONES, instance_state
from velora_tui.view.text import cells, count

Spans = tuple[Span, ...]


def fleet_counts(snapshot: FleetSnapshot, width: int) -> Spans:
    """Return the instances by state, each with symbol, number and word.

    Where `width` cells are too few for all, the last have no word, then they are left out.
    """
    numbers = Counter(instance_state(row).group for row in snapshot.instances)
    groups = [group for group in GROUP_TONES if numbers[group]]
    for gap, in_words in (("   ", len(groups)), *(("  ", number) for number in range(len(groups), -1, -1))):
        counts = [_counted(group, numbers[group], gap, place < in_words) for place, group in enumerate(groups)]
        if sum(map(_width, counts)) <= width:
            break
    while counts and sum(map(_width, counts)) > width:
        counts.pop()
    return tuple(span for spans in counts for span in spans)


def _counted(group: str, number: int, gap: str, has_word: bool) -> Spans:
    symbol, tone = GROUP_TONES[group]
    return Span(f"{symbol} {number}", tone), Span(f" {group}{gap}" if has_word else gap, "dim")


def _width(spans: Spans) -> int:
    return sum(cells(span.text) for span in spans)


def judged(runs: Iterable[Run]) -> tuple[int, int]:
    """Return how many runs are resolved, and how many have a valid result."""
    outcomes = [attempt.outcome for run in runs if (attempt := run.valid_attempt) is not None]
    return outcomes.count(Outcome.RESOLVED), len(outcomes)


def verdict_counts(snapshot: FleetSnapshot) -> Spans:
    """Return "41 of 97 resolved, 42 %" and the length of the queue; nothing where there is nothing to tell."""
    resolved, known = judged(snapshot.runs.values())
    spans: list[Span] = []
    if known:
        spans += [Span(count(resolved), "good"), Span(f"/{count(known)} resolved ", "dim")]
        spans.append(Span(f"{round(100 * resolved / known)} %", "dim"))
    if snapshot.queue:
        spans.append(Span(f"{'   ' if spans else ''}queue ", "dim"))
        spans.append(Span(count(len(snapshot.queue)), "strong"))
    return tuple(spans)


def runs_bar(snapshot: FleetSnapshot, width: int) -> Spans:
    """Return a thin bar over all runs: over, running, and what is left."""
    states = Counter(run.attempt.state for run in snapshot.runs.values() if run.attempt)
    total = sum(states.values())
    if not total or width < 1:
        return ()
    running = states[AttemptState.RUNNING]
    over = total - running - states[AttemptState.QUEUED]
    over_cells = width * over // total
    running_cells = -(-width * running // total) if running else 0
    running_cells = min(running_cells, width - over_cells)
    rest = width - over_cells - running_cells
    return Span("━" * over_cells, "good"), Span("━" * running_cells, "run"), Span("─" * rest, "faint")


def runs_done(snapshot: FleetSnapshot) -> Spans:
    """Return "12/20 runs over"."""
    over = sum(1 for run in snapshot.runs.values() if run.attempt and run.attempt.state.is_over)
    return Span(count(over), "strong"), Span(f"/{count(len(snapshot.runs))} runs over", "dim")


def tab_line(tabs: Mapping[str, str], current: str, width: int) -> Spans:
    """Return the tabs with their numbers, the current one loud; in a small `width` the others are numbers alone."""
    for gap, in_words in (("  ", set(tabs)), ("", set(tabs)), ("", {current})):
        line = tuple(
            Span(f" {number} {title if name in in_words else ''}{gap}", "strong" if name == current else "dim")
            for number, (name, title) in enumerate(tabs.items(), start=1)
        )
        if _width(line) - len(gap) <= width:
            break
    return line
