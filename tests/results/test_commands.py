"""The commands about finished runs, as operators call them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.results.trees import ALL_PASS, F2P, P2P, PATCH, Finished, january, log
from velora_tui.domain.listing import FIELDS, SORT_KEYS
from velora_tui.domain.result import AttemptResult
from velora_tui.grading.parsers import PARSERS
from velora_tui.pipeline.imported.assess import assess
from velora_tui.store.results import save_result
from velora_tui.store.trees import run_at

FAILS = log(test_total="FAILED", test_total_counts_once="PASSED", test_empty="PASSED", test_add="PASSED")
DATASET: dict[str, Any] = {
    "instance_id": "shop-1",
    "repo": "acme/shop",
    "base_commit": "0123abcd",
    "FAIL_TO_PASS": F2P,
    "PASS_TO_PASS": P2P,
    "test_patch": "",
    "test_command": "pytest -rA",
    "problem_statement": "The total is wrong.",
}


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """A desk with two imported runs of shop-1 by one model, unresolved the second time though its harness says no."""
    for run, output in ((1, ALL_PASS), (2, FAILS)):
        Finished(output=output, start_time=f"2026-01-2{run} 06:20:08").write(january(desk.folder / "disk", run))
    desk.write("tasks.jsonl", DATASET)
    assert desk("import", "disk", "--model-name", "gpt-5.2=llm.gpt").status == 0
    return desk


def own_result(desk: Desk) -> AttemptResult:
    """Write a result of Velora's own: an attempt of run 3."""
    folder = Finished(start_time="2026-01-23 06:20:08").write(desk.folder / "results" / "shop-1" / "llm.gpt" / "run_3")
    found = run_at(folder)
    assert found
    (assessed,), _ = assess(found, {}, "")
    ours = {"run": "01K0X3", "model": "llm.gpt", "run_number": 3, "harness_verdict": None}
    result = assessed.result.model_copy(update=ours)
    save_result(folder, result)
    return result


def test_import_tells_what_it_did(shelf: Desk) -> None:
    again = shelf("import", "disk", "--json")
    missing = shelf("import", "nowhere")

    assert (again.status, again.json["read"], again.json["unchanged"]) == (0, 0, 2)
    assert (missing.status, missing.complaint) == (
        2, "velora: nowhere is no folder — name folders that hold finished runs"
    )  # fmt: skip


def test_a_folder_without_runs_is_a_problem_and_the_others_are_imported(desk: Desk) -> None:
    (desk.folder / "empty").mkdir()
    Finished().write(january(desk.folder / "disk", 1))

    both = desk("import", "empty", "disk", "disk/..")
    again = desk("import", "disk", "disk/..")

    assert (both.status, both.out) == (1, "1 run imported · 0 folders unchanged · 1 with problems\n")
    assert "empty: there is no finished run in it: name the folders" in both.complaint
    assert again.status == 0


def test_a_folder_of_dataset_files_is_validated_file_by_file(desk: Desk) -> None:
    (desk.folder / "datasets").mkdir()
    desk.write("datasets/b.jsonl", {**DATASET, "instance_id": "shop-2", "repo": "x"})
    desk.write("datasets/a.json", DATASET)
    desk.write("datasets/notes.txt", "no dataset")

    answer = desk("validate", "datasets", "--json")

    assert answer.status == 1
    assert [(task["kind"], task["name"], task["good"]) for task in answer.json["checked"]] == [
        ("task", "shop-1", True), ("task", "shop-2", False)
    ]  # fmt: skip


def test_an_export_makes_no_folder(shelf: Desk) -> None:
    answer = shelf("export", "-o", "nope/x.csv")

    assert answer.status == 1
    assert answer.complaint == "velora: nope/x.csv cannot be written: there is no folder nope — make it first"
    assert not (shelf.folder / "nope").exists()


