"""The demo's tasks are what they claim to be."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from tests.demo.conftest import TASKS
from tests.demo.evaluation import Checkout
from velora_tui.demo.image import Image, build_image
from velora_tui.demo.task_data import TaskData, load_tasks
from velora_tui.domain.task import parse_dataset


def test_there_are_at_least_five_tasks_with_ids_of_their_own() -> None:
    assert len({task.instance_id for task in TASKS}) >= 5
    assert len({task.repo for task in TASKS}) == len(TASKS)


def test_fail_to_pass_fails_before_the_gold_patch_and_everything_passes_after(
    task: TaskData, image: Image, tmp_path: Path
) -> None:
    names = task.test_names
    before = Checkout.unpack(task, image, tmp_path / "before")
    before.apply_test_patches()
    after = Checkout.unpack(task, image, tmp_path / "after")
    after.apply(task.gold_patch)
    after.apply_test_patches()

    passed_before, passed_after = before.run_tests(), after.run_tests()

    assert passed_before == set(names["PASS_TO_PASS"])
    assert passed_after == set(names["PASS_TO_PASS"]) | set(names["FAIL_TO_PASS"])
    assert len(names["FAIL_TO_PASS"]) >= 3


def test_the_repository_is_clean_and_at_its_base_commit(task: TaskData, image: Image, tmp_path: Path) -> None:
    checkout = Checkout.unpack(task, image, tmp_path)

    assert checkout.git("rev-parse", "HEAD").strip() == image.base_commit
    assert checkout.git("status", "--porcelain") == ""


def test_an_image_is_the_same_wherever_it_is_built(task: TaskData, image: Image, tmp_path: Path) -> None:
    again = build_image(task, tmp_path)

    assert again.base_commit == image.base_commit
    with tarfile.open(again.path) as one, tarfile.open(image.path) as other:
        assert one.getnames() == other.getnames()


def test_an_image_is_built_once(task: TaskData, tmp_path: Path) -> None:
    first = build_image(task, tmp_path)
    stamp = first.path.stat().st_mtime_ns

    assert build_image(task, tmp_path) == first
    assert first.path.stat().st_mtime_ns == stamp


def test_an_image_holds_plain_files_and_folders_only(task: TaskData, image: Image) -> None:
    with tarfile.open(image.path) as tar:
        members = tar.getmembers()

    assert all(member.isreg() or member.isdir() for member in members)
    assert all(not member.name.startswith("/") and ".." not in member.name for member in members)
    assert {"app/repo/.git/HEAD", task.fields["env_path"]} <= {member.name for member in members}


def test_the_image_is_named_as_the_harness_looks_for_it(task: TaskData, image: Image) -> None:
    uri = str(task.record(image.base_commit)["image_storage_uri"])

    assert image.path.name == uri.rpartition("/")[2].replace(":", "-") + ".tar"


def test_every_form_of_lists_and_patches_occurs_and_is_read(images: dict[str, Image]) -> None:
    records = [task.record(images[task.instance_id].base_commit) for task in TASKS]

    parsed = parse_dataset("\n".join(json.dumps(record) for record in records), "all.jsonl")

    assert {type(record["FAIL_TO_PASS"]) for record in records} == {list, str}
    assert any("test_patch" in record for record in records)
    assert any("test_patches" in record for record in records)
    assert any(len(task.test_patches) == 2 for task in TASKS)
    for task, known in zip(parsed, TASKS, strict=True):
        assert list(task.fail_to_pass) == known.test_names["FAIL_TO_PASS"]
        assert list(task.pass_to_pass) == known.test_names["PASS_TO_PASS"]
        assert list(task.test_patches) == known.test_patches


def test_some_test_ids_have_brackets_and_blanks() -> None:
    names = [name for task in TASKS for name in task.test_names["FAIL_TO_PASS"]]

    assert any("[" in name and " " in name for name in names)


def test_byte_code_is_no_part_of_a_task(tmp_path: Path) -> None:
    source = load_tasks()[0]
    litter = tmp_path / "repo" / "__pycache__"
    litter.mkdir(parents=True)
    (litter / "x.pyc").write_bytes(b"")
    (tmp_path / "repo" / "x.py").write_text("", encoding="utf-8")
    clean = TaskData(tmp_path, source.fields).digest()

    (litter / "y.pyc").write_bytes(b"")

    assert TaskData(tmp_path, source.fields).digest() == clean
