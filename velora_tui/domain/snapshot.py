"""The fleet as it stands: what a screen draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from velora_tui.domain.events import ConnectionChanged, PhaseProgressed
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.readiness import Holder, Readiness
from velora_tui.domain.run import Run


@dataclass(frozen=True)
class InstanceSnapshot:
    """One instance; `run` is the run it works on, or the latest it worked on; `progress` is of its running phase."""

    instance: Instance
    connection: ConnectionChanged
    readiness: Readiness | None = None
    checking: bool = False
    run: Run | None = None
    progress: PhaseProgressed | None = None

    @property
    def is_busy(self) -> bool:
        return self.run is not None and self.run.is_active

    @property
    def foreign(self) -> Holder | None:
        """Somebody else's run that had the instance when it was checked last."""
        holder = self.readiness.holder if self.readiness else None
        return holder if holder and holder.is_foreign else None


@dataclass(frozen=True)
class FleetSnapshot:
    """All that the screens show. `runs` by run id; `queue` holds ids in the order they will start."""

    at: datetime
    fleet: Fleet
    instances: tuple[InstanceSnapshot, ...]
    runs: Mapping[str, Run]
    queue: tuple[str, ...] = ()
    progress: Mapping[str, PhaseProgressed] = field(default_factory=dict)
    read_only: bool = False

    def instance(self, name: str) -> InstanceSnapshot | None:
        return next((row for row in self.instances if row.instance.name == name), None)
