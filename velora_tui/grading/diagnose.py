"""From a failed phase's log to a classified failure, with the line of evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.grading.log_zones import Zone, ZonedLine, ZoneReader
from velora_tui.grading.signatures import SIGNATURES, Signature, Source

_INFRA = FailureClass.INFRASTRUCTURE
_EVIDENCE_LIMIT = 300
_TEXT_LIMIT = 2_000
# A cause stands near the end: of two, the one that is nearer by such a step counts, whatever the table's order.
_NEAR_LINES = (200, 1000)
_END_LINES = 60  # of an agent whose log has no records, only the end is looked at
_WORK_AFTER = 2  # an error after which the agent acted so often was got over

# What tools put before what went wrong; a line that may be the agent's must begin with it.
_LEAD = re.compile(
    r"(?:(?:[A-Za-z_][\w.]{0,80}(?:Error|Exception|Exceeded|Timeout|NotFound)|docker|curl|write|tar|git"
    r"|fatal(?: error)?|ERROR|Error(?: response from daemon)?|E|(?:ba|da)?sh|[\w./-]{0,120}\.sh|line \d+|\d+"
    r"|There was an unexpected error while running the agent):? +|\[Errno \d+\] +)*+"
)
_NOT_STARTED = re.compile(r"Maximum retries \(\d+\) reached: ")
_MODULE = re.compile(r"(?:[a-z_]\w{0,40}\.)++")
_ERROR_LIKE = re.compile(
    r"(?:[A-Za-z_][\w.]*)?(?:Error|Exception|Exceeded|Timeout|StopIteration)(?::|$)|(?:[a-z_]\w*\.)+[A-Z]\w*(?:: |$)"
    r"|fatal: |(?:docker: |An )?(?i:error)\b[: ]|panic: |E: "
    r"|\S+: line \d+: |.*\b(?:command not found|[Nn]o such file|[Ff]ailed|FAILED|cannot|refused|denied|timed out)\b"
)


@dataclass(frozen=True, slots=True)
class _Hit:
    rank: int
    number: int
    text: str
    line: ZonedLine

    @property
    def signature(self) -> Signature:
        return SIGNATURES[self.rank]


def diagnose(phase: str, lines: Iterable[tuple[int, str]], fallback: str) -> Failure:
    """Return the failure that the log's (number, text) lines show; `fallback` says what is known without them.

    Only what the harness and its tools say counts, not what the agent or the tests print. Of several causes the one
    near the end counts, then the one that stands first in the table; of its lines the last one.
    """
    scan = _Scan(phase)
    for number, text in lines:
        scan.read(number, text)
    hit = scan.best()
    if hit is not None:
        return _failure(phase, hit, scan.error_above(hit))
    unknown = _unknown(phase, fallback, *scan.last_words())
    return unknown.model_copy(update={"failure_class": _INFRA}) if scan.ended_in_harness else unknown


def diagnose_error(error: str) -> Failure | None:
    """Return the known failure in the `error` of an output.jsonl; its line is one of the text's.

    The harness also writes there what kept an agent from starting, which may be any failure of the phase.
    """
    signatures = _looked_for(Source.LOG if _NOT_STARTED.match(error) else Source.ERROR, "trajectory")
    for number, text in enumerate(error.splitlines(), start=1):
        for rank, signature in signatures:
            if signature.pattern.search(text[:_TEXT_LIMIT]):
                hit = _Hit(rank, number, text, ZonedLine(Zone.OURS, text, 0, False))
                return _failure("trajectory", hit, (number, text))
    return None


def first_sign(source: Source, lines: Iterable[tuple[int, str]]) -> tuple[Signature, int, str] | None:
    """Return what stands first in the table of all that `lines` of `source` show, with the first line that does."""
    signatures = _looked_for(source, None)
    best: tuple[int, int, str] | None = None
    for number, text in lines:
        cut = text[:_TEXT_LIMIT]
        for rank, signature in signatures:
            if best is not None and rank >= best[0]:
                break
            if begins_with(signature, cut):
                best = (rank, number, text.strip()[:_EVIDENCE_LIMIT])
                break
    return (SIGNATURES[best[0]], best[1], best[2]) if best else None


def begins_with(signature: Signature, text: str) -> bool:
    """Tell whether a line begins with the signature, behind nothing but the names that tools put before an error."""
    if signature.pattern.match(text):
        return True
    behind_lead = text[_end(_LEAD, text) :]
    return any(
        signature.pattern.match(rest)
        for rest in (text[_end(_MODULE, text) :], behind_lead, behind_lead[_end(_MODULE, behind_lead) :])
    )


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def unexplained(phase: str, lines: Iterable[tuple[int, str]], message: str) -> Failure:
    """Return a failure that says `message`, with the log's last words as its evidence."""
    number, text = None, ""
    for line, words in lines:
        if words.strip():
            number, text = line, words.strip()
    return _unknown(phase, message, number, text)