def test_own_and_imported_runs_are_listed_together(shelf: Desk) -> None:
    own_result(shelf)

    found = shelf("results", "--sort", "run", "--json").json["results"]

    assert [(each["run_number"], each["model"], each["outcome"]) for each in found] == [
        (1, "llm.gpt", "resolved"),
        (2, "llm.gpt", "unresolved"),
        (3, "llm.gpt", "resolved"),
    ]
    assert found[1]["provenance"] | {"recorded_at": ""} == {
        "by": "",
        "instance": "",
        "host": "",
        "started_at": "2026-01-22T06:20:08Z",
        "recorded_at": "",
        "recipe": "",
        "image": "",
        "velora_version": found[1]["provenance"]["velora_version"],
        "source": str(january(shelf.folder / "disk", 2)),
    }
    (shelf.folder / "results/shop-1/llm.gpt/run_3/velora.json").unlink()
    assert len(shelf("results", "--json").json["results"]) == 2


def test_a_damaged_result_of_ones_own_is_told(desk: Desk) -> None:
    own_result(desk)
    broken = desk.folder / "results" / "shop-1" / "llm.gpt" / "run_4"
    broken.mkdir()
    (broken / "velora.json").write_text("{}")

    first, again = desk("results", "--json"), desk("results", "--json")

    for answer in (first, again):
        assert (answer.status, len(answer.json["results"])) == (1, 1)
        assert "run_4/velora.json is not a result of Velora" in answer.complaint


def test_folders_are_listed_without_a_catalog(desk: Desk) -> None:
    own_result(desk)

    assert len(desk("results", "results", "--json").json["results"]) == 1
    assert not (desk.folder / "state" / "catalog.db").exists()


def test_a_single_result_shows_its_proof_and_what_the_harness_said(shelf: Desk) -> None:
    (found,) = shelf("results", "--run-number", "2", "--json").json["results"]
    chosen, answer = shelf("results", "--run-number", "2"), shelf("results", found["run"])

    assert "FAIL_TO_PASS" not in chosen.out  # a filter lists, however many it leaves
    assert "! resolved" in answer.out
    assert "✗  FAILED     4  tests/test_cart.py::test_total" in answer.out
    assert (
        "substring-match · tests/test_cart.py::test_total · taken for tests/test_cart.py::test_total_counts"
        in answer.out
    )


def test_a_flag_that_a_filter_finds_is_in_the_json(desk: Desk) -> None:
    Finished(output=log(test_total="PASSED", test_empty="XPASS", test_add="PASSED")).write(desk.folder / "disk")
    desk("import", "disk")

    (found,) = desk("results", "--filter", "flag:xpass", "--json").json["results"]
    (regraded,) = desk("regrade", "--json").json["runs"]

    assert "xpass-counts-as-success" in {flag["id"] for flag in found["flags"]}
    assert regraded["flags"] == found["flags"]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("1", "none of 2 results matches --task 1 — there is no task 1: did you mean shop-1?"),
        ("shopp-1", "there is no task shopp-1: did you mean shop-1?"),
        ("else", "there is no task else: `velora results --keys` shows the tasks' whole names"),
    ],
)
def test_a_task_that_no_result_has_is_answered_by_those_that_are_like_it(shelf: Desk, task: str, words: str) -> None:
    assert words in shelf("results", "--task", task).err
    assert words in shelf("compare", "--task", task).err


def test_keys_come_with_the_whole_names_of_tasks(desk: Desk) -> None:
    Finished(task="acme__shop-1").write(desk.folder / "disk")
    desk("import", "disk")

    assert "acme__shop-1" in desk("results", "--keys").out
    assert "acme__shop-1" not in desk("results").out


def test_results_are_grouped(shelf: Desk) -> None:
    lines = shelf("results", "--group", "outcome").out.splitlines()

    assert [line for line in lines if "run" in line and "resolved" in line and "shop" not in line] == [
        "resolved  1 run  1 resolved",
        "unresolved  1 run  0 resolved",
    ]


def test_regrade_names_the_rule_of_each_flip(shelf: Desk) -> None:
    stored, folder = shelf("regrade", "--json"), shelf("regrade", "disk", "--json")

    assert stored.status == folder.status == 1
    assert (stored.json["regraded"], stored.json["flipped"]) == (2, 1)
    (flipped,) = [run for run in folder.json["runs"] if run["flips"]]
    assert [(flip["test"], flip["rule"]) for flip in flipped["flips"]] == [
        (None, "listed-tests"),
        (F2P[0], "substring-match"),
    ]


