"""Why runs went wrong as lines: one cause a row across the fleet, and one attempt in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from velora_tui.domain.failure import Failure, FailureClass, FailureGroup, Finding
from velora_tui.domain.listing import Group
from velora_tui.domain.readiness import OWN_REPAIR_PREFIX
from velora_tui.view.cells import Span
from velora_tui.view.text import clean_text, count, cut

Line = tuple[Span, ...]

MOST_MEMBERS = 8
_EVIDENCE_CELLS = 200
_NUMBER_CELLS = 7
_WHY_CELLS = 120

# What the operator calls a repair, as beside its key.
REPAIR_WORDS = {
    "push-files": "push the critical files",
    "git-init": "git init",
    "install-datasets": "install datasets",
    "unset-variable": "unset the variable",
    "start-docker": "start Docker",
    "free-disk": "free disk space",
    "drop-runtime-images": "drop cached runtime images",
    "remove-lease": "remove the stale lease",
    "kill-stray": "kill the stray run",
}

_WHOSE = {
    FailureClass.INFRASTRUCTURE: "the machine's",
    FailureClass.AGENT: "the model's",
    FailureClass.TASK: "the task's",
    FailureClass.OPERATOR: "the operator's",
    FailureClass.BUG: "Velora's own",
}


def repair_words(repair: str) -> str:
    """Return what a repair does in a few words: "start Docker"."""
    if repair.startswith(OWN_REPAIR_PREFIX):
        return f"your own repair of {repair.removeprefix(OWN_REPAIR_PREFIX)}"
    return REPAIR_WORDS.get(repair, repair.replace("-", " "))


def repair_command(repair: str | None, instances: Sequence[str]) -> str | None:
    """Return the command that carries a repair out on `instances`; None where there is nothing to carry out."""
    return f"velora repair {','.join(instances)} {repair}" if repair and instances else None


def group_line(group: FailureGroup) -> Line:
    """Return "3 × docker-buildx: push the critical files and retry" of failures of one cause."""
    action = f"{repair_words(group.repair)} and retry" if group.repair else group.remedy
    return (
        Span(f"{len(group.members)} × ", "strong"),
        Span(group.signature, "bad"),
        Span(": ", "dim"),
        Span(action),
    )


def group_lines(groups: Iterable[FailureGroup]) -> Iterator[Line]:
    """Yield all that `velora diagnose` says of failures across the fleet."""
    for group in groups:
        yield group_line(group)
        yield (Span(f"    {group.message} · {whose(group.failure_class, group.signature)}", "dim"),)
        if group.words:
            yield (Span("    in common: ", "dim"), Span(cut(group.words, _EVIDENCE_CELLS)))
        for member in group.members[:MOST_MEMBERS]:
            failure = member.failure
            where = f" in {failure.phase}" if failure.phase else ""
            line = f", line {count(failure.line)}" if failure.line is not None else ""
            head = f"    {member.instance or 'no instance'}  {member.task}  {member.model}  "
            yield (Span(head), Span(member.run, "ours"), Span(f"{where}{line}", "dim"))
        if len(group.members) > MOST_MEMBERS:
            yield (Span(f"    and {count(len(group.members) - MOST_MEMBERS)} more", "dim"),)
        if command := repair_command(group.repair, group.instances):
            yield (Span("    mend it: ", "dim"), Span(command, "ours"))
        yield ()


def failure_lines(failure: Failure, instance: str | None, around: Sequence[tuple[int, str]]) -> Iterator[Line]:
    """Yield a failure in full: the cause, whose doing, the log around the evidence, the remedy and its command."""
    where = f" in {failure.phase}" if failure.phase else ""
    yield (Span("✗ ", "bad"), Span(failure.signature, "bad"), Span(where, "dim"), Span(f": {failure.message}"))
    yield _fact("class", f"{failure.failure_class}: {whose(failure.failure_class, failure.signature)}")
    if failure.evidence:
        line = f" (line {count(failure.line)})" if failure.line is not None else ""
        yield _fact("evidence", f"{cut(clean_text(failure.evidence), _EVIDENCE_CELLS)}{line}")
    for number, text in around:
        is_evidence = number == failure.line
        mark = Span("  ▌", "bad") if is_evidence else Span("   ")
        yield (mark, Span(f"{number:>{_NUMBER_CELLS}}  ", "faint"), Span(cut(text, _EVIDENCE_CELLS)))
    yield _fact("remedy", failure.remedy)
    if command := repair_command(failure.repair, [instance] if instance else []):
        yield (Span("  repair    ", "dim"), Span(command, "ours"))


def finding_lines(findings: Iterable[Finding], instance: str | None) -> Iterator[Line]:
    """Yield what is suspicious about a result, each with its line and what to do."""
    for finding in findings:
        yield (Span("! ", "look"), Span(finding.id, "look"), Span(f": {finding.cause}"))
        yield _fact("class", f"{finding.failure_class}: {whose(finding.failure_class, finding.id)}")
        place = f"{finding.file}:{finding.line}" if finding.file and finding.line else finding.file or ""
        if finding.evidence:
            yield _fact("evidence", cut(clean_text(finding.evidence), _EVIDENCE_CELLS), f"  {place}" if place else "")
        elif place:
            yield _fact("see", place)
        yield _fact("remedy", finding.remedy)
        if command := repair_command(finding.repair, [instance] if instance else []):
            yield (Span("  repair    ", "dim"), Span(command, "ours"))


def void_lines(groups: Sequence[Group]) -> Iterator[Line]:
    """Yield what `velora diagnose` says of imported results that are not valid, brought together by why."""
    results = sum(len(group.rows) for group in groups)
    words = "imported result proves" if results == 1 else "imported results prove"
    yield (Span(count(results), "strong"), Span(f" {words} "), Span("nothing", "bad"), Span(" of the model"))
    for group in groups[:MOST_MEMBERS]:
        members = Span(f"    {len(group.rows)} × ", "strong")
        example = Span(f"  `velora diagnose {group.rows[0].key}`", "dim")
        yield (members, Span(cut(clean_text(group.key), _WHY_CELLS)), example)
    if len(groups) > MOST_MEMBERS:
        yield (Span(f"    and {count(len(groups) - MOST_MEMBERS)} more causes", "dim"),)
    yield (Span("    list them: ", "dim"), Span('velora results --keys --filter "origin:import valid:no"', "ours"))


def whose(failure_class: FailureClass, signature: str) -> str:
    """Return whose doing a failure is; of one whose signature only names its phase, that nobody knows."""
    return "its cause is not known" if signature.endswith("-failed") else f"{_WHOSE[failure_class]} doing"


def _fact(name: str, value: str, more: str = "") -> Line:
    return (Span(f"  {name:<10}", "dim"), Span(value), Span(more, "dim"))
