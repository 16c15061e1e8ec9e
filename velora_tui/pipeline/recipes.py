"""The table of recipes: ordered phases."""

from __future__ import annotations

from dataclasses import dataclass

from velora_tui.domain.fleet import HARNESS, NATIVE
from velora_tui.errors import UnknownName
from velora_tui.pipeline.harness import collect as harness_collect
from velora_tui.pipeline.harness import dataset as harness_dataset
from velora_tui.pipeline.harness import phases as harness_phases
from velora_tui.pipeline.harness import report as harness_report
from velora_tui.pipeline.phase import Phase
from velora_tui.pipeline.phases.collect import Collect
from velora_tui.pipeline.phases.evaluation import Evaluation
from velora_tui.pipeline.phases.image import Image
from velora_tui.pipeline.phases.report import Report
from velora_tui.pipeline.phases.trajectory import Trajectory
from velora_tui.pipeline.phases.upload import Upload
from velora_tui.pipeline.phases.validate import Validate


@dataclass(frozen=True)
class Recipe:
    """The phases of an attempt, in order; a retry may begin at the start or at one of `restarts`."""

    phases: tuple[Phase, ...]
    restarts: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(phase.name for phase in self.phases)


_NATIVE = (Upload(), Image(), Trajectory(), Evaluation(), Report(), Collect(), Validate())
_HARNESS = (
    harness_dataset.Upload(),
    harness_phases.Image(),
    harness_phases.Trajectory(),
    harness_phases.Evaluation(),
    harness_report.Report(),
    harness_collect.Collect(),
    Validate(strict=False),
)

RECIPES: dict[str, Recipe] = {
    HARNESS: Recipe(_HARNESS, frozenset({"upload", "collect", "validate"})),
    NATIVE: Recipe(_NATIVE, frozenset(phase.name for phase in _NATIVE)),
}


def recipe(name: str) -> Recipe:
    """Return the recipe called `name`. Raises UnknownName."""
    if name not in RECIPES:
        raise UnknownName.of("recipe", name, sorted(RECIPES))
    return RECIPES[name]
