"""Ask an instance all cheap questions in one round trip, and judge the answers."""

from __future__ import annotations

import re
import secrets
from shlex import quote

from velora_tui.domain.fleet import Instance
from velora_tui.domain.readiness import CheckResult, CheckStatus
from velora_tui.errors import HostError
from velora_tui.hosts.host import Host
from velora_tui.readiness.checks import CHECKS, SSH, Answer, Check

PROBE_SECONDS = 10
ROUND_TRIP_SECONDS = 30.0


async def check_instance(host: Host, instance: Instance) -> tuple[CheckResult, ...]:
    """Return the result of every check; an instance that does not answer fails `ssh`, the rest is unknown."""
    nonce = secrets.token_hex(8)
    try:
        result = await host.run(_script(nonce), timeout_seconds=ROUND_TRIP_SECONDS)
    except HostError as error:
        unasked = (CheckResult(id=check.id, status=CheckStatus.UNKNOWN, blocking=check.blocking) for check in CHECKS)
        detail = f"{error.title}: {error.message}"
        return (CheckResult(id=SSH, status=CheckStatus.FAIL, blocking=True, detail=detail), *unasked)
    answers = _answers(result.text, nonce)
    reached = CheckResult(id=SSH, status=CheckStatus.OK, blocking=True, detail="answers")
    return (reached, *(_judged(check, instance, answers.get(check.id)) for check in CHECKS))


def _script(nonce: str) -> str:
    """Return one script for all probes; each has a time limit, so a hung one hides nothing."""
    return "\n".join(
        f"printf '%s\\n' {nonce}:{check.id}; timeout {PROBE_SECONDS} sh -c {quote(check.probe)} 2>&1; "
        f"printf '\\n%s\\n' {nonce}:=$?"
        for check in CHECKS
    )


def _answers(text: str, nonce: str) -> dict[str, Answer]:
    frames = re.findall(rf"^{nonce}:(\w[\w-]*)\n(.*?)\n?^{nonce}:=(\d+)$", text, re.DOTALL | re.MULTILINE)
    return {check: Answer(int(status), answer.strip()) for check, answer, status in frames}


def _judged(check: Check, instance: Instance, answer: Answer | None) -> CheckResult:
    if answer is None:
        status, detail = CheckStatus.UNKNOWN, "no answer"
    elif answer.exit_status == 124:
        status, detail = CheckStatus.UNKNOWN, f"no answer within {PROBE_SECONDS} s"
    else:
        status, detail = check.judge(instance, answer)
    return CheckResult(id=check.id, status=status, blocking=check.blocking, detail=detail, repair=check.repair)
