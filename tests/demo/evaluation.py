"""Running a task's tests for real, with the truth taken from pytest's own reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from velora_tui.demo.image import REPOSITORY_PATH, Image
from velora_tui.demo.task_data import TaskData

# Writes {test id: "passed" or what else happened} when the session ends, and {} at its start: it may never come so far.
TRUTH_PLUGIN = """
import json, os
outcomes = {}
def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome
def pytest_unconfigure():
    with open(os.environ["TRUTH"], "w") as file:
        json.dump(outcomes, file)
pytest_unconfigure()
"""


@dataclass(frozen=True)
class Checkout:
    """A task's image, unpacked in `folder`."""

    task: TaskData
    image: Image
    folder: Path

    @classmethod
    def unpack(cls, task: TaskData, image: Image, folder: Path) -> Checkout:
        with tarfile.open(image.path) as tar:
            tar.extractall(folder, filter="data")
        return cls(task, image, folder)

    @property
    def repository(self) -> Path:
        return self.folder / REPOSITORY_PATH

    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

    def git(self, *words: str, stdin: str = "") -> str:
        finished = subprocess.run(
            ["git", *words],
            cwd=self.repository,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
        return finished.stdout

    def apply(self, patch: str) -> None:
        self.git("apply", "-", stdin=patch)

    def apply_test_patches(self) -> None:
        """Restore the test files that the golden patches touch, then apply the patches in order."""
        for patch in self.task.test_patches:
            for path in re.findall(r"^--- a/(.+)$", patch, re.MULTILINE):
                self.git("checkout", "-q", self.image.base_commit, "--", path)
            self.apply(patch)

    def run_tests(self) -> set[str]:
        """Run the task's own test command in its own environment; return the ids of the tests that passed."""
        (self.folder / "truth.py").write_text(TRUTH_PLUGIN, encoding="utf-8")
        truth = self.folder / "truth.json"
        command = str(self.task.record(self.image.base_commit)["test_command"])
        environment_file = self.folder / self.task.fields["env_path"]
        subprocess.run(
            ["/bin/sh", "-c", f'. "{environment_file}" && {command} -p truth'],
            cwd=self.repository,
            env={**self.environment(), "PYTHONPATH": str(self.folder), "TRUTH": str(truth)},
            capture_output=True,
            check=False,
        )
        outcomes: dict[str, str] = json.loads(truth.read_text(encoding="utf-8"))
        return {name for name, outcome in outcomes.items() if outcome == "passed"}
