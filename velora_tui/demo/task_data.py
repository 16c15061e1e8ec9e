"""The demo's tasks as they lie in the package, and the dataset records made of them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TASKS_FOLDER = Path(__file__).parent / "tasks"
REGISTRY = "registry.example/velora-demo"
TEST_COMMAND = "python3 -m pytest -rA --tb=short -p no:cacheprovider"
TEST_OUTPUT_PARSER = "python/parse_log_pytest_v3"

LIST_FORMS: dict[str, Callable[[list[str]], object]] = {"list": list, "json": json.dumps, "python": repr}


@dataclass(frozen=True)
class TaskData:
    """One task of the demo: `fields` is its task.toml, `folder` holds repo/, gold.patch, test*.patch and tests.json."""

    folder: Path
    fields: dict[str, Any]

    @property
    def instance_id(self) -> str:
        return str(self.fields["instance_id"])

    @property
    def repo(self) -> str:
        return str(self.fields["repo"])

    @property
    def image_name(self) -> str:
        """The repository's name as it stands in image references and S3 keys."""
        return self.repo.replace("/", "_")

    @property
    def repository(self) -> Path:
        """The folder with the files of the base commit."""
        return self.folder / "repo"

    @property
    def test_patches(self) -> list[str]:
        return [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("test*.patch"))]

    @property
    def gold_patch(self) -> str:
        return (self.folder / "gold.patch").read_text(encoding="utf-8")

    @property
    def test_names(self) -> dict[str, list[str]]:
        """FAIL_TO_PASS and PASS_TO_PASS."""
        names: dict[str, list[str]] = json.loads((self.folder / "tests.json").read_text(encoding="utf-8"))
        return names

    def digest(self) -> str:
        """Return a hash of everything that goes into the image."""
        content = hashlib.sha256(json.dumps(self.fields, sort_keys=True).encode())
        for path in repository_files(self.repository):
            content.update(f"\0{path.relative_to(self.repository)}\0".encode())
            content.update(path.read_bytes())
        return content.hexdigest()[:16]

    def record(self, base_commit: str) -> dict[str, object]:
        """Return the dataset record, its list fields in the form that the task asks for."""
        patches = self.test_patches
        in_form = LIST_FORMS[self.fields["list_form"]]
        return {
            "instance_id": self.instance_id,
            "repo": self.repo,
            "base_commit": base_commit,
            "version": self.fields["version"],
            "created_at": self.fields["created_at"],
            "language": "python",
            "problem_statement": self.fields["problem_statement"].strip() + "\n",
            "hints_text": "",
            "image_storage_uri": f"{REGISTRY}/{self.image_name}:{base_commit}",
            "test_command": TEST_COMMAND,
            "test_output_parser": TEST_OUTPUT_PARSER,
            **{field: in_form(names) for field, names in self.test_names.items()},
            self.fields["test_patch_field"]: patches[0] if len(patches) == 1 else patches,
            "patch": self.gold_patch,
        }


def repository_files(folder: Path) -> list[Path]:
    """Return the files of a base commit, sorted; byte code that someone left there is not part of it."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def load_tasks(folder: Path = TASKS_FOLDER) -> tuple[TaskData, ...]:
    """Return the demo's tasks, sorted by the name of their folder."""
    return tuple(
        TaskData(path.parent, tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*/task.toml"))
    )
