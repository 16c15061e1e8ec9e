"""Failures of one cause, brought together: known ones by their signature, unknown ones by what their words share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from velora_tui.domain.failure import FailedAttempt, Failure, FailureGroup
from velora_tui.grading.signatures import signature_of

_WORDS_LIMIT = 200
_VAGUE = frozenset({"agent-error", "agent-gave-up", "bug", "refused", "command-failed", "instance-error", "dataset"})

# In this order: what is longer and more certain first.
_PLACEHOLDERS: tuple[tuple[re.Pattern[str], str], ...] = (
    # OpenHands cuts a UUID in the middle: 97cf0e3b-b582-40-dea0e1c126ec17a.
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{2,16}){2,5}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b(?:https?|http\+docker|s3|docker|ssh|unix)://[^\s'\"<>)\]]+"), "<url>"),
    (re.compile(r"(?:(?<=[\s'\"(=:\[])|^)(?:~|\.{1,2})?/[^\s'\":;,()\[\]<>]+"), "<path>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b(?:0x[0-9a-fA-F]+|(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,64})\b"), "<hex>"),
    (re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b"), "<run>"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def normalised(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` with all that differs from run to run replaced; `known` are names of tasks, runs and instances."""
    text = text[:2_000]
    for name in sorted((name for name in known if len(name) > 2), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "<id>", text)
    for pattern, placeholder in _PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return text.strip(" .")[:_WORDS_LIMIT]


def cluster(failures: Iterable[FailedAttempt]) -> tuple[FailureGroup, ...]:
    """Return the failures in groups of one cause, the largest group first, the members in their order."""
    groups: dict[tuple[str, str | None], list[FailedAttempt]] = {}
    for member in failures:
        groups.setdefault(_key(member), []).append(member)
    found = (_group(signature, words, members) for (signature, words), members in groups.items())
    return tuple(sorted(found, key=lambda group: (-len(group.members), group.signature, group.words or "")))


def repair_of(failure: Failure) -> str | None:
    """Return the repair that mends a failure, also of one that was written down before failures named theirs."""
    known = signature_of(failure.signature)
    return failure.repair or (known.repair if known else None)


def is_unknown(failure: Failure) -> bool:
    """Tell whether a failure's signature says only that something failed, and not why."""
    known = signature_of(failure.signature)
    if known is not None:
        return known.is_vague
    return failure.signature in _VAGUE or failure.signature == f"{failure.phase}-failed"


def _key(member: FailedAttempt) -> tuple[str, str | None]:
    failure = member.failure
    if not is_unknown(failure):
        return failure.signature, None
    names = [name for name in (member.task, member.run, member.instance) if name]
    return failure.signature, normalised(failure.evidence or failure.message, names)


def _group(signature: str, words: str | None, members: list[FailedAttempt]) -> FailureGroup:
    latest = members[-1].failure
    repairs = {repair_of(member.failure) for member in members}
    return FailureGroup(
        signature=signature,
        failure_class=latest.failure_class,
        message=latest.message,
        remedy=latest.remedy,
        repair=repairs.pop() if len(repairs) == 1 else None,
        words=words,
        members=tuple(members),
    )
