"""How long a phase may take."""

from __future__ import annotations

from collections.abc import Iterable

from velora_tui.domain.fleet import Fleet

_DEFAULT_SECONDS = {"image": 3600.0, "trajectory": 7200.0, "evaluation": 3600.0, "collect": 1800.0}
_OTHER_SECONDS = 600.0


def time_limit_seconds(fleet: Fleet, phase: str) -> float:
    """Return how long `phase` may take: the fleet file's `timeouts`, or a default."""
    return fleet.defaults.timeouts.get(phase, _DEFAULT_SECONDS.get(phase, _OTHER_SECONDS))


def together_seconds(fleet: Fleet, phases: Iterable[str]) -> float:
    """Return how long `phases` that share one job may take together."""
    return sum(time_limit_seconds(fleet, phase) for phase in phases)
