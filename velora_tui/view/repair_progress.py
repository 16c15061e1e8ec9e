"""A repair on several instances while it is planned, made and over: the lines of its window."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.view.cells import Span
from velora_tui.view.lines import Line
from velora_tui.view.repair_text import plan_lines, result_lines
from velora_tui.view.text import cells, count, duration, size


class Doing(NamedTuple):
    """How far a repair is on one instance: the number of the step that was begun, from 1 on, and what that does."""

    number: int = 0
    what: str = ""


def plan_title(plans: Sequence[RepairPlan], title: str) -> str:
    """Return "free disk space on 3 instances?", or that there is nothing to do."""
    possible = [plan for plan in plans if plan.steps]
    if not possible:
        return f"{title}: nothing is done"
    where = possible[0].instance if len(possible) == 1 else f"{count(len(possible))} instances"
    return f"{title} on {where}?"


def gain(plans: Sequence[RepairPlan]) -> str:
    """Return "frees up to 38 GB in all" where several plans are there to free disk, else "": one says it itself."""
    freed = [plan.frees_bytes for plan in plans if plan.steps and plan.frees_bytes]
    return f"frees up to {size(sum(freed))} in all" if len(freed) > 1 else ""


def planned_lines(plans: Sequence[RepairPlan], width: int, *, commands: bool = False) -> list[Line]:
    """Return what will be done in lines of `width` cells, instance by instance; what can't be done comes last."""
    lines: list[tuple[Span, ...]] = []
    for plan in sorted(plans, key=lambda plan: not plan.steps):
        lines += [(), *plan_lines(plan, commands=commands)]
    return _numbered([row for line in lines[1:] for row in _broken(line, width)])


def working_lines(
    plans: Sequence[RepairPlan], doing: Mapping[str, Doing], results: Mapping[str, RepairResult], seconds: float
) -> list[Line]:
    """Return how far the repair is on each instance."""
    return _numbered(list(_working(plans, doing, results, seconds)))


def _working(
    plans: Sequence[RepairPlan], doing: Mapping[str, Doing], results: Mapping[str, RepairResult], seconds: float
) -> Iterator[tuple[Span, ...]]:
    for plan in plans:
        result = results.get(plan.instance)
        if result is not None:
            yield from result_lines(result, plan)
            continue
        now = doing.get(plan.instance, Doing())
        step = f"  step {now.number} of {len(plan.steps)}" if now.number else "  looks once more"
        yield (
            Span("… ", "run"),
            Span(plan.instance, "strong"),
            Span(step, "run"),
            Span(f"  {now.what}" if now.what else ""),
            Span(f"  {duration(seconds)}", "dim"),
        )


def end_title(plans: Sequence[RepairPlan], results: Mapping[str, RepairResult], title: str) -> tuple[Span, ...]:
    """Return how it went in all: "start Docker: mended on 2 of 3 instances"."""
    tried = [plan.instance for plan in plans if plan.steps]
    mended = sum(results[name].mended for name in tried if name in results)
    if len(tried) == 1:
        words = f"{'mended' if mended else 'not mended'} on {tried[0]}"
    else:
        words = f"mended on {count(mended)} of {count(len(tried))} instances"
    is_good = mended == len(tried)
    return Span("✓ " if is_good else "✗ ", "good" if is_good else "bad"), Span(title, "strong"), Span(f": {words}")


def end_words(plans: Sequence[RepairPlan], results: Mapping[str, RepairResult], title: str) -> str:
    """Return `end_title` as a sentence."""
    return "".join(span.text for span in end_title(plans, results, title)[1:])


def _broken(line: tuple[Span, ...], width: int) -> list[tuple[Span, ...]]:
    """Return the line, broken where it does not fit: what will be done is read to its end before one says yes."""
    if len(line) != 1 or cells(line[0].text) <= width:
        return [line]
    text, tone = line[0]
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    rows = textwrap.wrap(text, max(20, width), subsequent_indent=indent, drop_whitespace=False)
    return [(Span(row.rstrip(), tone),) for row in rows]


def _numbered(lines: Sequence[tuple[Span, ...]]) -> list[Line]:
    return [Line((Span(" "), *spans), key=str(number)) for number, spans in enumerate(lines)]
