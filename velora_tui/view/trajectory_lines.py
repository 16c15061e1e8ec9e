"""A trajectory as lines: one a step, and what was thought, done and seen below the steps that are unfolded."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator

from rich.cells import chop_cells

from velora_tui.garbage import collection_held
from velora_tui.view.cells import Span, Tone
from velora_tui.view.lines import Line, PackedLines
from velora_tui.view.text import cells, count, duration
from velora_tui.view.trajectory import Step, Trajectory

MOST_LINES_OF_A_TEXT = 1_000
_BODY_INDENT = 7
_LEAST_BODY_CELLS = 20
_DIFF_KINDS = frozenset({"edit", "create", "insert"})


def summary(trajectory: Trajectory) -> tuple[Span, ...]:
    """Return the trajectory in numbers: "34 steps  5:50  729k tokens  $0.44"."""
    spans = [Span(count(trajectory.count), "strong"), Span(f" step{'' if trajectory.count == 1 else 's'}", "dim")]
    if trajectory.seconds is not None:
        spans.append(Span(f"  {duration(trajectory.seconds)}", "dim"))
    if trajectory.tokens is not None:
        spans.append(Span(f"  {tokens(sum(trajectory.tokens))} tokens", "dim"))
    if trajectory.cost is not None:
        spans.append(Span(f"  {dollars(trajectory.cost)}", "dim"))
    return tuple(spans)


class StepLines:
    """The lines of a trajectory; those of folded steps are made once."""

    @collection_held()
    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        steps = enumerate(trajectory.steps)
        self._folded = PackedLines(_step_line(place, step, is_unfolded=False) for place, step in steps)

    def lines(self, unfolded: Collection[int], width: int) -> PackedLines:
        """Return all lines for `width` cells; `unfolded` holds places of steps.

        The key of a step's line is "step:PLACE", of a line below it "step:PLACE:LINE".
        """
        error = self._trajectory.error
        lines = PackedLines([Line((Span(f" the agent gave up: {error}", "bad"),), key="error")] if error else [])
        start = 0
        for place in sorted(place for place in unfolded if place < len(self._folded)):
            step = self._trajectory.whole(place)
            lines.extend(self._folded.part(start, place))
            lines.extend(PackedLines([_step_line(place, step, is_unfolded=True), *_body(place, step, width), Line()]))
            start = place + 1
        lines.extend(self._folded.part(start))
        return lines


def tokens(number: int) -> str:
    """Return 11005 as "11k"."""
    return f"{number / 1000:.0f}k" if number >= 10_000 else f"{number / 1000:.1f}k" if number >= 1000 else str(number)


def dollars(amount: float) -> str:
    """Return an amount in US dollars: "$1.21", and "$0.004" where two digits would say nothing."""
    return f"${amount:.2f}" if round(amount, 3) >= 0.01 or amount == 0 else f"${amount:.3f}"


def _step_line(place: int, step: Step, *, is_unfolded: bool) -> Line:
    number = f"{step.number:>5}" if step.number else f"{'·':>5}"
    tone: Tone = "bad" if step.is_error else ("" if step.number else "dim")
    left = (
        Span(f"{number} {'▾' if is_unfolded else '▸'} ", "dim"),
        Span(f"{step.kind[:9]:<9} ", "ours" if step.number else "dim"),
        Span(step.title, tone),
    )
    return Line(left, _numbers(step), key=f"step:{place}")


def _numbers(step: Step) -> tuple[Span, ...]:
    """Return exit status, time, tokens and cost, each in its column."""
    if not step.number:
        return ()
    ending = f"exit {step.exit_code}" if step.exit_code else ("error" if step.is_error else "")
    time = duration(step.seconds) if step.seconds is not None else ""
    used = tokens(sum(step.tokens)) if step.tokens else ""
    cost = dollars(step.cost) if step.cost is not None else ""
    numbers = Span(f"{time:>7}{used:>7}{cost:>8}", "dim")
    return (Span(f"  {ending}", "bad"), numbers) if ending else (numbers,)


def _body(place: int, step: Step, width: int) -> Iterator[Line]:
    sections: tuple[tuple[str, str, Tone], ...] = (
        ("thought", step.thought, ""),
        ("action", step.action, "strong"),
        ("observation", step.observation, "dim"),
    )
    number = 0
    for label, text, tone in sections:
        if not text.strip():
            continue
        for line in _section(label, text, tone, width, is_diff=step.kind in _DIFF_KINDS and label == "action"):
            number += 1
            yield Line((Span(" " * _BODY_INDENT), *line), key=f"step:{place}:{number}")


def _section(label: str, text: str, tone: Tone, width: int, *, is_diff: bool) -> Iterator[tuple[Span, ...]]:
    yield (Span(label, "faint"),)
    room = max(_LEAST_BODY_CELLS, width - _BODY_INDENT - 3)
    rows = text.rstrip().splitlines()
    for raw in rows[:MOST_LINES_OF_A_TEXT]:
        line_tone: Tone = {"+": "good", "-": "bad"}.get(raw[:1], tone) if is_diff else tone  # type: ignore[assignment]
        for piece in _wrapped(raw, room):
            yield (Span(f"  {piece}", line_tone),)
    if len(rows) > MOST_LINES_OF_A_TEXT:
        yield (Span(f"  … {count(len(rows) - MOST_LINES_OF_A_TEXT)} more lines: e opens the file", "look"),)


def _wrapped(raw: str, room: int) -> list[str]:
    """Return a line in pieces of at most about `room` cells, broken at blanks where it has some."""
    raw = raw[:20_000].expandtabs(4)
    if len(raw) <= room and cells(raw) <= room:
        return [raw]
    if max(map(len, raw.split()), default=0) > room:
        return chop_cells(raw, room)
    return textwrap.wrap(raw, room, drop_whitespace=False, replace_whitespace=False, break_on_hyphens=False) or [""]
