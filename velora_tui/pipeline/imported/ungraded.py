"""Which finished runs have no verdict of our own, and why."""

from __future__ import annotations

from velora_tui.domain.result import AttemptResult

_FLAGS = frozenset({"not-verified", "not-evaluated"})


def why_ungraded(result: AttemptResult) -> str:
    """Return why a run could not be graded by us, or ""."""
    details = (flag.detail for flag in result.flags if flag.id in _FLAGS)
    return "" if result.is_verified else next((detail.partition(": ")[2] for detail in details), "no reason is known")
