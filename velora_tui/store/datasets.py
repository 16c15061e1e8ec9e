"""Dataset files, and the copies of tasks that runs keep so that a retry never needs the file again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from velora_tui.domain.task import DATASET_SIZE_LIMIT, Task, parse_dataset
from velora_tui.errors import DatasetError, StoreError, UnknownName
from velora_tui.store.files import read_limited, write_atomically


def load_dataset(path: Path) -> tuple[Task, ...]:
    """Return the tasks of the dataset file at `path`. Blocks; raises DatasetError."""
    try:
        text = read_limited(path, DATASET_SIZE_LIMIT).decode("utf-8")
    except StoreError as error:
        raise DatasetError(error.message, hint="name a dataset file (JSON or JSON Lines)") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 at byte {error.start}", hint="save it as UTF-8") from None
    return parse_dataset(text, str(path))


def pick_task(tasks: tuple[Task, ...], name: str | None, source: str) -> Task:
    """Return the task called `name`, or the only one. Raises UnknownName and DatasetError."""
    if name is None:
        if len(tasks) != 1:
            names = ", ".join(task.instance_id for task in tasks[:5])
            raise DatasetError(f"{source} holds {len(tasks)} tasks", hint=f"choose one with --task: {names}")
        return tasks[0]
    for task in tasks:
        if task.instance_id == name:
            return task
    raise UnknownName.of("task", name, [task.instance_id for task in tasks])


class TaskStore:
    """Copies of the tasks that runs were started with, named by their content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, task: Task) -> str:
        """Store `task` and return its name. Blocks; raises StoreError."""
        data = task.model_dump_json(indent=2, exclude_unset=True).encode()
        name = hashlib.sha256(data).hexdigest()[:32]
        path = self._path(name)
        if not path.exists():
            write_atomically(path, data)
        return name

    def load(self, name: str) -> Task:
        """Return the stored task. Blocks; raises StoreError."""
        return Task.model_validate_json(read_limited(self._path(name), DATASET_SIZE_LIMIT * 2))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"
