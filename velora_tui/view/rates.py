"""How fast things go, from how far they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from velora_tui.domain.events import PhaseProgressed

_WINDOW = timedelta(seconds=8)
_LEAST_SECONDS = 1.0


class Rates:
    """Remembers the last seconds of each run's progress; `heard_at` tells by run when its log last grew."""

    def __init__(self, heard_at: Mapping[str, datetime] = MappingProxyType({})) -> None:
        self._heard_at = heard_at
        self._samples: dict[str, deque[PhaseProgressed]] = {}

    def per_second(self, progress: PhaseProgressed) -> float | None:
        """Note `progress` and return its units a second, or None while too little is known."""
        samples = self._samples.setdefault(progress.run, deque())
        if samples and (samples[-1].phase, samples[-1].attempt) != (progress.phase, progress.attempt):
            samples.clear()
        if not samples or samples[-1].at < progress.at:
            samples.append(progress)
        while len(samples) > 2 and progress.at - samples[0].at > _WINDOW:
            samples.popleft()
        seconds = (samples[-1].at - samples[0].at).total_seconds()
        return (samples[-1].done - samples[0].done) / seconds if seconds >= _LEAST_SECONDS else None

    def heard(self, run: str) -> datetime | None:
        """Return when the run's log last grew, or None while it never did."""
        return self._heard_at.get(run)

    def quiet_seconds(self, run: str, at: datetime) -> float | None:
        """Return for how long the run's log has not grown, or None while it never did."""
        heard = self._heard_at.get(run)
        return max(0.0, (at - heard).total_seconds()) if heard is not None else None

    def keep_only(self, runs: Iterable[str]) -> None:
        """Forget all other runs."""
        runs = set(runs)
        for run in [run for run in self._samples if run not in runs]:
            del self._samples[run]
