"""From a failed phase's log to a classified failure, with the line of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.grading.signatures import SIGNATURES, Signature

_EVIDENCE_LIMIT = 300


def diagnose(phase: str, lines: Iterable[tuple[int, str]], fallback: str) -> Failure:
    """Return the failure that the log's (number, text) lines show; `fallback` says what is known without them.

    The signature that stands first in the table wins, and of its lines the last one.
    """
    best: tuple[int, Signature, int, str] | None = None
    last: tuple[int | None, str] = (None, "")
    for number, text in lines:
        if text.strip():
            last = (number, text.strip())
        for rank, signature in enumerate(SIGNATURES):
            if best is not None and rank > best[0]:
                break
            if (not signature.phases or phase in signature.phases) and signature.pattern.search(text):
                best = (rank, signature, number, text.strip())
                break
    if best is None:
        return _unknown(phase, fallback, *last)
    _, signature, number, text = best
    return Failure(
        failure_class=signature.failure_class,
        signature=signature.id,
        message=signature.message,
        remedy=signature.remedy,
        phase=phase,
        line=number,
        evidence=text[:_EVIDENCE_LIMIT],
    )


def unexplained(phase: str, lines: Iterable[tuple[int, str]], message: str) -> Failure:
    """Return a failure that says `message`, with the log's last words as its evidence."""
    number, text = None, ""
    for line, words in lines:
        if words.strip():
            number, text = line, words.strip()
    return _unknown(phase, message, number, text)


def _unknown(phase: str, message: str, line: int | None, evidence: str) -> Failure:
    kind = FailureClass.AGENT if phase == "trajectory" else FailureClass.INFRASTRUCTURE
    return Failure(
        failure_class=kind,
        signature=f"{phase}-failed",
        message=message,
        remedy=f"read the end of the {phase} log, mend the cause, then retry",
        phase=phase,
        line=line,
        evidence=evidence[:_EVIDENCE_LIMIT] or None,
    )