class _Scan:
    """One pass over a log: for each signature its last line, and the last line that looks like an error."""

    def __init__(self, phase: str) -> None:
        self._phase = phase
        self._signatures = _looked_for(Source.LOG, phase)
        self._reader: ZoneReader | None = None
        self._from_middle = False
        self._hits: dict[int, _Hit] = {}
        self._hits_before_records: dict[int, _Hit] = {}
        self._last: tuple[int | None, str] = (None, "")
        self._last_error: tuple[int | None, str] = (None, "")
        self._error_zone = Zone.CONTENT
        self._actions = 0

    def read(self, number: int, text: str) -> None:
        if self._reader is None:
            self._reader, self._from_middle = ZoneReader(self._phase, number), number > 1
        line = self._reader.read(text[:_TEXT_LIMIT])
        self._actions = line.actions
        if not text.strip():
            return
        self._last = number, text.strip()
        if line.zone is Zone.CONTENT:
            return
        rank = self._rank(line)
        if rank is not None:
            hits = self._hits if line.is_marked or line.zone is Zone.OURS else self._hits_before_records
            hits[rank] = _Hit(rank, number, text.strip(), line)
        if _ERROR_LIKE.match(line.text) and not (rank is not None and SIGNATURES[rank].points_up):
            self._last_error, self._error_zone = (number, text.strip()), line.zone

    def _rank(self, line: ZonedLine) -> int | None:
        """Return the first signature that the line shows."""
        for rank, signature in self._signatures:
            found = signature.pattern.search(line.text) if line.zone is Zone.OURS else begins_with(signature, line.text)
            if found:
                return rank
        return None

    def best(self) -> _Hit | None:
        """Return the most likely cause."""
        end = self._last[0] or 0
        hits = [hit for hit in self._hits.values() if self._actions - hit.line.actions < _WORK_AFTER]
        hits += [hit for hit in self._hits_before_records.values() if self._counts_before_records(hit, end)]
        hits += self._killed_at_end()
        return min(hits, key=lambda hit: (hit.signature.is_vague, _distance(end - hit.number), hit.rank), default=None)

    @property
    def ended_in_harness(self) -> bool:
        """Whether the last error is one of the harness's own, such as a traceback through its files."""
        return self._error_zone is Zone.OURS and self.last_words() == self._last_error

    def error_above(self, hit: _Hit) -> tuple[int | None, str]:
        """Return the evidence of a hit: its own line, or the error above one that only points there."""
        number = self._last_error[0]
        is_above = number is not None and 0 < hit.number - number <= _NEAR_LINES[0]
        return self._last_error if hit.signature.points_up and is_above else (hit.number, hit.text)

    def last_words(self) -> tuple[int | None, str]:
        """Return the last line that looks like an error, or the last one where none is near the end."""
        number, end = self._last_error[0], self._last[0]
        is_near = number is not None and end is not None and end - number <= _NEAR_LINES[0]
        return self._last_error if is_near else self._last

    def _counts_before_records(self, hit: _Hit, end: int) -> bool:
        """Tell whether a line before any record is the script's, and not the agent's: of a log read from its middle
        on nobody knows, and where no record comes at all only the end counts."""
        if self._reader is not None and self._reader.has_records:
            return not self._from_middle and self._actions - hit.line.actions < _WORK_AFTER
        return end - hit.number <= _END_LINES

    def _killed_at_end(self) -> list[_Hit]:
        """Return the shell's last word on a process that was killed amidst the agent's words."""
        number, text = self._last
        if number is None or text != "Killed":
            return []
        line = ZonedLine(Zone.OURS, text, self._actions, is_marked=True)
        return [_Hit(rank, number, text, line) for rank, known in self._signatures if known.pattern.match(text)]


def _looked_for(source: Source, phase: str | None) -> list[tuple[int, Signature]]:
    return [(rank, known) for rank, known in enumerate(SIGNATURES) if known.is_looked_for(source, phase)]


def _distance(lines: int) -> int:
    return sum(lines > limit for limit in _NEAR_LINES)


def _failure(phase: str, hit: _Hit, evidence: tuple[int | None, str]) -> Failure:
    known = hit.signature
    return Failure(
        failure_class=known.failure_class,
        signature=known.id,
        message=known.message,
        remedy=known.remedy,
        phase=phase,
        line=evidence[0],
        evidence=evidence[1][:_EVIDENCE_LIMIT],
        repair=known.repair,
    )


def _unknown(phase: str, message: str, line: int | None, evidence: str) -> Failure:
    kind = FailureClass.AGENT if phase == "trajectory" else _INFRA
    return Failure(
        failure_class=kind,
        signature=f"{phase}-failed",
        message=message,
        remedy=f"read the end of the {phase} log, mend the cause, then retry",
        phase=phase,
        line=line,
        evidence=evidence[:_EVIDENCE_LIMIT] or None,
    )
