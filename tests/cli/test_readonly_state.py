"""A state folder that has no room, or that may only be read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, Place
from tests.engine.full_journal import FullJournal


def test_a_run_that_a_full_disk_keeps_from_being_followed_is_let_go(desk: Desk) -> None:
    (desk.folder / "home").mkdir()
    assert desk("status").status == 0
    FullJournal(desk.folder / "state" / "journal.db").refuse("phase_finished")

    answer = desk("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--recipe", "native", "--force")

    assert answer.status == 5
    assert "is no longer followed: the journal " in answer.err
    assert "cannot be written: database or disk is full" in answer.err
    assert answer.err.splitlines()[-1].startswith("come back with `velora attach`")


@pytest.fixture
def read_only(local: Place) -> Iterator[Place]:
    """Give a state folder with a failed run that may only be read."""
    (local.folder / "home").mkdir()
    assert local("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--force").status == 3
    with written_by_nobody(local.folder / "state"):
        yield local


@contextmanager
def written_by_nobody(folder: Path) -> Iterator[None]:
    """Make `folder` read-only, for root too."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("a read-only folder for root needs a mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_folder_that_may_only_be_read_can_be_looked_at(read_only: Place) -> None:
    status = read_only("status", "--json")
    run = status.json["runs"][0]["run"]
    assert status.status == 0
    assert "cannot be written" in status.err
    assert "records nothing" in status.err

    logs = read_only("logs", run)
    assert (logs.status, "cannot be written" in logs.err) == (0, True)
    diagnosed = read_only("diagnose", run)
    assert (diagnosed.status, "✗ s3-error in image" in diagnosed.out) == (1, True)
    checked = read_only("check", "--json")
    assert checked.json["instances"][0]["name"] == "here"
    assert "cannot be written" in checked.err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--force"), 3),
        (("attach",), 3),
        (("stop", "01AAAA"), 1),
    ],
)
def test_nothing_is_done_that_cannot_be_recorded(read_only: Place, arguments: tuple[str, ...], status: int) -> None:
    answer = read_only(*arguments)

    assert answer.status == status
    assert "cannot be written" in answer.complaint


def test_a_folder_without_a_journal_is_empty(local: Place) -> None:
    (local.folder / "state").mkdir()
    with written_by_nobody(local.folder / "state"):
        status = local("status", "--json")

    assert (status.status, status.json["runs"]) == (0, [])
    assert "cannot be written" in status.err
