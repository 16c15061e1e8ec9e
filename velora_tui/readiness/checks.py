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


def _judge_busy(instance: Instance, answer: Answer) -> tuple[CheckStatus, str]:
    if answer.exit_status != 0:
        return CheckStatus.UNKNOWN, f"the processes cannot be listed: {answer.text[:80]!r}"
    runs = answer.text.splitlines()
    if not runs:
        return CheckStatus.OK, "no run started by hand"
    more = f", and {len(runs) - 1} more" if len(runs) > 1 else ""
    return CheckStatus.FAIL, f"a run started by hand: {runs[0][:120]}{more}"


# Runs of the harness that nobody's Velora started, as `pid of user: command`. The brackets keep a process that holds
# this very text from being found; one that only looks at a file of that name is no run.
_HAND_STARTED = r"""
for entry in $(grep -lse '[r]un_infer' -e '[r]un_full_eval' /proc/[0-9]*/cmdline); do
    entry=${entry%/cmdline}
    read -r name 2>/dev/null <"$entry/comm" || continue
    case $name in
    vi*|nvim|nano|emacs*|less|more|tail|head|cat|tee|*grep|pkill|ps|find|git) continue ;;
    ssh|sshd*|scp|sftp*|rsync|tmux*|screen) continue ;;
    esac
    if grep -qsF VELORA_JOB= "$entry/environ"; then continue; fi
    command=$(tr '\000' ' ' 2>/dev/null <"$entry/cmdline") && [ -n "$command" ] || continue
    printf '%s of %s: %.100s\n' "${entry#/proc/}" "$(stat -c %U "$entry" 2>/dev/null)" "$command"
done
true
"""

SSH = "ssh"  # judged by whether the round trip succeeds at all
BUSY = "busy"

CHECKS: tuple[Check, ...] = (
    Check("disk", "root disk", True, "df -P / | tail -n 1", _judge_disk),
    Check(BUSY, "no other run", True, _HAND_STARTED, _judge_busy),
)

TITLES: dict[str, str] = {SSH: "SSH answers", **{check.id: check.title for check in CHECKS}}
