from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import ended_run, fleet_of, keep
from tests.ui.results.catalogued import imported, plant


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    """An operator with a run of their own and eight imported ones."""
    own = ended_run("01OWN")
    engine = FakeEngine(fleet_of(own), tmp_path / "state")
    keep(engine.layout, own)
    plant(tmp_path / "disk")
    imported(engine.layout.state, tmp_path / "disk")
    return engine
