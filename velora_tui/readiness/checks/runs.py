"""Whether somebody's run has the instance: one that no Velora started. Leases are looked at by the engine."""

from __future__ import annotations

from velora_tui.readiness.checks.check import Answer, Check, Subject, Verdict, failed, passed, unclear
from velora_tui.view.text import clean_text

BUSY = "busy"
REMOVE_LEASE = "remove-lease"

# Words of a command line behind which a secret may stand.
SECRET_WORDS = "key|token|secret|passw(or)?d|credential"

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
    command=$(tr '\000' ' ' 2>/dev/null <"$entry/cmdline" |
        sed -E 's/((SECRET_WORDS)[[:alnum:]_-]*[=:[:space:]][[:space:]]*)[^[:space:]]+/\1.../Ig')
    [ -n "$command" ] || continue
    # Once more: of a process that was just starting a program, neither could be read the first time.
    if grep -qsF VELORA_JOB= "$entry/environ"; then continue; fi
    printf '%s of %s: %.100s\n' "${entry#/proc/}" "$(stat -c %U "$entry" 2>/dev/null)" "$command"
done
true
""".replace("SECRET_WORDS", SECRET_WORDS)


def _judge_busy(_: Subject, answer: Answer) -> Verdict:
    if answer.exit_status != 0:
        return unclear(answer, "the processes can't be listed")
    runs = answer.text.splitlines()
    if not runs:
        return passed("no run started by hand")
    more = f", and {len(runs) - 1} more" if len(runs) > 1 else ""
    return failed(f"a run started by hand: process {clean_text(runs[0], 120)}{more}")


CHECKS = (Check(BUSY, "no other run", lambda _: _HAND_STARTED, _judge_busy, blocking=True, repair="kill-stray"),)
