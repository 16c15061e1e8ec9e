"""The whole product through its command line: the embedded fleet, its runs, and coming and going while they work."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.conftest import Answer, Place
from velora_tui.demo.fleet import DemoFleet, demo_fleet

OUTCOMES = {"resolved", "unresolved", "no_patch", "eval_error"}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer]:
    """Every task with every model, run to the end."""
    place = Place(tmp_path_factory.mktemp("headless"))
    return place, place("demo", "--headless", "--json", "--seed", 1, "--speed", 40)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoFleet]:
    """A demo fleet with two instances that goes on while commands come and go."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        root = tmp_path_factory.mktemp("served")
        yield runner.run(stack.enter_async_context(demo_fleet(root, instances=2, speed=8)))
        runner.run(stack.aclose())


@pytest.fixture
def visitor(served: DemoFleet, tmp_path: Path) -> Place:
    """An operator whose fleet file is that of the demo."""
    (tmp_path / "velora.toml").symlink_to(served.fleet_file)
    return Place(tmp_path)


def attempts(answer: Answer) -> list[dict[str, Any]]:
    return [record for record in answer.records if record["event"] == "attempt_finished"]


class Following:
    """A command that follows a run, read event by event."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.records: list[dict[str, Any]] = []

    def until(self, event: str, phase: str | None = None) -> dict[str, Any]:
        """Read up to an event."""
        assert self._process.stdout
        for line in self._process.stdout:
            self.records.append(json.loads(line))
            if self.records[-1]["event"] == event and phase in (None, self.records[-1].get("phase")):
                return self.records[-1]
        raise AssertionError(f"the command ended before {event} {phase}: {self._process.stderr}")

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def stop_reading(self) -> None:
        assert self._process.stdout
        self._process.stdout.close()

    def ended(self) -> tuple[int, str]:
        """Wait for the end; return the exit status and what was said."""
        assert self._process.stdout
        assert self._process.stderr
        if not self._process.stdout.closed:
            self.records += [json.loads(line) for line in self._process.stdout]
        said = self._process.stderr.read()
        return self._process.wait(timeout=30), said


@pytest.fixture
def follow(visitor: Place) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> Following:
        started.append(visitor.start(*arguments))
        return Following(started[-1])

    yield start
    for process in started:
        process.kill()
        process.communicate()


# --- every run at once


def test_every_run_finishes_and_every_outcome_happens(everything: tuple[Place, Answer]) -> None:
    answer = everything[1]

    assert answer.status == 0
    last = {record["run"]: record for record in attempts(answer)}
    assert len(last) == 15
    assert {record["state"] for record in last.values()} == {"finished"}
    assert {record["outcome"] for record in last.values()} == OUTCOMES
    assert any(record["f2p"] and 0 < record["f2p"][0] < record["f2p"][1] for record in last.values())
    assert any(record["p2p"] and 0 < record["p2p"][0] < record["p2p"][1] for record in last.values())


def test_what_the_infrastructure_failed_is_retried_once(everything: tuple[Place, Answer]) -> None:
    answer = everything[1]

    failed = {record["run"]: record for record in attempts(answer) if record["state"] == "failed"}
    again = {record["run"]: record for record in attempts(answer) if record["attempt"] == 2}
    assert failed
    assert failed.keys() == again.keys()
    for run, record in failed.items():
        assert record["failure"]["class"] == "infrastructure"
        assert again[run]["state"] == "finished"
        assert f"retrying run {run} from image: {record['failure']['message']}" in answer.err


def test_the_instance_that_is_not_ready_refuses(everything: tuple[Place, Answer]) -> None:
    first = everything[1].records[0]

    assert (first["event"], first["instance"]) == ("start_refused", "eval4")
    assert "% used, limit" in first["reason"]


def test_every_event_of_a_run_is_told_in_order(everything: tuple[Place, Answer]) -> None:
    records = [record for record in everything[1].records if "seq" in record]

    numbers = [record["seq"] for record in records]
    assert numbers == sorted(set(numbers))
    assert {record["event"] for record in records} == {
        *("run_created", "attempt_queued", "attempt_started", "phase_started", "phase_finished"),
    }


def test_the_demo_leaves_nothing_behind(everything: tuple[Place, Answer]) -> None:
    place = everything[0].folder

    assert [path.name for path in place.iterdir() if path.name != "user"] == []
    assert list((place / "user").iterdir()) == []
    assert not [
        process.pid
        for process in psutil.process_iter()
        if str(place) in " ".join([*_words(process), *_environment(process)])
    ]


# --- one run, followed and left


def test_a_run_from_start_to_results(visitor: Place, served: DemoFleet) -> None:
    answer = visitor("run", "--dataset", served.datasets[0], "--model", "llm.claude", "--json")

    assert answer.status == 0
    last = answer.records[-1]
    assert (last["event"], last["state"], last["attempt"]) == ("attempt_finished", "finished", 1)
    assert [phase["state"] for phase in last["phases"]] == ["succeeded"] * 7

    (listed,) = visitor("results", last["results"], "--json").json["results"]
    assert (listed["run"], listed["outcome"]) == (last["run"], last["outcome"])
    assert len(listed["FAIL_TO_PASS"]["success"]) == last["f2p"][0]

    log = served.state / "logs" / last["run"] / "1" / "evaluation.log"
    assert visitor("logs", last["run"], "--phase", "evaluation").out == log.read_text()

    task, output = served.datasets[0], Path(last["results"]) / "eval_outputs" / last["task"] / "test_output.txt"
    graded = visitor("grade", "--task", task, "--log", output, "--json").json
    assert graded["FAIL_TO_PASS"] == listed["FAIL_TO_PASS"]
    assert graded["PASS_TO_PASS"] == listed["PASS_TO_PASS"]


def test_an_infrastructure_failure_that_a_retry_overcomes(visitor: Place, served: DemoFleet) -> None:
    overloaded = served.datasets[1]
    failed = visitor("run", "--dataset", overloaded, "--model", "llm.gpt", "--json")

    assert failed.status == 3
    assert failed.records[-1]["failure"]["class"] == "infrastructure"

    retried = visitor("retry", failed.records[-1]["run"], "--from", "image", "--json")

    assert retried.status == 0
    assert (retried.records[-1]["attempt"], retried.records[-1]["state"]) == (2, "finished")
    assert retried.records[-1]["phases"][0] == {"name": "upload", "state": "skipped", "seconds": 0.0}


def test_ctrl_c_lets_go_and_attach_comes_back(visitor: Place, served: DemoFleet, follow: Any) -> None:
    running = follow("run", "--dataset", served.datasets[0], "--model", "llm.gpt", "--json")
    run = running.until("phase_started", "trajectory")["run"]

    running.interrupt()
    status, said = running.ended()

    assert status == 5
    assert f"1 run goes on: {run} on eval" in said
    assert f"come back with `velora attach`, or `velora logs {run} --follow`" in said
    assert visitor("status", "--json").json["runs"][-1]["detached"] is True

    back = visitor("attach", "--json")

    assert back.status == 0
    assert back.records[0]["event"] == "attempt_attached"
    assert (back.records[-1]["event"], back.records[-1]["state"]) == ("attempt_finished", "finished")
    log = visitor("logs", run, "--phase", "trajectory").out
    assert log.count("### OUTPUT FILE") == 1


def test_stopping_from_another_shell(visitor: Place, served: DemoFleet, follow: Any) -> None:
    running = follow("run", "--dataset", served.datasets[2], "--model", "llm.gpt", "--json")
    run = running.until("phase_started", "trajectory")["run"]

    stopped = visitor("stop", run)
    status, _ = running.ended()

    assert stopped.status == 0
    assert status == 4
    assert running.records[-1]["state"] == "stopped"
    assert {phase["name"]: phase["state"] for phase in running.records[-1]["phases"]}["trajectory"] == "stopped"


def test_a_reader_that_goes_away_lets_go_of_the_run(visitor: Place, served: DemoFleet, follow: Any) -> None:
    running = follow("run", "--dataset", served.datasets[3], "--model", "llm.gpt", "--json")
    run = running.until("phase_started", "image")["run"]

    running.stop_reading()
    status, said = running.ended()

    assert status == 5
    assert run in said
    assert "Traceback" not in said
    assert visitor("stop", run).status == 0


def test_following_the_log_of_a_run(visitor: Place, served: DemoFleet, follow: Any) -> None:
    running = follow("run", "--dataset", served.datasets[4], "--model", "llm.kimi", "--json")
    run = running.until("phase_started", "trajectory")["run"]

    followed = visitor("logs", run, "--follow")

    assert followed.status == 0
    folder = served.state / "logs" / run / "1"
    phases = [record["name"] for record in _last_of(running)["phases"]]
    written = [(folder / f"{phase}.log").read_text() for phase in phases if (folder / f"{phase}.log").exists()]
    assert followed.out == "".join(written)
    assert "── trajectory ──" in followed.err


def _last_of(running: Following) -> dict[str, Any]:
    assert running.ended()[0] == 0
    return running.records[-1]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _environment(process: psutil.Process) -> list[str]:
    try:
        return list(process.environ().values())
    except psutil.Error:
        return []
