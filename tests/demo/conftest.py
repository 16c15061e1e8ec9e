"""Images of the demo's tasks, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from velora_tui.demo.image import Image, build_image
from velora_tui.demo.task_data import TaskData, load_tasks

TASKS = load_tasks()


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    cache = tmp_path_factory.mktemp("cache")
    return {task.instance_id: build_image(task, cache) for task in TASKS}


@pytest.fixture(params=TASKS, ids=lambda task: task.folder.name)
def task(request: pytest.FixtureRequest) -> TaskData:
    return request.param


@pytest.fixture
def image(task: TaskData, images: dict[str, Image]) -> Image:
    return images[task.instance_id]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "demo"
