"""`velora grade` judges a log without any fleet."""

from __future__ import annotations

import pytest

from tests.cli.conftest import TASK, Desk

LOG = """\
============================= test session starts ==============================
collected 2 items

tests/test_cart.py .F                                                    [100%]
=========================== short test summary info ============================
PASSED tests/test_cart.py::test_total[two items - sale]
FAILED tests/test_cart.py::test_empty - assert 1 == 0
========================= 1 failed, 1 passed in 0.01s ==========================
"""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.write("log", LOG)
    return desk


def test_the_document_has_the_fields_of_the_contract(desk: Desk) -> None:
    answer = desk("grade", "--task", "task.jsonl", "--log", "log", "--json")

    fixed, empty, gone = (*TASK["FAIL_TO_PASS"], *TASK["PASS_TO_PASS"])
    assert answer.status == 0
    assert {
        "instance_id": "shop-1",
        "resolved": False,
        "tests_ran": True,
        "tests": {fixed: "PASSED", empty: "FAILED", gone: "MISSING"},
        "FAIL_TO_PASS": {"success": [fixed], "failure": []},
        "PASS_TO_PASS": {"success": [], "failure": [empty, gone]},
        "counts": {"passed": 1, "failed": 1, "error": 0, "skipped": 0},
    }.items() <= answer.json.items()


def test_people_read_the_same(desk: Desk) -> None:
    answer = desk("grade", "--task", "task.jsonl", "--log", "log")

    assert answer.status == 0
    assert "shop-1 · ○ unresolved" in answer.out
    assert "✗  MISSING        tests/test_cart.py::test_gone" in answer.out
    assert "✓  PASSED      6  tests/test_cart.py::test_total[two items - sale]" in answer.out
    assert "\x1b" not in answer.out


def test_an_exit_status_that_contradicts_the_log_is_flagged(desk: Desk) -> None:
    answer = desk("grade", "--task", "task.jsonl", "--log", "log", "--exit-status", "0")

    assert "! exit-zero-with-failures" in answer.out


def test_a_log_without_tests_is_no_error(desk: Desk) -> None:
    desk.write("log", "Segmentation fault\n")

    answer = desk("grade", "--task", "task.jsonl", "--log", "log", "--json")

    assert answer.status == 0
    assert answer.json["tests_ran"] is False


def test_of_several_tasks_one_is_chosen_by_its_id(desk: Desk) -> None:
    desk.write("two.jsonl", [TASK, {**TASK, "instance_id": "shop-2"}])

    refused = desk("grade", "--task", "two.jsonl", "--log", "log")
    chosen = desk("grade", "--task", "two.jsonl", "--log", "log", "--id", "shop-2", "--json")

    assert refused.status == 2
    assert "holds 2 tasks — choose one with --id: shop-1, shop-2" in refused.complaint
    assert chosen.json["instance_id"] == "shop-2"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--log", "lost"), "the log lost cannot be read: No such file or directory"),
        (("--log", "log", "--parser", "nose"), "unknown parser 'nose'"),
        (("--log", "log", "--id", "shop-9"), "unknown task 'shop-9'"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    answer = desk("grade", "--task", "task.jsonl", *arguments)

    assert answer.status == 2
    assert words in answer.complaint
