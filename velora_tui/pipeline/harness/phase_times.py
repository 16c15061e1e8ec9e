"""How long the script's phases took, by what their watcher keeps on the instance."""

from __future__ import annotations

import re

from velora_tui.errors import HostError
from velora_tui.hosts.follow import JobEnd
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.harness.banners import JOB, PHASES
from velora_tui.pipeline.harness.conclude import Conclusion, conclude
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed

_READ_SECONDS = 10.0
_LINE = re.compile(r"^(\w+) (\d+\.\d+)$", re.MULTILINE)  # a full disk may have cut one off
_READ = r"""
cat phases
stat -c '%n %.2Y' started exit
read -r uptime rest </proc/uptime && echo "now $uptime"
"""


async def phase_seconds(ctx: PhaseContext) -> float | None:
    """Return how long the phase that has just ended took; None where the instance does not tell."""
    command = f"cd {quote_path(ctx.spool(JOB))} && {{{_READ}}} 2>/dev/null"
    try:
        told = (await ctx.host.run(command, timeout_seconds=_READ_SECONDS, check=False)).text
    except HostError:
        return None  # our own clock will do
    return measured(ctx.phase, told)


async def timed_conclusion(ctx: PhaseContext, end: JobEnd) -> Conclusion:
    """Return what `conclude` does, and raise what it does; a PhaseFailed knows how long the phase took."""
    try:
        return await conclude(ctx, end)
    except PhaseFailed as error:
        error.seconds = await phase_seconds(ctx)
        raise


def measured(phase: str, told: str) -> float | None:
    """Return the seconds from where `phase` began to where a later one, the job's end or now came.

    `told` holds lines `name seconds`: the phases and `now` by uptime, `started` and `exit` by the instance's clock.
    """
    moments = {name: float(moment) for name, moment in _LINE.findall(told)}
    begun = [moments[name] for name in PHASES if name in moments]
    if PHASES[0] not in moments or moments.get("now", 0.0) < max(begun):
        return None  # there was no watcher, or it was in an earlier life of the machine
    end = moments["now"]
    if "exit" in moments:
        end = min(end, moments[PHASES[0]] + moments["exit"] - moments.get("started", 0.0))
    elif phase not in moments:
        return None  # the watcher's next turn is yet to come
    later = [moments[name] for name in PHASES[PHASES.index(phase) + 1 :] if name in moments]
    end = min([*later, end])
    return round(max(0.0, end - moments.get(phase, end)), 2)
