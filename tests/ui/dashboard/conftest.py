from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.dashboard.build import busy_fleet
from tests.ui.dashboard.fake_engine import FakeEngine


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(busy_fleet(), tmp_path)
