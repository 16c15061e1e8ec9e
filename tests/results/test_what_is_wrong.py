"""What the commands about finished runs say where something is wrong: files, parsers, an interrupted import."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.results.test_commands import DATASET, own_result
from tests.results.trees import ALL_PASS, Finished, january
from velora_tui.pipeline.imported.batch import CHUNK_FOLDERS
from velora_tui.store.catalog import Catalog


def test_an_interrupted_import_says_what_is_kept_and_how_it_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in range(1, 2 * CHUNK_FOLDERS + 2):
        Finished(start_time=f"2026-01-28 06:20:{run:02}").write(january(desk.folder / "disk", run))
    kept: list[int] = []
    keep = Catalog.keep

    def keep_once(self: Catalog, found: Any) -> None:
        if kept:
            raise KeyboardInterrupt
        keep(self, found)
        kept.append(1)

    with monkeypatch.context() as interrupting:
        interrupting.setattr(Catalog, "keep", keep_once)
        answer = desk("import", "disk", "--model-name", "gpt-5.2=llm.gpt")
    found = desk("results", "--json").json["results"]
    again = desk("import", "disk")

    said = f"interrupted: {CHUNK_FOLDERS} runs imported so far are kept; the same command goes on\n"
    assert (answer.status, answer.err) == (128 + signal.SIGINT, said)
    assert (len(found), found[0]["model"]) == (CHUNK_FOLDERS, "llm.gpt")
    assert again.out == f"{CHUNK_FOLDERS + 1} runs imported · {CHUNK_FOLDERS} folders unchanged\n"


def test_what_is_broken_is_told_and_the_rest_imported(desk: Desk) -> None:
    Finished().write(desk.folder / "disk" / "run_1")
    (desk.folder / "disk" / "eval_pilot2_output.jsonl").write_text("{")

    answer = desk("import", "disk")

    assert answer.status == 1
    assert "eval_pilot2_output.jsonl: not JSON from line 1 on (cut off?)" in answer.complaint
    assert answer.out == "1 run imported · 0 folders unchanged · 1 with problems\n"


def test_a_folder_with_broken_files_is_told_of_once(desk: Desk) -> None:
    folder = Finished().write(desk.folder / "disk" / "run_1")
    (folder / "eval_pilot2_output.jsonl").write_text("{")
    (folder / "output.jsonl").write_text("")
    imported = desk("import", "disk").err.splitlines()

    stored, below = desk("regrade").err.splitlines(), desk("regrade", "disk").err.splitlines()

    (line,) = [line for line in imported if "run_1: " in line]
    assert "eval_pilot2_output.jsonl: not JSON from line 1 on (cut off?); output.jsonl: it is empty" in line
    for told in (stored, below):
        assert [each for each in told if "run_1: " in each] == [line]


def test_two_results_of_one_folder_tell_its_problem_once(desk: Desk) -> None:
    folder = Finished().write(desk.folder / "disk" / "run_1")
    for name in ("output.jsonl", "eval_pilot2_output.jsonl"):
        record = json.loads((folder / name).read_text())
        both = (json.dumps(each) for each in (record, {**record, "instance_id": "shop-2"}))
        (folder / name).write_text("\n".join((*both, "{")))
    desk("import", "disk")

    answer = desk("regrade", "--json")

    assert (len(answer.json["runs"]), len(answer.json["problems"])) == (2, 1)
    assert len([line for line in answer.err.splitlines() if "run_1: " in line]) == 1


def test_runs_that_cannot_be_graded_are_told_by_why(desk: Desk) -> None:
    for run in (1, 2):
        Finished(start_time=f"2026-01-2{run} 06:20:08").write(january(desk.folder / "disk", run))
    desk.write("tasks.jsonl", {**DATASET, "test_output_parser": "parsers/pytest_parser.py"})
    why = "2 runs not graded: unknown parser 'parsers/pytest_parser.py' — did you mean python/parse_log_pytest,"
    alone = "2 runs are unchecked, the harness's word alone"

    first = desk("import", "disk", "--dataset", "tasks.jsonl")
    again = desk("import", "disk", "--dataset", "tasks.jsonl", "--json")
    regraded = desk("regrade", "--dataset", "tasks.jsonl")
    regraded_json = desk("regrade", "--dataset", "tasks.jsonl", "--json").json

    assert why in first.complaint
    assert (first.status, first.out) == (0, "2 runs imported · 0 folders unchanged · 2 not graded\n")
    assert [found["runs"] for found in again.json["ungraded"]] == [2]
    assert why in regraded.complaint
    assert (regraded.status, regraded.out) == (1, "0 runs graded again · 0 with flips\n")
    assert (regraded_json["regraded"], [found["runs"] for found in regraded_json["ungraded"]]) == (0, [2])
    assert alone in desk("compare").err
    assert desk("compare", "--json").json["unchecked"] == 2
    assert alone in desk("results").err
    assert "2 unchecked" in desk("results", "--group", "task").out


@pytest.fixture
def void(desk: Desk) -> dict[int, str]:
    """Import three runs whose disk was full, the last of which only quotes its log, and a sound one; return keys."""
    full = "start\nOSError: [Errno 28] No space left on device\n"
    for run, output in ((1, full), (2, full), (3, ALL_PASS)):
        Finished(output=output, start_time=f"2026-01-2{run} 06:20:08").write(january(desk.folder / "disk", run))
    quoting = Finished(output=full, start_time="2026-01-24 06:20:08")
    quoting.write(january(desk.folder / "disk", 4), without=("test_output.txt",))
    (desk.folder / "velora.toml").unlink()
    desk("import", "disk")
    return {each["run_number"]: each["run"] for each in desk("results", "--json").json["results"]}


def test_an_imported_result_is_diagnosed_by_its_key(desk: Desk, void: dict[int, str]) -> None:
    answer, quoted, sound = (desk("diagnose", void[run]) for run in (1, 4, 3))
    finding = desk("diagnose", void[2], "--json").json["findings"][0]

    assert answer.status == quoted.status == 1
    assert "it proves nothing of its model: the disk was full while the tests ran" in answer.out
    assert "! tests-disk-full" in answer.out
    assert "eval_outputs/shop-1/test_output.txt:2" in answer.out
    assert "test_output in eval_pilot2_output.jsonl:2" in quoted.out
    assert (finding["id"], finding["file"]) == ("tests-disk-full", "eval_outputs/shop-1/test_output.txt")
    assert "proves nothing" not in sound.out
    assert "`velora results --keys` shows the keys of results" in desk("diagnose", "nothing").complaint
    assert desk("diagnose", void[1], "--attempt", "2").status == 2


def test_a_result_of_ones_own_is_diagnosed_by_its_key(desk: Desk) -> None:
    own_result(desk)
    desk("results")

    answer = desk("diagnose", "01K0X3.1", "--json")

    assert (answer.json["run"], answer.json["valid"]) == ("01K0X3.1", True)
    assert [finding["id"] for finding in answer.json["findings"]] == ["patch-small"]


def test_imported_results_that_prove_nothing_are_told_by_why(desk: Desk, void: dict[int, str]) -> None:
    fleet, fleet_json = desk("diagnose"), desk("diagnose", "--json").json

    assert fleet.status == 1
    assert "3 imported results prove nothing of the model" in fleet.out
    assert "3 × the disk was full while the tests ran: OSError" in fleet.out
    assert [(group["count"], set(group["results"])) for group in fleet_json["imported"]] == [
        (3, {void[1], void[2], void[4]})
    ]


def test_a_run_without_a_patch_is_good_unless_its_agent_died(desk: Desk) -> None:
    Finished(patch="", output=None).write(desk.folder / "no_patch" / "run_1")
    Finished(patch="", output=None, error="APITimeoutError: timed out").write(desk.folder / "died" / "run_1")

    good, died = desk("validate", "no_patch", "--json"), desk("validate", "died", "--json")

    (checked,) = good.json["checked"]
    assert good.status == 0
    assert {(problem["level"], problem["field"]) for problem in checked["problems"]} == {
        ("warning", "patch-valid"), ("warning", "patch-size")
    }  # fmt: skip
    assert died.status == 1
    assert ("error", "result") in {(each["level"], each["field"]) for each in died.json["checked"][0]["problems"]}
