"""The real command line in processes of its own, with nothing of this machine's configuration in them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from velora_tui.cli import main

LIMIT_SECONDS = 110

TASK: dict[str, Any] = {
    "instance_id": "shop-1",
    "repo": "acme/shop",
    "base_commit": "0123abcd",
    "FAIL_TO_PASS": ["tests/test_cart.py::test_total[two items - sale]"],
    "PASS_TO_PASS": ["tests/test_cart.py::test_empty", "tests/test_cart.py::test_gone"],
    "test_patch": "",
    "test_command": "python3 -m pytest -rA",
    "problem_statement": "The total is wrong.",
}

LOCAL_FLEET = """
[fleet]
name = "shop"
state = "state"
results = "results"

[defaults]
max_disk_percent = 100

[s3]
endpoint_url = "http://127.0.0.1:9"
access_key_id = "nobody"
secret_access_key = "nothing"
region = "us-east-1"

[models."llm.gpt"]
label = "gpt"

[agents.idle]
command = "true"

[[instances]]
name = "here"
host = "local"
home = "home"
"""

NOT_READY = """
[[instances]]
name = "full"
host = "local"
home = "full"
max_disk_percent = 0
"""

UNREACHABLE = """
[[instances]]
name = "gone"
host = "127.0.0.1"
port = 9
"""


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The one line on standard error, which must be all that was said."""
        (line,) = self.err.splitlines()
        assert line.startswith("velora: ")
        assert "Traceback" not in line
        return line


@dataclass(frozen=True)
class Place:
    """A folder to call Velora in."""

    folder: Path

    def __call__(self, *arguments: object, stdin: str = "", **environment: str) -> Answer:
        done = subprocess.run(
            command(*arguments),
            cwd=self.folder,
            env=self.environment(environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command whose output is read while it runs."""
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=self.environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, content: object) -> Path:
        """Write text as it is, or anything else as JSON."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        home = self.folder / "user"
        home.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(self.folder), "COLUMNS": "200", **more}


@dataclass(frozen=True)
class Desk(Place):
    """The same without a process of its own, for the many requests that end at once."""

    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, stdin: str = "", **environment: str) -> Answer:
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            for name in os.environ:
                if name.startswith(("VELORA_", "XDG_")):
                    patch.delenv(name)
            for name, value in self.environment(environment).items():
                patch.setenv(name, value)
            self.captured.readouterr()
            status = main([str(argument) for argument in arguments])
            return Answer(status, *self.captured.readouterr())


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "velora_tui", *map(str, arguments)]


@pytest.fixture
def velora(tmp_path: Path) -> Place:
    """Velora in an empty folder: no fleet file anywhere."""
    return Place(tmp_path)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """Velora beside a fleet file and a dataset, called in this process."""
    handlers = list(logging.getLogger().handlers)
    place = Desk(tmp_path, monkeypatch, capsys)
    place.write("velora.toml", LOCAL_FLEET)
    place.write("task.jsonl", TASK)
    yield place
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def local(velora: Place) -> Place:
    """Velora beside a fleet file with one local instance, and a dataset `task.jsonl`."""
    velora.write("velora.toml", LOCAL_FLEET)
    velora.write("task.jsonl", TASK)
    return velora
