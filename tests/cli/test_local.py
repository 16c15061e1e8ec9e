"""Commands over a fleet of local instances: no server, no network."""

from __future__ import annotations

from typing import TypeVar

import pytest

from tests.cli.conftest import LOCAL_FLEET, NOT_READY, TASK, UNREACHABLE, Desk, Place

AnyPlace = TypeVar("AnyPlace", bound=Place)


@pytest.fixture
def mixed(local: Place) -> Place:
    """One instance that is ready, one whose disk limit refuses runs, one that does not answer."""
    return with_three_instances(local)


@pytest.fixture
def crowded(desk: Desk) -> Desk:
    """The same, called in this process."""
    return with_three_instances(desk)


def with_three_instances(place: AnyPlace) -> AnyPlace:
    place.write("velora.toml", LOCAL_FLEET + NOT_READY + UNREACHABLE)
    for home in ("home", "full"):
        (place.folder / home).mkdir()
    return place


def test_check_has_the_fields_of_the_contract(mixed: Place) -> None:
    answer = mixed("check", "--json")

    assert answer.status == 1
    assert list(answer.json) == ["instances"]
    instances = answer.json["instances"]
    assert [(instance["name"], instance["ready"]) for instance in instances] == [
        ("here", True),
        ("full", False),
        ("gone", False),
    ]
    for instance in instances:
        assert [check["id"] for check in instance["checks"]] == [
            "ssh",
            "disk",
            "busy",
            "load",
            "memory",
            "clock",
        ]
        assert all(set(check) == {"id", "status", "blocking", "detail", "repair"} for check in instance["checks"])
    disk, ssh = instances[1]["checks"][1], instances[2]["checks"][0]
    assert disk["status"] == "fail"
    assert "limit 0 %" in disk["detail"]
    assert ssh["status"] == "fail"
    assert "Connection refused" in ssh["detail"]


def test_check_of_one_that_is_ready(mixed: Place) -> None:
    answer = mixed("check", "here")

    assert answer.status == 0
    assert "✓ ready" in answer.out
    assert "full" not in answer.out
    assert answer.err == ""


def test_check_names_an_unknown_instance(crowded: Desk) -> None:
    answer = crowded("check", "here", "heer")

    assert answer.status == 2
    assert "unknown instance 'heer' — did you mean here" in answer.complaint


def test_status_remembers_the_last_check(crowded: Desk) -> None:
    before = crowded("status", "--json").json
    crowded("check")
    after = crowded("status", "--json").json

    assert [instance["ready"] for instance in before["instances"]] == [None, None, None]
    assert [instance["ready"] for instance in after["instances"]] == [True, False, False]
    assert "limit 0 %" in after["instances"][1]["reason"]
    assert after["fleet"] == "shop"


@pytest.mark.parametrize(("instance", "reason"), [("full", "disk: "), ("gone", "ssh: unreachable")])
def test_an_instance_that_is_not_ready_refuses_a_run(crowded: Desk, instance: str, reason: str) -> None:
    answer = crowded("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", instance, "--json")

    assert answer.status == 3
    assert f"velora: {instance}: {reason}" in answer.complaint
    (record,) = answer.records
    assert record["event"] == "start_refused"
    assert record["instance"] == instance
    assert reason in record["reason"]


def test_a_run_that_fails_can_be_read_and_retried(mixed: Place) -> None:
    """S3 is not there: the image phase fails for infrastructure."""
    failed = mixed("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", "here", "--json")

    assert failed.status == 3
    last = failed.records[-1]
    assert last["event"] == "attempt_finished"
    assert last["state"] == "failed"
    assert last["failure"]["class"] == "infrastructure"
    states = {phase["name"]: phase["state"] for phase in last["phases"]}
    assert (states["upload"], states["image"], states["trajectory"]) == ("succeeded", "failed", "pending")

    run = last["run"]
    assert mixed("status", "--json").json["runs"][0]["failure"]["signature"] == last["failure"]["signature"]
    assert last["failure"]["message"] in mixed("logs", run, "--phase", "image").out
    lines = mixed("logs", run, "--json").records
    assert {"upload", "image"} >= {line["phase"] for line in lines}
    assert all(line["run"] == run for line in lines)

    retried = mixed("retry", run, "--from", "image")
    assert retried.status == 3
    assert "kept from attempt 1" in retried.out
    assert "✗ failed in image · infrastructure" in retried.out
    assert mixed("status", "--json").json["runs"][0]["attempt"] == 2