def test_help_lists_all_parsers_and_all_keys_of_a_filter(desk: Desk) -> None:
    parsers, keys = ("".join(desk(command, "--help").out.split()) for command in ("grade", "results"))

    assert [name for name in PARSERS if name not in parsers] == []
    assert ",".join(FIELDS) in keys
    assert ",".join(SORT_KEYS) in keys


def test_an_own_result_is_graded_again_by_its_own_task(desk: Desk) -> None:
    own_result(desk)
    agrees = desk("regrade", "01K0X3")
    (path,) = desk.folder.glob("results/**/test_output.txt")
    path.write_text(FAILS)

    flips = desk("regrade", "01K0X3", "--json")

    assert (agrees.status, agrees.out) == (0, "1 run graded again · 0 with flips\n")
    (run,) = flips.json["runs"]
    assert (flips.status, run["stored_outcome"], run["outcome"], run["changed"]) == (1, "resolved", "unresolved", F2P)


def test_compare_models_tasks_runs_and_batches(shelf: Desk) -> None:
    keys = {each["run_number"]: each["run"] for each in shelf("results", "--json").json["results"]}

    (model,) = shelf("compare", "--k", "1", "--k", "2", "--json").json["models"]
    assert (model["model"], model["resolved"], [found["value"] for found in model["pass_at"]]) == (
        "llm.gpt",
        1,
        [0.5, 1.0],
    )
    rows = shelf("compare", "--task", "shop-1", "--json").json["tests"]
    assert [(row["test"], row["statuses"]) for row in rows] == [(F2P[0], ["PASSED", "FAILED"])]
    assert shelf("compare", keys[1], keys[2], "--json").json["tests"] == rows
    facts = [line.split()[0] for line in shelf("compare", keys[1], keys[2]).out.splitlines()[-4:]]
    assert facts == ["patch", "history", "cost", "time"]
    assert shelf("compare", "--k", "9").err == "no PASS@9: no task has 9 valid runs of one model\n"
    sides = [january(shelf.folder / "disk", run) for run in (1, 2)]
    batches = shelf("compare", *sides, "--json").json
    assert (batches["paired_by"], [change["after"] for change in batches["changes"]]) == (
        ["task", "model"],
        ["unresolved"],
    )
    assert "gpt·1  gpt·2" in shelf("compare", "--task", "shop-1").out.replace("       ", "  ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model:gpt",), "1 side"),
        (("disk/..", "model:none"), "no results of model:none"),
        (("nowhere", "disk"), "unknown result 'nowhere'"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(shelf: Desk, arguments: tuple[str, ...], words: str) -> None:
    answer = shelf("compare", *arguments)

    assert answer.status == 2
    assert words in answer.complaint


def test_exports_agree_with_each_other(shelf: Desk) -> None:
    found = {name: shelf("export", "--format", name).out for name in ("csv", "json", "jsonl", "markdown", "html")}

    rows = list(csv.DictReader(io.StringIO(found["csv"])))
    lines = [json.loads(line) for line in found["jsonl"].splitlines()]
    assert [(row["task"], row["run_number"], row["outcome"]) for row in rows] == [
        ("shop-1", "1", "resolved"),
        ("shop-1", "2", "unresolved"),
    ]
    assert json.loads(found["json"])["results"] == lines
    assert [str(line["run_number"]) for line in lines] == [row["run_number"] for row in rows]
    assert "| shop-1 | llm.gpt | 2 | unresolved | 0/1 | 2/2 |" in found["markdown"]
    assert found["html"].count("<tr><td>shop-1<td>") == 2


def test_predictions_and_report_hold_one_result_a_task(shelf: Desk) -> None:
    twice = shelf("export", "--format", "predictions")
    (line,) = shelf("export", "--format", "predictions", "--run-number", "2").records
    report = shelf("export", "--format", "swebench-report", "--run-number", "2").json

    assert (twice.status, "choose one of each with --model and --run-number" in twice.complaint) == (2, True)
    assert line == {"instance_id": "shop-1", "model_name_or_path": "llm.gpt", "model_patch": PATCH}
    assert (report["unresolved_ids"], report["resolved_ids"], report["submitted_instances"]) == (["shop-1"], [], 1)


def test_hostile_names_do_no_harm_in_files(desk: Desk) -> None:
    hostile = '=cmd|"c calc"!A1<script>alert(1)|[x](y)'
    Finished(model=hostile).write(desk.folder / "disk" / "run_1")
    desk("import", "disk")

    found = {name: desk("export", "--format", name).out for name in ("csv", "markdown", "html")}

    (row,) = csv.DictReader(io.StringIO(found["csv"]))
    assert row["model"] == f"'{hostile}"
    assert "<script>" not in found["html"]
    assert "\\<script\\>alert(1)\\|\\[x\\](y)" in found["markdown"]


def test_missing_runs_as_an_assignment_file(shelf: Desk) -> None:
    answer = shelf("missing", "--dataset", "tasks.jsonl", "--model", "llm.gpt", "--runs", "3", "-o", "todo.csv")
    (line,) = shelf(
        "missing", "--dataset", "tasks.jsonl", "--model", "llm.gpt", "--runs", "3", "--format", "jsonl"
    ).records

    expected = {
        "dataset": str(shelf.folder / "tasks.jsonl"),
        "task": "shop-1",
        "model": "llm.gpt",
        "run_number": 3,
        "reason": "no result",
    }
    assert (answer.status, line) == (1, expected)
    with Path(shelf.folder / "todo.csv").open() as file:
        assert list(csv.DictReader(file)) == [{key: str(value) for key, value in expected.items()}]
    assert shelf("missing", "--dataset", "tasks.jsonl", "--model", "llm.gpt", "--runs", "2").status == 0


def test_validate_datasets(desk: Desk) -> None:
    desk.write("good.jsonl", DATASET)
    names = str([f"t.py::test_{number:05}" for number in range(2000)])[:32_767]
    bad = {**DATASET, "FAIL_TO_PASS": names, "test_output_parser": "nose", "repo": "shop"}
    desk.write("bad.jsonl", [bad, {**DATASET, "test_output_parser": "nose", "FAIL_TO_PASS": [], "test_command": ""}])

    good, found = desk("validate", "good.jsonl"), desk("validate", "good.jsonl", "bad.jsonl", "--json")

    assert (good.status, good.out.splitlines()[-1]) == (0, "1 of 1 good")
    assert found.status == 1
    problems = {each["path"]: {(p["level"], p["field"]) for p in each["problems"]} for each in found.json["checked"]}
    assert problems["good.jsonl"] == {("warning", "test_patches"), ("warning", "test_output_parser")}
    assert {("error", "FAIL_TO_PASS"), ("error", "test_output_parser"), ("error", "test_command")} <= problems[
        "bad.jsonl"
    ]
    cut = next(each for each in found.json["checked"] if each["path"] == "bad.jsonl")
    assert cut["problems"][0]["detail"] == "cut at 32,767 characters, as a spreadsheet does"


def test_validate_trees(desk: Desk) -> None:
    patch = "".join(
        f"diff --git a/f{n} b/f{n}\n--- a/f{n}\n+++ b/f{n}\n@@ -1 +1 @@\n-{'a' * 40}\n+b\n" for n in range(20)
    )
    Finished(patch=patch).write(desk.folder / "whole" / "run_1")
    Finished(patch=patch).write(desk.folder / "part" / "run_1", without=("test_output.txt",))

    whole, part = desk("validate", "whole"), desk("validate", "part", "--json")

    assert (whole.status, whole.out.splitlines()[-1]) == (0, "1 of 1 good")
    (checked,) = part.json["checked"]
    lacks = "the tree lacks eval_outputs/shop-1/test_output.txt"
    assert (part.status, [problem["detail"] for problem in checked["problems"]]) == (1, [lacks])
