"""Which repairs would help: by what the checks say of instances, and by why runs failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from velora_tui.domain.events import AttemptState
from velora_tui.domain.readiness import CheckResult, CheckStatus
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import InstanceSnapshot


class Remedy(NamedTuple):
    """A repair, the instances that need it, and for what: the check's detail or the failure's message."""

    repair: str
    instances: tuple[str, ...]
    reason: str


def remedies(instances: Iterable[InstanceSnapshot], runs: Iterable[Run] = ()) -> tuple[Remedy, ...]:
    """Return the repairs that would help, each with all instances that need it; for what blocks first."""
    found: dict[str, tuple[dict[str, None], str]] = {}
    needs = [need for row in instances for need in _of_checks(row)] + [need for run in runs for need in _of_run(run)]
    for _, repair, instance, reason in sorted(needs, key=lambda need: need[0]):
        found.setdefault(repair, ({}, reason))[0][instance] = None
    return tuple(Remedy(repair, tuple(names), reason) for repair, (names, reason) in found.items())


def mending_check(row: InstanceSnapshot) -> CheckResult | None:
    """Return the check whose repair the row offers: the first that blocks, else the first that wants a look."""
    return min(_to_mend(row), key=lambda check: not check.blocks, default=None)


def is_mendable(check: CheckResult) -> bool:
    """Tell whether the check found something that its repair mends; of what was not even asked nobody knows."""
    found = check.status in {CheckStatus.FAIL, CheckStatus.WARN}
    unclear = check.status is CheckStatus.UNKNOWN and check.at is not None and bool(check.detail)
    return check.repair is not None and (found or unclear)


def _to_mend(row: InstanceSnapshot) -> list[CheckResult]:
    return [check for check in row.readiness.checks if is_mendable(check)] if row.readiness else []


def _of_checks(row: InstanceSnapshot) -> list[tuple[int, str, str, str]]:
    return [
        (0 if check.blocks else 2, check.repair, row.instance.name, f"{check.id}: {check.detail}")
        for check in _to_mend(row)
        if check.repair is not None
    ]


def _of_run(run: Run) -> list[tuple[int, str, str, str]]:
    attempt = run.attempt
    if attempt is None or attempt.state is not AttemptState.FAILED or attempt.failure is None:
        return []
    repair = attempt.failure.repair
    if repair is None or attempt.instance is None:
        return []
    return [(1, repair, attempt.instance, attempt.failure.message)]
