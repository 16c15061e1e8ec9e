"""What keys apply to where one stands on a cause: its failed runs, and the repair on their instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from velora_tui.domain.failure import FailedAttempt, FailureGroup
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.keys import Targets
from velora_tui.view.remedies import Remedy


def failed_targets(members: Sequence[FailedAttempt], targets: Targets, snapshot: FleetSnapshot | None) -> Targets:
    """Return `targets` with these failed runs, and their instances, instead of what it had."""
    runs = (snapshot.runs.get(member.run) for member in members) if snapshot else ()
    names = dict.fromkeys(member.instance for member in members if member.instance is not None)
    rows = (snapshot.instance(name) for name in names) if snapshot else ()
    return replace(
        targets,
        runs=tuple(run for run in runs if run is not None),
        instances=tuple(row for row in rows if row is not None),
        marked=0,
    )


def remedy_of(group: FailureGroup, members: Sequence[FailedAttempt]) -> Remedy | None:
    """Return the repair of a cause on the instances of these members; None where there is none, or nowhere."""
    names = tuple(dict.fromkeys(member.instance for member in members if member.instance is not None))
    return Remedy(group.repair, names, group.message) if group.repair and names else None
