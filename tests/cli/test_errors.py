"""What is wrong with a request is said in one line, and the exit status is 2."""

from __future__ import annotations

import pytest

from tests.cli.conftest import LOCAL_FLEET, TASK, Desk, Place


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), "Missing option '--dataset' — see `velora run --help`"),
        (("fly",), "No such command 'fly' — see `velora --help`"),
        (("status", "--jsno"), "No such option: --jsno"),
        (("run", "--dataset", "x", "--run-number", "0"), "'--run-number'"),
        (("status",), "there is no fleet file"),
        (("status", "--fleet", "none.toml"), "none.toml: no such fleet file (from --fleet)"),
        (("demo", "--fleet", "x.toml", "--headless"), "the demo brings its own fleet"),
        (("demo",), "the dashboard needs a terminal"),
        (("--json", "demo"), "the dashboard has no --json"),
    ],
)
def test_a_wrong_request_is_one_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    (desk.folder / "velora.toml").unlink()

    answer = desk(*arguments)

    assert answer.status == 2
    assert answer.out == ""
    assert words in answer.complaint


def test_without_a_fleet_file_velora_says_how_to_write_one(velora: Place) -> None:
    answer = velora()

    assert answer.status == 2
    assert answer.out == ""
    assert "[[instances]]" in answer.err
    assert "velora demo" in answer.err
    assert len(answer.err.splitlines()) <= 24


def test_the_example_that_velora_shows_is_a_fleet_file(velora: Place) -> None:
    shown = velora().err
    example = shown[shown.index("  [fleet]") : shown.index("Save it")].replace("aws-instance-eval1", "local")
    velora.write("velora.toml", "\n".join(line.removeprefix("  ") for line in example.splitlines()))

    assert velora("status").status == 0


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("[fleet\n", "velora.toml: not TOML"),
        (
            LOCAL_FLEET.replace("home =", "hoem ="),
            "line 25: unknown key hoem of [[instances]] 'here' — did you mean home?",
        ),
        (
            LOCAL_FLEET.replace("= 100", '= "much"'),
            "line 8: defaults.max_disk_percent must be a whole number, not 'much'",
        ),
    ],
)
def test_a_broken_fleet_file_is_named_with_line_and_key(desk: Desk, broken: str, words: str) -> None:
    desk.write("velora.toml", broken)

    answer = desk("status", "--json")

    assert answer.status == 2
    assert words in answer.complaint


def test_all_that_is_wrong_in_a_fleet_file_is_told_a_line_each(desk: Desk) -> None:
    desk.write("velora.toml", LOCAL_FLEET.replace("home =", "hoem =").replace("= 100", '= "much"'))

    answer = desk("status")

    assert answer.status == 2
    assert [line.partition(", line ")[2].partition(":")[0] for line in answer.err.splitlines()] == ["8", "25"]


@pytest.mark.parametrize(
    ("dataset", "arguments", "words"),
    [
        ({**TASK, "instance_id": "../../x; rm -rf ~"}, (), "field instance_id: '../../x; rm -rf ~' is not a safe name"),
        ({**TASK, "repo": "no-owner"}, (), "field repo:"),
        ("{not json", (), "line 1: not JSON"),
        ("", (), "no task in it"),
        (TASK, ("--task", "shop-2"), "unknown task 'shop-2' — did you mean shop-1?"),
        (TASK, ("--model", "llm.gtp"), "unknown model 'llm.gtp' — did you mean llm.gpt?"),
        (TASK, ("--model", "../x"), "--model: '../x' is not a safe name"),
        (TASK, ("--instance", "heer"), "unknown instance 'heer' — did you mean here?"),
        (TASK, ("--recipe", "magic"), "unknown recipe 'magic'"),
    ],
)
def test_a_run_that_cannot_be_meant_is_refused(
    desk: Desk, dataset: object, arguments: tuple[str, ...], words: str
) -> None:
    desk.write("task.jsonl", dataset)

    answer = desk("run", "--dataset", "task.jsonl", "--model", "llm.gpt", *arguments)

    assert answer.status == 2
    assert words in answer.complaint
    assert desk("status", "--json").json["runs"] == []


def test_a_run_needs_a_dataset_that_is_there(local: Place) -> None:
    answer = local("run", "--dataset", "lost.jsonl", "--model", "llm.gpt")

    assert answer.status == 2
    assert "lost.jsonl cannot be read: No such file" in answer.complaint


@pytest.mark.parametrize("arguments", [("logs", "01ABCDEF"), ("stop", "01ABCDEF"), ("retry", "01ABCDEF")])
def test_an_unknown_run_is_named(desk: Desk, arguments: tuple[str, ...]) -> None:
    answer = desk(*arguments)

    assert answer.status == 2
    assert "unknown run '01ABCDEF' — there is no run yet" in answer.complaint


def test_a_bug_is_one_line_and_its_traceback_is_kept(local: Place) -> None:
    environment = {"PYTHONPATH": str(local.folder)}
    local.write("sitecustomize.py", "import json\njson.dumps = None\n")

    answer = local("grade", "--task", "task.jsonl", "--log", "task.jsonl", "--json", **environment)

    assert answer.status == 1
    assert "a bug: TypeError" in answer.complaint
    assert "Traceback" in (local.folder / "state" / "velora-errors.log").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--dataset", "task.jsonl", "--model", "llm.gpt"),
        ("attach",),
        ("stop", "01AAAA"),
        ("retry", "01AAAA"),
    ],
)
def test_readonly_does_nothing(desk: Desk, arguments: tuple[str, ...]) -> None:
    answer = desk("--readonly", *arguments)

    assert answer.status == 2
    assert "Velora was started read-only" in answer.complaint


@pytest.mark.parametrize("arguments", [("check",), ("check", "--json"), ("check", "--files")])
def test_a_fleet_without_instances_cannot_be_checked(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.write("velora.toml", '[fleet]\nstate = "state"\n')

    answer = desk(*arguments)

    assert (answer.status, answer.out) == (2, "")
    assert answer.complaint == "velora: the fleet file names no instance — add [[instances]] to it"
