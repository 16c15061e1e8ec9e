"""git-init, install-datasets and unset-variable on harnesses that are broken on purpose."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.repairs.conftest import Bench, statuses
from velora_tui.domain.events import CommandRan
from velora_tui.domain.readiness import CheckStatus

pytestmark = pytest.mark.sshd

MENDED = (CheckStatus.FAIL, CheckStatus.OK)


def git(bench: Bench, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", f"safe.directory={bench.root}", *arguments],
        cwd=bench.root,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


async def test_git_init_commits_the_harness_without_images_results_and_keys(bench: Bench) -> None:
    bench.put("openhands/core.py", "pass\n")
    bench.put("config.toml", '[llm]\napi_key = "secret"\n')
    bench.put("task-1.tar", "image")
    bench.put("evaluation/evaluation_outputs/outputs/output.jsonl", "{}\n")
    plan, result = await bench.mend("git")
    assert plan.repair == "git-init"
    assert [step.what.split(" ")[0] for step in plan.steps] == ["make", "add", "commit"]
    assert statuses(result) == MENDED
    assert result.mended
    assert git(bench, "ls-files").splitlines() == ["openhands/core.py"]
    assert git(bench, "log", "--format=%an <%ae>") == "Velora <velora@localhost>"


async def test_git_init_commits_in_a_repository_without_a_commit(bench: Bench) -> None:
    bench.put("core.py", "pass\n")
    git(bench, "init", "-q")
    _, result = await bench.mend("git-init")
    assert result.mended
    assert git(bench, "ls-files") == "core.py"


async def test_git_init_leaves_a_repository_alone(bench: Bench) -> None:
    await bench.mend("git-init")
    head = git(bench, "rev-parse", "HEAD")
    plan, result = await bench.mend("git-init")
    assert plan.steps == ()
    assert plan.nothing_to_do == "the harness is a git repository with a commit"
    assert result.mended
    assert git(bench, "rev-parse", "HEAD") == head


async def test_repairs_of_a_harness_that_is_not_there_are_refused(bench: Bench) -> None:
    bench.root.rmdir()
    for name in ("git-init", "install-datasets"):
        plan = await bench.plan(name)
        assert plan.steps == ()
        assert plan.refused == "there is no harness at ~/harness"


def is_valid_shell(path: Path) -> bool:
    return subprocess.run(["sh", "-e", str(path)], timeout=10).returncode == 0


@pytest.fixture
def poetry(bench: Bench, tmp_path: Path) -> Path:
    """A poetry that runs its command in a real environment, whose pip finds `datasets` in a folder."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=100)
    bench.tool("poetry", f'shift; PATH={environment}/bin:$PATH; exec "$@"')
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    bench.changes["env"] |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return wheels


def make_wheel(folder: Path) -> None:
    """Build a `datasets` that can be imported and nothing more."""
    info = "datasets-1.0.dist-info"
    with zipfile.ZipFile(folder / "datasets-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("datasets/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: datasets\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


async def test_install_datasets_says_why_it_could_not_and_else_installs_it(bench: Bench, poetry: Path) -> None:
    plan, failed = await bench.mend("datasets")
    assert plan.repair == "install-datasets"
    assert "No matching distribution found for datasets" in failed.error
    assert not failed.mended
    make_wheel(poetry)
    _, result = await bench.mend("install-datasets")
    assert statuses(result) == MENDED
    assert result.mended
    again = await bench.plan("install-datasets")
    assert again.nothing_to_do == "`datasets` can be imported"


async def test_unset_variable_comments_the_lines_out_and_keeps_the_file(bench: Bench) -> None:
    bashrc = bench.sshd.home / ".bashrc"
    text = "alias x=y\nif true; then\n  export RUNTIME_CONTAINER_IMAGE=skip\nfi\nexport OTHER=skip\n"
    bashrc.write_text(text)
    bashrc.chmod(0o600)
    bench.put("config.toml", '[sandbox]\nruntime_container_image = "skip"  # no\n')
    plan, result = await bench.mend("env")
    assert [thing.name.rsplit("/", 1)[-1] for thing in plan.affected] == [".bashrc:3", "config.toml:2"]
    assert plan.affected[0].detail == "export RUNTIME_CONTAINER_IMAGE=skip"
    assert result.mended, result
    assert bashrc.read_text() == text.replace("  export R", ": #   export R")
    assert bashrc.stat().st_mode & 0o777 == 0o600
    assert is_valid_shell(bashrc)
    assert (bench.root / "config.toml").read_text() == '[sandbox]\n# runtime_container_image = "skip"  # no\n'
    kept = [path for path in (bench.sshd.home / ".velora" / "backups").iterdir() if path.name.startswith("bashrc.")]
    assert [path.read_text() for path in kept] == [text]


async def test_unset_variable_leaves_what_it_cannot_be_sure_of(bench: Bench) -> None:
    bashrc = bench.sshd.home / ".bashrc"
    bashrc.write_text("export A=1 RUNTIME_CONTAINER_IMAGE=skip B=2\n# RUNTIME_CONTAINER_IMAGE=skip\n")
    bench.changes["env"]["RUNTIME_CONTAINER_IMAGE"] = "skip"
    plan = await bench.plan("unset-variable")
    assert plan.steps == ()
    assert plan.notes[0] == "your fleet file sets RUNTIME_CONTAINER_IMAGE=skip: remove it there"
    assert plan.notes[1].endswith(".bashrc sets it among other things in line 1: mend that by hand")


async def test_a_line_with_a_form_feed_is_one_line(bench: Bench) -> None:
    bashrc = bench.sshd.home / ".bashrc"
    bashrc.write_text("export RUNTIME_CONTAINER_IMAGE=skip\f1e touch ~/made;#:RUNTIME_CONTAINER_IMAGE=skip\n")
    plan, _ = await bench.mend("unset-variable")
    assert all(step.what.endswith("comment out line 1") for step in plan.steps)
    assert not (bench.sshd.home / "made").exists()


async def test_a_profile_that_is_a_link_stays_one(bench: Bench) -> None:
    dotfiles = bench.sshd.home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "bashrc").write_text("export RUNTIME_CONTAINER_IMAGE=skip\n")
    (bench.sshd.home / ".bashrc").symlink_to(dotfiles / "bashrc")
    _, result = await bench.mend("env")
    assert result.mended
    assert (bench.sshd.home / ".bashrc").is_symlink()
    assert (dotfiles / "bashrc").read_text() == ": # export RUNTIME_CONTAINER_IMAGE=skip\n"


async def test_secrets_of_the_fleet_file_reach_neither_plan_nor_journal(bench: Bench) -> None:
    bench.changes["env"]["AWS_SECRET_ACCESS_KEY"] = "very-secret"
    bench.put("core.py", "pass\n")
    plan, result = await bench.mend("git-init")
    assert result.mended
    assert "very-secret" not in plan.model_dump_json()
    events = await bench.journal()
    assert any(isinstance(event, CommandRan) for event in events)
    assert not [event for event in events if "very-secret" in event.model_dump_json()]
