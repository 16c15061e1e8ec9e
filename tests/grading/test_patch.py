"""Cleaning diffs that git itself made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from velora_tui.grading.patch import AGENT_LITTER, changed_files, clean_patch, split_files


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit and every kind of change in the index."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\n-- a/not_a_header\nthree\n")
    (folder / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (folder / "no_newline.txt").write_text("end")
    (folder / "gone.txt").write_text("bye\n")
    (folder / "old name.txt").write_text("same\n" * 20)
    (folder / "mode.sh").write_text("echo\n")
    (folder / "binary.bin").write_bytes(bytes(range(256)) * 8)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    (folder / "a.py").write_text("one\n2\nthree\ndiff --git a/x b/x\n+++ b/x\n")
    (folder / "crlf.txt").write_bytes(b"one\r\n2\r\n")
    (folder / "no_newline.txt").write_text("END")
    (folder / "gone.txt").unlink()
    (folder / "old name.txt").rename(folder / "new name.txt")
    (folder / "mode.sh").chmod(0o755)
    (folder / "binary.bin").write_bytes(bytes(range(255, -1, -1)) * 8)
    (folder / "caf\u00e9 \u2603.txt").write_text("new\n")
    (folder / "empty").touch()
    (folder / "test_output.py").write_text("kept: only the exact name is litter\n")
    return folder


def diff_of(folder: Path) -> str:
    git(folder, "add", "-A")
    return git(folder, "diff", "--cached", "--binary", "HEAD")


def add_litter(folder: Path) -> None:
    for name in AGENT_LITTER:
        (folder / name).write_text("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one\n+0\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "stdout").write_bytes(b"\x00\x01binary")


def test_dropping_litter_leaves_the_rest_byte_for_byte(repository: Path) -> None:
    clean = diff_of(repository)
    add_litter(repository)

    cleaned = clean_patch(diff_of(repository))

    assert cleaned.text == clean
    assert set(cleaned.dropped) == {*AGENT_LITTER, "sub/stdout"}


def test_a_diff_without_litter_is_returned_as_it_is(repository: Path) -> None:
    diff = diff_of(repository)

    assert clean_patch(diff).text == diff
    assert clean_patch(diff).dropped == ()


def test_the_cleaned_patch_applies_to_the_same_tree(repository: Path) -> None:
    diff_of(repository)
    wanted = git(repository, "write-tree").strip()
    add_litter(repository)
    patch = repository.parent / "model.patch"
    patch.write_bytes(clean_patch(diff_of(repository)).text.encode("utf-8", "surrogateescape"))

    git(repository, "reset", "-q", "--hard", "HEAD")
    git(repository, "apply", "--index", str(patch))

    assert git(repository, "write-tree").strip() == wanted


def test_changed_files_names_both_sides_of_a_rename(repository: Path) -> None:
    names = git(repository, "add", "-A") or git(
        repository, "diff", "--cached", "--name-only", "--no-renames", "-z", "HEAD"
    )

    assert set(changed_files(diff_of(repository))) == set(names.strip("\0").split("\0"))


def test_only_litter_leaves_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-qm", "base", "--allow-empty")
    (tmp_path / "command").write_text("ls\n")

    assert clean_patch(diff_of(tmp_path)).text == ""


def test_a_plain_unified_diff_is_cut_into_files_too() -> None:
    diff = (
        "--- a/x.py\t2024-01-01\n+++ b/x.py\t2024-01-02\n@@ -1,2 +1,2 @@\n--- a/y.py\n+++ b/y.py\n keep\n"
        "--- a/z.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )

    assert changed_files(diff) == ("x.py", "z.py")
    assert "".join(file.text for file in split_files(diff)[1]) == diff


@pytest.mark.parametrize("diff", ["", "\n", "no diff at all", "diff --git a/x", "diff --git ", "@@ -1 +1 @@\n-x\n+y\n"])
def test_what_is_no_diff_survives(diff: str) -> None:
    assert clean_patch(diff).text == diff
