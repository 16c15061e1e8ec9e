"""Carry out what was shown, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from velora_tui.domain.repair import RepairPlan, RepairStep
from velora_tui.errors import CommandFailed, Refused
from velora_tui.readiness.repairs.repair import Repair, Site

OnStep = Callable[[RepairStep], Awaitable[None]]

_SPACE = r"""
docker=$(timeout 10 docker info --format '{{.DockerRootDir}}' 2>/dev/null)
for place in / "$HOME" "$root" "$docker"; do
    if [ -d "$place" ]; then df -Pk -- "$place" | awk 'NR == 2 { print $6, $4 }'; fi
done | sort -u
"""


async def carry_out(repair: Repair, site: Site, plan: RepairPlan, before: OnStep, after: OnStep) -> None:
    """Look again, and take the steps one after another if they are still the same; `before` and `after` each is told.

    Raises Refused where the instance is no longer as it was when the plan was made, and HostErrors; OSError where a
    good local copy can't be read.
    """
    now = await repair.plan(site, plan.check)
    if not plan.does_the_same(now):
        why = now.refused or now.nothing_to_do or "other things would be done now"
        raise Refused(f"it has changed since the plan was shown: {why}", instance=plan.instance, hint="look again")
    for step in plan.steps:
        data = await asyncio.to_thread(_data, step)
        await before(step)
        await _take(site, step, data)
        await after(step)


async def free_bytes(site: Site) -> dict[str, int]:
    """Return the free space of the file systems that repairs free, by mount: root, home, the harness's and Docker's."""
    lines = (await site.run(site.head + _SPACE)).text.splitlines()
    sizes = (line.rpartition(" ")[::2] for line in lines)
    return {mount: int(size) * 1024 for mount, size in sizes if size.isdigit()}


def gained_bytes(before: dict[str, int], after: dict[str, int]) -> int:
    """Return how much more is free; what others have written meanwhile elsewhere does not count."""
    return sum(max(0, after.get(mount, free) - free) for mount, free in before.items())


async def _take(site: Site, step: RepairStep, data: bytes) -> None:
    try:
        await site.run(step.command, stdin=data, time_limit_seconds=step.time_limit_seconds)
    except CommandFailed as error:
        if "sudo: a password is required" in (error.output or ""):
            error.hint = "sudo asks for a password there: run the command by hand"
        raise


def _data(step: RepairStep) -> bytes:
    """Return what the step sends. Raises Refused where it is no longer what was shown, and OSError."""
    if step.upload is None:
        return b""
    data = step.upload.read_bytes()
    if hashlib.sha256(data).hexdigest() != step.sha256:
        raise Refused(f"the good copy {step.upload} has changed since the plan was shown", hint="look again")
    return data
