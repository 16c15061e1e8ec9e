"""Checks of the machine itself: disk, load, memory, clock."""

from __future__ import annotations

import re

from velora_tui.readiness.checks.check import (
    Answer,
    Check,
    Subject,
    Verdict,
    failed,
    on_harness,
    passed,
    unclear,
    warned,
)
from velora_tui.view.text import size

_LOAD_PER_CORE = 2.0
_HARNESS_MEMORY_BYTES = 4 * 1024**3  # under this the newest script ends agents and prunes images on its own
_MEMORY_BYTES = 512 * 1024**2
_SKEW_SECONDS = 5.0
_MEMORY = re.compile(r"^(Mem(?:Total|Available)):\s+(\d+) kB$", re.MULTILINE)


def _judge_disk(subject: Subject, answer: Answer) -> Verdict:
    fields = answer.text.split()
    if answer.exit_status != 0 or len(fields) < 5 or not re.fullmatch(r"\d{1,3}%", fields[4]):
        return unclear(answer, "df can't be read")
    used, limit = int(fields[4].rstrip("%")), subject.instance.max_disk_percent
    limit = subject.fleet.defaults.max_disk_percent if limit is None else limit
    if used >= limit:
        return failed(f"{used} % used, limit {limit} %")
    return passed(f"{used} % used")


def _judge_load(_: Subject, answer: Answer) -> Verdict:
    found = re.fullmatch(r"(\d+\.\d+) \S+ \S+ \S+ \S+\s+(\d+)", answer.text)
    if answer.exit_status != 0 or found is None or int(found[2]) < 1:
        return unclear(answer, "the load can't be read")
    load, cores = float(found[1]), int(found[2])
    words = f"load {load:.1f} on {cores} core{'s' if cores > 1 else ''}"
    return warned(words) if load > _LOAD_PER_CORE * cores else passed(words)


def _judge_memory(subject: Subject, answer: Answer) -> Verdict:
    bytes_of = {name: int(kilobytes) * 1024 for name, kilobytes in _MEMORY.findall(answer.text)}
    if answer.exit_status != 0 or len(bytes_of) != 2:
        return unclear(answer, "the memory can't be read")
    words = f"{size(bytes_of['MemAvailable'])} of {size(bytes_of['MemTotal'])} available"
    wanted = _HARNESS_MEMORY_BYTES if on_harness(subject) else _MEMORY_BYTES
    if bytes_of["MemAvailable"] < wanted:
        return warned(f"only {words}, a run needs about {size(wanted)}")
    return passed(words)


def _judge_clock(_: Subject, answer: Answer) -> Verdict:
    if answer.exit_status != 0 or not re.fullmatch(r"\d{1,12}\.\d+", answer.text):
        return unclear(answer, "the clock can't be read")
    theirs = float(answer.text)
    # It was read at some moment between sending and hearing: only what lies outside is certain.
    ahead, behind = theirs - answer.received, answer.sent - theirs
    skew = max(ahead, behind, 0.0)
    if skew > _SKEW_SECONDS:
        return warned(f"{skew:.0f} s {'ahead of' if ahead > behind else 'behind'} ours")
    return passed(f"within {max(skew, (answer.received - answer.sent) / 2):.1f} s of ours")


CHECKS = (
    Check("disk", "root disk", lambda _: "df -P / | tail -n 1", _judge_disk, blocking=True, repair="free-disk"),
    Check("load", "load", lambda _: 'echo "$(cat /proc/loadavg) $(nproc)"', _judge_load),
    Check("memory", "free memory", lambda _: "grep -E '^Mem(Total|Available):' /proc/meminfo", _judge_memory),
    Check("clock", "clock agrees with ours", lambda _: "date +%s.%N", _judge_clock),
)
