"""Failures of the fleet by their causes: one line each on the fleet's screen, and all of them with their members."""

from __future__ import annotations

from collections.abc import Sequence

from velora_tui.domain.failure import FailedAttempt, FailureGroup
from velora_tui.domain.fleet import Fleet
from velora_tui.view.cells import Cell, Span
from velora_tui.view.diagnosis_text import group_line, repair_words, whose
from velora_tui.view.lines import Line, note
from velora_tui.view.text import clean_text, count, cut

CauseKey = tuple[str, str | None]

_EVIDENCE_CELLS = 300
_NUMBER_CELLS = 7


def cause_key(group: FailureGroup) -> CauseKey:
    """Return what stays the same of a group when failures come and go."""
    return group.signature, group.words


def line_key(group: FailureGroup) -> str:
    """Return the key of a group's line."""
    return f"cause:{group.signature}:{group.words or ''}"


def member_key(group: FailureGroup, member: FailedAttempt) -> str:
    """Return the key of a member's line."""
    return f"{line_key(group)}:{member.run}"


def worth_a_line(groups: Sequence[FailureGroup]) -> list[FailureGroup]:
    """Return the groups that say more than the rows of the fleet do: those of several failures."""
    return [group for group in groups if len(group.members) > 1]


def strip_lines(groups: Sequence[FailureGroup], most: int) -> list[Line]:
    """Return a line a cause, at most `most`: "3 × docker-buildx: push docker.py and retry  [R] [r]"."""
    told = worth_a_line(groups)
    shown = told[:most]
    return [_strip_line(group, len(told) - len(shown) if group is shown[-1] else 0) for group in shown]


def _strip_line(group: FailureGroup, more: int) -> Line:
    where = f"   {', '.join(group.instances)}" if group.instances else ""
    rest = (Span(f"and {count(more)} more ", "dim"), Span("[W] ", "ours")) if more else ()
    return Line((Span(" "), *group_line(group), Span(where, "dim")), (*_keys(group), *rest), key=line_key(group))


def _keys(group: FailureGroup) -> tuple[Span, ...]:
    repair = Span("[R] ", "ours") if group.repair and group.instances else Span("")
    return Span("  "), repair, Span("[r] ", "ours")


def cause_lines(groups: Sequence[FailureGroup], fleet: Fleet) -> list[Line]:
    """Return every cause with its members."""
    lines: list[Line] = []
    for group in groups:
        lines += [Line()] if lines else []
        lines.append(_head(group))
        whose_words = whose(group.failure_class, group.signature)
        lines.append(note(f"{clean_text(group.message)} · {whose_words} · {group.remedy}", indent=3))
        if group.words:
            lines.append(Line((Span("   in common: ", "dim"), Span(clean_text(group.words)))))
        lines += [_member(group, member, fleet) for member in reversed(group.members)]
    return lines


def _head(group: FailureGroup) -> Line:
    repair = (Span("[R]", "ours"), Span(f" {repair_words(group.repair)}  ", "dim")) if group.repair else ()
    retry = (Span("[r]", "ours"), Span(f" retry{' all' if len(group.members) > 1 else ''} ", "dim"))
    left = (Span(f" {count(len(group.members))} × ", "strong"), Span(group.signature, "bad"))
    return Line(left, (*repair, *retry), key=line_key(group))


def _member(group: FailureGroup, member: FailedAttempt, fleet: Fleet) -> Line:
    failure = member.failure
    line = f" line {count(failure.line)}" if failure.line is not None else ""
    where = f"{failure.phase or ''}{line}"
    left = (
        Span(f"   {member.instance or 'no instance':<10} "),
        Span(f"{member.task}  "),
        Span(fleet.label(member.model), "model"),
        Span(f"  attempt {member.attempt}", "dim"),
        Span(f"  {cut(clean_text(failure.evidence or ''), _EVIDENCE_CELLS)}", "dim"),
    )
    return Line(left, (Span(f"{where} ", "dim"), Span("⏎ ", "ours")), key=member_key(group, member), head=1)


def excerpt_title(member: FailedAttempt | None) -> Cell:
    """Return whose log is shown below the causes."""
    if member is None:
        return ""
    failure = member.failure
    return (
        Span(f" {member.instance or 'no instance'}", "strong"),
        Span(f"  {member.task}"),
        Span(f"  {failure.phase or 'no phase'}", "dim"),
        Span(f" · line {count(failure.line)}" if failure.line is not None else "", "dim"),
    )


def excerpt_lines(around: Sequence[tuple[int, str]], evidence: int | None) -> list[Line]:
    """Return the log around the evidence."""
    return [
        Line(
            (
                Span(" ▌" if number == evidence else "  ", "bad"),
                Span(f"{number:>{_NUMBER_CELLS}}  ", "faint"),
                Span(clean_text(text), "bad" if number == evidence else ""),
            )
        )
        for number, text in around
    ]