def test_a_retry_from_the_start_may_go_to_another_instance(crowded: Desk) -> None:
    crowded("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", "here")

    unknown = crowded("retry", "shop-1", "--instance", "ful")
    half = crowded("retry", "shop-1", "--instance", "full", "--from", "image")
    crowded("retry", "shop-1", "--instance", "full", "--force")

    assert "did you mean full?" in unknown.complaint
    assert (half.status, "only there a retry can begin with it" in half.complaint) == (2, True)
    attempts = crowded("status", "--json").json["runs"][0]
    assert (attempts["attempt"], attempts["instance"]) == (2, "full")


def test_what_a_retry_cannot_mean_is_refused(crowded: Desk) -> None:
    run = crowded("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", "here", "--json").records[-1]

    unknown = crowded("retry", run["run"], "--from", "evalution")
    too_far = crowded("retry", run["run"], "--from", "evaluation")
    over = crowded("stop", run["run"])
    absent = crowded("logs", run["run"], "--attempt", "2")
    unwritten = crowded("logs", run["run"], "--phase", "evaluation")

    assert (unknown.status, too_far.status, over.status, absent.status) == (2, 3, 0, 2)
    assert "did you mean evaluation" in unknown.complaint
    assert "attempt 1 did not finish image" in too_far.complaint
    assert "is over already: failed" in over.err
    assert "has no attempt 2 — it has 1" in absent.complaint
    assert (unwritten.status, unwritten.out) == (0, "")
    assert "there is no log of evaluation: in attempt 1 this phase is pending" in unwritten.err


def test_of_several_tasks_each_is_a_run(crowded: Desk) -> None:
    crowded.write("more.jsonl", [{**TASK, "instance_id": "shop-2"}, {**TASK, "instance_id": "shop-3"}])

    answer = crowded(
        *("run", "--dataset", "task.jsonl", "--dataset", "more.jsonl", "--task", "shop-1", "--task", "shop-3"),
        *("--model", "llm.gpt", "--instance", "here", "--wait", "--json"),
    )

    assert answer.status == 3
    ended = [record["task"] for record in answer.records if record["event"] == "attempt_finished"]
    assert ended == ["shop-1", "shop-3"]


def test_attach_with_nothing_to_take_up(crowded: Desk) -> None:
    answer = crowded("attach")

    assert answer.status == 0
    assert "nothing to take up" in answer.err


def test_results_of_nothing(desk: Desk) -> None:
    answer = desk("results", "--state", desk.folder / "empty", "--json")

    assert answer.status == 0
    assert answer.json == {"results": []}


def test_a_damaged_result_is_told_and_hides_no_other(desk: Desk) -> None:
    folder = desk.folder / "results" / "broken"
    folder.mkdir(parents=True)
    (folder / "velora.json").write_text('{"format": 7}')

    answer = desk("results", desk.folder / "results", "--json")

    assert answer.status == 1
    assert "is not a result of Velora" in answer.complaint
    assert answer.json == {"results": []}


def test_results_in_a_folder_that_is_not_there(desk: Desk) -> None:
    answer = desk("results", "nowhere")

    assert answer.status == 2
    assert "nowhere is no folder" in answer.complaint


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_offers_the_commands(velora: Place, shell: str) -> None:
    answers = {
        "bash": {"COMP_WORDS": "velora sta", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "velora sta"},
        "fish": {"_TYPER_COMPLETE_ARGS": "velora sta", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }

    answer = velora(_VELORA_COMPLETE=f"complete_{shell}", **answers[shell])

    assert "status" in answer.out
