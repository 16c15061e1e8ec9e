"""The table of checks. A new one is one new entry: its probe is a line of sh, its judge reads what that printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from velora_tui.domain.fleet import Instance
from velora_tui.domain.readiness import CheckStatus

DEFAULT_MAX_DISK_PERCENT = 80


@dataclass(frozen=True)
class Answer:
    """What a probe printed, and its exit status."""

    exit_status: int
    text: str


Judge = Callable[[Instance, Answer], tuple[CheckStatus, str]]


@dataclass(frozen=True)
class Check:
    """A question to an instance. All probes go in one round trip."""

    id: str
    title: str
    blocking: bool
    probe: str
    judge: Judge
    repair: str | None = None


def _judge_disk(instance: Instance, answer: Answer) -> tuple[CheckStatus, str]:
    fields = answer.text.split()
    if answer.exit_status != 0 or len(fields) < 5 or not fields[4].rstrip("%").isdigit():
        return CheckStatus.UNKNOWN, f"df answered {answer.text[:80]!r}"
    used = int(fields[4].rstrip("%"))
    limit = DEFAULT_MAX_DISK_PERCENT if instance.max_disk_percent is None else instance.max_disk_percent
    if used >= limit:
        return CheckStatus.FAIL, f"{used} % used, limit {limit} %"
    return CheckStatus.OK, f"{used} % used"


SSH = "ssh"  # judged by whether the round trip succeeds at all

CHECKS: tuple[Check, ...] = (Check("disk", "root disk", True, "df -P / | tail -n 1", _judge_disk),)

TITLES: dict[str, str] = {SSH: "SSH answers", **{check.id: check.title for check in CHECKS}}
