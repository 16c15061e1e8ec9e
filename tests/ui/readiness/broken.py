"""Instances with a harness in good order, and each broken in its own way; what mends them is Velora's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.readiness.conftest import DOCKER_THAT_WORKS, FILES, PYTHON_THAT_WORKS
from velora_tui.domain.fleet import (
    HARNESS_SCRIPT,
    CriticalFile,
    Defaults,
    Fleet,
    FleetSection,
    Instance,
    Model,
    OwnCheck,
)

ROOT = "SWETEs7/OpenHands"
DOCKER_FILE = FILES[1]
CONFIG = '[llm.gpt]\nmodel = "m"\n'
DEAD_DOCKER = "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"
OWN = OwnCheck(
    id="gpu", name="the GPU answers", command="test -f ~/gpu && echo 80 GB", blocking=True, repair="touch ~/gpu"
)


class Home:
    """The home folder of an instance."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / ROOT

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def stub(self, name: str, script: str) -> None:
        """Put a program of that name where the harness's PATH finds it first."""
        path = self.path / ".local/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def install(self) -> None:
        """Put a harness in good order there."""
        for path in FILES:
            self.put(path, good_text(path), 0o755 if path == HARNESS_SCRIPT else 0o644)
        self.put("config.toml", CONFIG)
        for name, script in (
            ("poetry", PYTHON_THAT_WORKS),
            ("docker", DOCKER_THAT_WORKS),
            ("aws", "echo images/x.tar"),
        ):
            self.stub(name, script)
        (self.path / "gpu").touch()
        who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "safe.directory=*"]
        for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
            subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True, timeout=30)


def good_text(path: str) -> str:
    return f"# {path}\nBUILDKIT = True\nTIMEOUT_SECONDS = 600\n"


def change_file(home: Home) -> None:
    home.put(DOCKER_FILE, good_text(DOCKER_FILE).replace("True", "False"))


def drop_file(home: Home) -> None:
    (home.root / DOCKER_FILE).unlink()


def drop_git(home: Home) -> None:
    subprocess.run(["rm", "-rf", str(home.root / ".git")], check=True, timeout=30)


def drop_gpu(home: Home) -> None:
    (home.path / "gpu").unlink()


def stop_docker(home: Home) -> None:
    home.stub("docker", DEAD_DOCKER)


def break_poetry(home: Home) -> None:
    home.stub("poetry", "echo \"ModuleNotFoundError: No module named 'openhands'\" >&2; exit 1")


def leave_tar(home: Home) -> None:
    """An image that was loaded yesterday and takes room."""
    tar = home.root / "old_image.tar"
    tar.write_bytes(b"\0" * 3_000_000)
    os.utime(tar, (tar.stat().st_mtime - 90_000,) * 2)


Breakage = Callable[[Home], None]


def make_home(folder: Path, *breakages: Breakage) -> Home:
    home = Home(folder)
    folder.mkdir(parents=True)
    home.install()
    for breakage in breakages:
        breakage(home)
    return home


def good_copies(folder: Path) -> tuple[CriticalFile, ...]:
    """Write the good copies, and return them as the fleet file names them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for path in FILES:
        source = folder / Path(path).name
        source.write_text(good_text(path))
        files.append(CriticalFile(path=path, source=source))
    return tuple(files)


def broken_fleet(folder: Path, own: tuple[OwnCheck, ...] = (OWN,), **instances: tuple[Breakage, ...]) -> Fleet:
    """Return a fleet of local instances, each with a home of its own that is broken in these ways."""
    homes = {name: make_home(folder / name, *breakages) for name, breakages in instances.items()}
    return fleet_of(folder, own, *(Instance(name=name, host="local", home=home.path) for name, home in homes.items()))


def fleet_of(folder: Path, own: tuple[OwnCheck, ...], *instances: Instance, **defaults: Any) -> Fleet:
    values = {"recipe": "harness", "harness": f"~/{ROOT}", "max_disk_percent": 100, "check_minutes": 0, **defaults}
    return Fleet(
        fleet=FleetSection(name="swe-tes7"),
        defaults=Defaults(**values),
        models={"llm.gpt": Model(label="gpt")},
        critical_files=good_copies(folder / "good"),
        checks=own,
        instances=instances,
    )
