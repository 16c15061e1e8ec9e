"""Put questions to an instance: one script for all of them, each with a time limit, answers as they come."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from velora_tui.domain.events import now
from velora_tui.domain.readiness import CheckResult, CheckStatus
from velora_tui.errors import CommandFailed, HostError
from velora_tui.hosts.host import Host
from velora_tui.hosts.lease import DEFAULT_LEASE
from velora_tui.hosts.shell import quote_path
from velora_tui.readiness.checks import Answer, Check, Subject, Verdict
from velora_tui.readiness.checks.check import TIMED_OUT
from velora_tui.readiness.environment import exports

OUTPUT_LIMIT_BYTES = 2048  # with its header under the 4096 bytes that a pipe takes whole
_OK_OUTPUT_CHARACTERS = 200  # the journal keeps results: of what is in order, little
_KILL_SECONDS = 2  # between SIGTERM and SIGKILL
_SPARE_SECONDS = 18.0  # for connecting, and for an instance that is slow to start processes

Tell = Callable[[CheckResult], None]

# Every probe runs beside the others and answers in one write: `nonce id status length`, then so many bytes, cut. Its
# output can hold nothing that is read as another answer. What may print without end is read through `head`, which ends
# it; the others are spared those processes. The probe's text is no argument: whoever looks for runs by `pgrep -f` must
# not find the question.
_SCRIPT = r"""
exec 2>/dev/null
eval "$(head -c VARIABLES)"
export LC_ALL=C
nl='
'
run='script=$probe; unset probe; eval "$script"'
ask() {
    answer=$(probe=$3 timeout -k KILL "$2" sh -c "$run" </dev/null 2>&1)
    tell "$1" $?
}
ask_loud() {
    answer=$({
        status=$({
            { probe=$3 timeout -k KILL "$2" sh -c "$run" </dev/null 2>&1 3>&- 4>&-; echo $? >&3; } | head -c LIMIT >&4
        } 3>&1)
        printf '\n%s' "$status"
    } 4>&1)
    status=${answer##*"$nl"}
    answer=${answer%"$nl"*}
    tell "$1" "$status"
}
tell() {
    length=${#answer}
    if [ "$length" -gt LIMIT ]; then length=LIMIT; fi
    printf '%s %s %s %s\n%.LIMITs\n' "$nonce" "$1" "$2" "$length" "$answer"
}
{
    if [ -e LEASE ]; then held=held; else held=free; fi
    printf '%s hello %s\n' "$nonce" "$held"
"""
_SCRIPT_END = "    wait\n} | cat\n"


@dataclass(frozen=True)
class Contact:
    """What was learned beside the answers: whether a lease lies on the instance."""

    has_lease: bool


async def ask(host: Host, subject: Subject, checks: Sequence[Check], tell: Tell) -> Contact:
    """Ask all of `checks` in one round trip; each result is told as it comes, and one that does not is unknown.

    Raises HostError where the instance was not reached; then nothing was told.
    """
    questions = {check.id: check for check in checks if check.probe is not None}
    stream, variables = _Stream(secrets.token_hex(16)), exports(subject.instance).encode()
    limit = max((check.time_limit_seconds for check in questions.values()), default=0) + _KILL_SECONDS + _SPARE_SECONDS
    script = _script(stream.nonce, subject, questions, len(variables))
    sent, silence = time.time(), f"no answer within {limit:.0f} s"
    try:
        async with asyncio.timeout(limit) as deadline, host.open(script) as process:
            await process.write(variables)
            await process.write_eof()
            while data := await process.read():
                for check_id, status, output in stream.feed(data):
                    if check := questions.pop(check_id, None):
                        text = output.decode("utf-8", "replace").strip()
                        tell(_result(check, subject, Answer(status, text, sent, time.time())))
            silence = "no answer"
    except TimeoutError:
        if not deadline.expired():
            raise
    except HostError as error:
        if stream.contact is None:
            raise
        silence = error.message
    if stream.contact is None:
        raise CommandFailed(f"its shell says nothing: {silence}", instance=host.name)
    for check in questions.values():
        tell(unanswered(check, silence))
    return stream.contact


def unanswered(check: Check, detail: str = "") -> CheckResult:
    """Return the result of a check of which nothing is known."""
    return CheckResult(
        id=check.id, status=CheckStatus.UNKNOWN, blocking=check.blocking, detail=detail, repair=check.repair
    )


def _script(nonce: str, subject: Subject, questions: dict[str, Check], variables_bytes: int) -> str:
    head = _SCRIPT.replace("LEASE", quote_path(DEFAULT_LEASE))
    numbers = {"KILL": _KILL_SECONDS, "LIMIT": OUTPUT_LIMIT_BYTES, "VARIABLES": variables_bytes}
    for name, number in numbers.items():
        head = head.replace(name, str(number))
    asking = "".join(_question(check, check.probe(subject)) for check in questions.values() if check.probe is not None)
    return f"nonce={nonce}{head}{asking}{_SCRIPT_END}"


def _question(check: Check, probe: str) -> str:
    way = "ask_loud" if check.loud else "ask"
    return f"    {way} {check.id} {check.time_limit_seconds} {quote(probe)} &\n"


class _Stream:
    """Reads answers out of what the script writes; whatever else is printed, as by a login script, is passed over."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self.contact: Contact | None = None
        self._buffer = b""
        self._hello = re.compile(rb"%b hello (held|free)\n" % nonce.encode())
        self._answer = re.compile(rb"%b ([a-z][a-z0-9-]*) (\d{1,3}) (\d{1,5})\n" % nonce.encode())

    def feed(self, data: bytes) -> Iterator[tuple[str, int, bytes]]:
        """Yield (check id, exit status, output) of each answer that is complete."""
        self._buffer += data
        if self.contact is None and (hello := self._hello.search(self._buffer)):
            self.contact = Contact(has_lease=hello[1] == b"held")
            self._buffer = self._buffer[hello.end() :]
        while self.contact is not None and (header := self._answer.search(self._buffer)):
            end = header.end() + int(header[3])
            if len(self._buffer) <= end:
                return
            yield header[1].decode(), int(header[2]), self._buffer[header.end() : end]
            self._buffer = self._buffer[end + 1 :]


def _result(check: Check, subject: Subject, answer: Answer) -> CheckResult:
    verdict = _verdict(check, subject, answer)
    is_ok = verdict.status is CheckStatus.OK
    return CheckResult(
        id=check.id,
        status=verdict.status,
        blocking=check.blocking,
        detail=verdict.detail,
        repair=check.repair if verdict.mends and not is_ok else None,
        output=answer.text[:_OK_OUTPUT_CHARACTERS] if is_ok else answer.text,
        at=now(),
    )


def _verdict(check: Check, subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status in TIMED_OUT:
        return Verdict(CheckStatus.UNKNOWN, f"no answer within {check.time_limit_seconds} s")
    return check.judge(subject, answer)
