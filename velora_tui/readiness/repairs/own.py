"""The operators' own repairs: `[[checks]]` of the fleet file that have a `repair` command."""

from __future__ import annotations

from velora_tui.domain.fleet import Fleet, OwnCheck
from velora_tui.domain.readiness import OWN_REPAIR_PREFIX
from velora_tui.domain.repair import RepairStep
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

_SECONDS = 900.0


def own_repairs(fleet: Fleet) -> tuple[Repair, ...]:
    """Return the repairs that the fleet file describes, `own:CHECK` each."""
    return tuple(_own_repair(check, check.repair) for check in fleet.checks if check.repair is not None)


def _own_repair(check: OwnCheck, command: str) -> Repair:
    async def look(_: Site) -> Findings:
        return Findings((RepairStep(what="run your own command", command=command, time_limit_seconds=_SECONDS),))

    return Repair(f"{OWN_REPAIR_PREFIX}{check.id}", f"mend {check.name or check.id}", look, check.id)
