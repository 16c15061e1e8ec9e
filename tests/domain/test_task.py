"""Datasets as they come: list fields in three spellings, one object or many, and what is refused."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from velora_tui.domain.image import image_file_name, image_source, image_tags
from velora_tui.domain.lists import parse_names, parse_patches
from velora_tui.domain.task import parse_dataset
from velora_tui.errors import DatasetError, ImageError

NAMES = ["tests/t.py::test[a-'b']", 'tests/t.py::test["x"]', "tests/t.py::T::test c"]


def record(**changes: Any) -> dict[str, Any]:
    return {
        "instance_id": "1319603449576684",
        "repo": "12rambau/sepal_ui",
        "base_commit": "97371f0c",
        "FAIL_TO_PASS": NAMES[:1],
        "PASS_TO_PASS": NAMES[1:],
        "test_patch": "diff --git a/t b/t\n",
        **changes,
    }


@pytest.mark.parametrize(
    "value", [NAMES, json.dumps(NAMES), repr(NAMES), tuple(NAMES)], ids=["list", "json", "python", "tuple"]
)
def test_lists_in_every_spelling(value: object) -> None:
    assert parse_names(value) == tuple(NAMES)


def test_numpy_lists_without_commas_are_not_glued_together() -> None:
    assert parse_names("['a::b'\n 'c::d' \"e'f\"]") == ("a::b", "c::d", "e'f")


@given(st.lists(st.text(min_size=1, max_size=30), max_size=5))
def test_any_names_survive_python_and_json_spelling(names: list[str]) -> None:
    assert parse_names(json.dumps(names)) == tuple(names)
    assert parse_names(repr(names)) == tuple(names)


@given(st.text(max_size=200))
def test_no_text_breaks_the_list_reader(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(name, str) for name in parse_names(text))


@pytest.mark.parametrize("value", ["['cut off", "{'a': 1}", 7, [1, 2], "[f()]", "[open('x')]"])
def test_what_is_no_list_of_names_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"list|unexpected"):
        parse_names(value)


def test_a_list_that_a_spreadsheet_cut_says_so() -> None:
    with pytest.raises(ValueError, match=r"cut off, as by a spreadsheet, after 32,767 characters"):
        parse_names(str(["tests/test_x.py::test_kept"] * 2000)[:32_767])


@pytest.mark.parametrize("value", ["diff --git a b", ["diff --git a b"], '["diff --git a b"]', "['diff --git a b']"])
def test_patches_in_every_spelling(value: object) -> None:
    assert parse_patches(value) == ("diff --git a b",)


def test_both_spellings_of_test_patches_work_and_an_empty_one_gives_way() -> None:
    tasks = [
        parse_dataset(json.dumps(record()), "d")[0],
        parse_dataset(json.dumps(record(test_patches=["diff --git a/t b/t\n"], test_patch="other")), "d")[0],
        parse_dataset(json.dumps(record(test_patches=[])), "d")[0],
    ]
    assert [task.test_patches for task in tasks] == [("diff --git a/t b/t\n",)] * 3


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_or_json_lines(indent: int | None) -> None:
    text = "\n".join(json.dumps(record(instance_id=f"task-{number}"), indent=indent) for number in range(3))
    assert [task.instance_id for task in parse_dataset(text, "d")] == ["task-0", "task-1", "task-2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no task"),
        ("[1]", "expected a JSON object"),
        ('{"a": 1}\n{"b"', "line 2"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps(record(instance_id="../../x; rm -rf ~")), "instance_id.*not a safe name"),
        (json.dumps(record(instance_id=["x"])), r"instance_id.*given: a list"),
        (json.dumps(record(repo="../..")), "repo.*owner/name"),
        (json.dumps(record(base_commit="$(reboot)")), "base_commit"),
        (json.dumps(record(FAIL_TO_PASS=5)), r"FAIL_TO_PASS.*list of names.*given: a int"),
        (json.dumps({"repo": "a/b", "base_commit": "c"}), r"instance_id.*given: nothing"),
        (json.dumps(record()) * 2, "occurs twice"),
    ],
)
def test_a_bad_dataset_is_refused_with_the_field_and_the_reason(text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        parse_dataset(text, "data.jsonl")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("registry.example/x/12rambau_sepal_ui:97371f", "12rambau_sepal_ui-97371f.tar"),
        ("registry.example/x/plain", "plain-plain.tar"),
        ("", "12rambau_sepal_ui-97371f0c.tar"),
    ],
)
def test_the_image_of_a_task(uri: str, name: str) -> None:
    task = parse_dataset(json.dumps(record(image_storage_uri=uri)), "d")[0]
    assert image_file_name(task) == name
    assert str(image_source(task, "s3://bucket/images")) == f"s3://bucket/images/{name}"


def test_image_addresses_and_tags() -> None:
    task = parse_dataset(json.dumps(record(image_storage_uri="s3://other/key.tar", repo="Project-MONAI/MONAI")), "d")[0]
    assert str(image_source(task, "s3://bucket/images")) == "s3://other/key.tar"
    assert image_tags(task) == (
        "mswebench/sweb.eval.x86_64.1319603449576684:latest",
        "mswebench/project-monai_m_monai:pr-1319603449576684",
    )
    with pytest.raises(ImageError):
        image_source(task.model_copy(update={"image_storage_uri": "s3://bucket/../x"}), "s3://bucket/images")


class Litter:
    """Rubbish whose collection runs code, so that another thread gets its turn in the middle of parsing."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        sum(range(50))


def test_lists_are_read_by_many_threads_at_once() -> None:
    """Datasets are loaded in threads; CPython's parser is not made for several while memory is being collected."""
    text = str([f"tests/test_{number}.py::test[{number}]" for number in range(300)])

    def read(_: int) -> int:
        littered = [Litter() for _ in range(20)]
        return len(parse_names(text)) + len(littered)

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(8) as workers:
            found = set(workers.map(read, range(320)))
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
    assert found == {320}
