"""The causes of the failures of the fleet, counted in a thread whenever a run has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from velora_tui.domain.failure import FailedAttempt, FailureGroup
from velora_tui.domain.run import Run
from velora_tui.engine.diagnosis import latest_failures
from velora_tui.grading.clusters import cluster


class Causes:
    """`groups` as they were counted last."""

    def __init__(self) -> None:
        self.groups: tuple[FailureGroup, ...] = ()
        self._runs: list[Run] = []
        self._failures: list[FailedAttempt] = []
        self._is_counting = False

    def are_old(self, runs: Mapping[str, Run]) -> bool:
        """Tell whether a run has changed since they were counted, and nobody counts."""
        # Runs are replaced, never changed: comparing the same ones costs a look at each.
        return not self._is_counting and not _same(self._runs, list(runs.values()))

    async def count(self, runs: Mapping[str, Run]) -> bool:
        """Count anew; return whether the groups are others than before."""
        self._is_counting = True
        try:
            now = list(runs.values())
            failures = await asyncio.to_thread(latest_failures, now)
            self._runs = now
            if failures == self._failures:
                return False
            self.groups = await asyncio.to_thread(cluster, failures)
            self._failures = failures
            return True
        finally:
            self._is_counting = False


def _same(before: list[Run], now: list[Run]) -> bool:
    return len(before) == len(now) and all(old is new for old, new in zip(before, now, strict=True))
