"""Repairs: one small file each, found by id here. A new one is a new file and a new entry."""

from __future__ import annotations

from velora_tui.domain.fleet import Fleet
from velora_tui.errors import UnknownName
from velora_tui.readiness.repairs.drop_runtime_images import DROP_RUNTIME_IMAGES
from velora_tui.readiness.repairs.free_disk import FREE_DISK
from velora_tui.readiness.repairs.git_init import GIT_INIT
from velora_tui.readiness.repairs.install_datasets import INSTALL_DATASETS
from velora_tui.readiness.repairs.kill_stray import KILL_STRAY
from velora_tui.readiness.repairs.own import own_repairs
from velora_tui.readiness.repairs.push_files import PUSH_FILES
from velora_tui.readiness.repairs.remove_lease import REMOVE_LEASE
from velora_tui.readiness.repairs.repair import Repair
from velora_tui.readiness.repairs.start_docker import START_DOCKER
from velora_tui.readiness.repairs.unset_variable import UNSET_VARIABLE

REPAIRS: tuple[Repair, ...] = (
    PUSH_FILES,
    GIT_INIT,
    INSTALL_DATASETS,
    UNSET_VARIABLE,
    START_DOCKER,
    FREE_DISK,
    DROP_RUNTIME_IMAGES,
    REMOVE_LEASE,
    KILL_STRAY,
)


def repairs_of(fleet: Fleet) -> dict[str, Repair]:
    """Return all repairs by id, the fleet file's own last."""
    return {repair.id: repair for repair in (*REPAIRS, *own_repairs(fleet))}


def repair_of(fleet: Fleet, repair_id: str) -> Repair:
    """Return the repair with that id. Raises UnknownName."""
    repairs = repairs_of(fleet)
    if repair_id not in repairs:
        raise UnknownName.of("repair", repair_id, list(repairs))
    return repairs[repair_id]
