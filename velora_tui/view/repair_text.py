"""A repair in words: what it will do, the question, and what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from velora_tui.domain.readiness import CheckResult
from velora_tui.domain.repair import Affected, RepairPlan, RepairResult
from velora_tui.view.cells import Span
from velora_tui.view.text import size

Line = tuple[Span, ...]

MANY = 5  # over so many instances, the number is to be typed
_SHORT_LINES = 6


def plan_lines(plan: RepairPlan, *, commands: bool = False) -> Iterator[Line]:
    """Yield what the repair will do on one instance: the steps in words, and the things they change.

    Short commands are shown as they are, longer ones where `commands` asks for them.
    """
    yield (Span(plan.instance, "strong"), Span(f"  {plan.title}"), Span(f"  ({plan.repair})", "dim"))
    if plan.refused:
        yield (Span(f"  not possible: {plan.refused}", "bad"),)
    elif plan.nothing_to_do:
        yield (Span(f"  nothing to do: {plan.nothing_to_do}"),)
    for thing in plan.affected:
        yield (Span(f"  - {thing_words(thing)}"),)
    for number, step in enumerate(plan.steps, start=1):
        yield (Span(f"  {number}. {step.what}", "strong"),)
        lines = step.command.strip().splitlines()
        if not commands and len(lines) > _SHORT_LINES:
            lines = [f"(a script of {len(lines)} lines)"]
        for line in lines:
            yield (Span(f"       {line}", "dim"),)
    if plan.frees_bytes:
        yield (Span(f"  frees up to {size(plan.frees_bytes)}", "strong"),)
    for note in plan.notes:
        yield (Span(f"  note: {note}", "look"),)


def thing_words(thing: Affected) -> str:
    """Return one thing that a repair changes: what it is, how large, and what else is known of it."""
    parts = [f"{thing.kind} {thing.name}", size(thing.size_bytes) if thing.size_bytes is not None else "", thing.detail]
    return ", ".join(part for part in parts if part)


def confirmation(plans: Sequence[RepairPlan]) -> tuple[str, frozenset[str]]:
    """Return the question for repairs on these instances, and the answers, in small letters, that mean yes."""
    names = ", ".join(plan.instance for plan in plans)
    if len(plans) > MANY:
        question = f"{plans[0].title} on {len(plans)} instances ({names})? Type {len(plans)} to go ahead: "
        return question, frozenset({str(len(plans))})
    return f"{plans[0].title} on {names}? [y/N] ", frozenset({"y", "yes"})


def result_lines(result: RepairResult, plan: RepairPlan) -> Iterator[Line]:
    """Yield how a repair ended, and its check before and after."""
    mark = Span("✓ ", "good") if result.mended else Span("✗ ", "bad")
    yield (mark, Span(result.instance, "strong"), Span(f"  {_end_words(result, plan)}"))
    if result.check and (result.before or result.after):
        before = result.before if plan.steps else None
        outcome, *was = change_words(result.check, before, result.after)
        yield (Span(f"    {outcome}"),)
        yield from ((Span(f"      {words}", "dim"),) for words in was)


def _end_words(result: RepairResult, plan: RepairPlan) -> str:
    freed = f", freed {size(result.freed_bytes)}" if result.freed_bytes is not None else ""
    if not plan.steps:
        return "not done" if result.error else "nothing was to be done"
    if result.error:
        return f"{result.error} ({len(result.done)} of {len(plan.steps)} steps done{freed})"
    return f"{plan.title}: {len(result.done)} of {len(plan.steps)} steps done{freed}"


def change_words(name: str, before: CheckResult | None, after: CheckResult | None) -> Iterator[str]:
    """Yield how a check stands after a repair: "files: fail → ok (4/4 as expected)", and then what was wrong."""
    now = "not asked" if after is None else f"{after.status} ({after.detail})" if after.detail else str(after.status)
    yield f"{name}: {before.status} → {now}" if before else f"{name}: {now}"
    if before and before.detail and (after is None or before.detail != after.detail):
        yield f"it was: {before.detail}"
