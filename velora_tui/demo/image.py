"""Task images: a tar with the repository and its history under app/repo, and the environment under saved/."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from velora_tui.demo.task_data import TaskData, repository_files

REPOSITORY_PATH = "app/repo"
PAYLOAD_BYTES = 3_000_000
GIT_SECONDS = 20

# Plugins of the interpreter that happens to run the tests are no part of the task; an image's proxies point nowhere.
ENVIRONMENT = """\
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
export PYTHONDONTWRITEBYTECODE=1
export PYTHONHASHSEED=0
export PYTHONIOENCODING=utf-8
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
"""


@dataclass(frozen=True)
class Image:
    """A built image: the tar's path (its name is the S3 key's last part) and the commit of the repository in it."""

    path: Path
    base_commit: str


def build_image(task: TaskData, cache: Path) -> Image:
    """Return the image of `task`, from `cache` where its content has been built before."""
    images, note = cache / "images", cache / f"{task.image_name}-{task.digest()}.commit"
    images.mkdir(parents=True, exist_ok=True)
    if note.is_file():
        image = _image(task, images, note.read_text(encoding="ascii"))
        if image.path.is_file():
            return image
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        repository = Path(scratch) / "repo"
        image = _image(task, images, commit_repository(task, repository))
        unfinished = Path(scratch) / "image.tar"
        _pack(task, repository, unfinished)
        unfinished.replace(image.path)
    note.write_text(image.base_commit, encoding="ascii")
    return image


def _image(task: TaskData, folder: Path, commit: str) -> Image:
    return Image(folder / f"{task.image_name}-{commit}.tar", commit)


def commit_repository(task: TaskData, folder: Path) -> str:
    """Make a git repository in `folder` with the base commit of `task` and return the commit, always the same one."""
    for source in repository_files(task.repository):
        target = folder / source.relative_to(task.repository)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o644)
    _git(task, folder, "init", "-q", "-b", "main", "--template=")
    _git(task, folder, "add", "-A", "-f")
    _git(task, folder, "commit", "-q", "-m", task.fields["summary"])
    return _git(task, folder, "rev-parse", "HEAD")


def _git(task: TaskData, folder: Path, *words: str) -> str:
    name, _, email = task.fields["author"].rstrip(">").partition(" <")
    identity = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", name), ("EMAIL", email), ("DATE", task.fields["created_at"]))
    }
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C", **identity}
    isolation = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    finished = subprocess.run(
        ["git", "-c", "core.autocrlf=false", *words],
        cwd=folder,
        env={**environment, **isolation},
        capture_output=True,
        text=True,
        check=True,
        timeout=GIT_SECONDS,
    )
    return finished.stdout.strip()


def _pack(task: TaskData, repository: Path, target: Path) -> None:
    environment = task.fields["env_path"]
    payload = random.Random(task.instance_id).randbytes(PAYLOAD_BYTES)  # stands for what an environment weighs
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("app", REPOSITORY_PATH):
            tar.addfile(_entry(folder, folder=True))
        for path in sorted(repository.rglob("*")):
            name = f"{REPOSITORY_PATH}/{path.relative_to(repository)}"
            if path.is_dir():
                tar.addfile(_entry(name, folder=True))
            else:
                _add(tar, name, path.read_bytes())
        for parent in sorted({str(parent) for parent in Path(environment).parents} - {"."}):
            tar.addfile(_entry(parent, folder=True))
        _add(tar, environment, ENVIRONMENT.encode())
        _add(tar, f"{Path(environment).parent}/site.bin", payload)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(name: str, *, folder: bool = False) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    entry.mode = 0o755 if folder else 0o644
    return entry
