"""The scripted agent really edits, and what comes of each recording is decided by the real tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.demo.conftest import TASKS
from tests.demo.evaluation import Checkout
from velora_tui.demo.fleet import AGENT_FOLDER
from velora_tui.demo.fleet_file import MODELS
from velora_tui.demo.image import Image

TASK = {task.folder.name: task for task in TASKS}

OUTCOMES = {
    ("spanset", "llm.gpt"): "resolved",
    ("spanset", "llm.claude"): "resolved",
    ("spanset", "llm.kimi"): "F2P partly fixed",
    ("tomlette", "llm.gpt"): "P2P broken",
    ("tomlette", "llm.claude"): "resolved",
    ("tomlette", "llm.kimi"): "no patch",
    ("coolbox", "llm.gpt"): "F2P partly fixed",
    ("coolbox", "llm.claude"): "resolved",
    ("coolbox", "llm.kimi"): "resolved",
    ("gridfmt", "llm.gpt"): "resolved",
    ("gridfmt", "llm.claude"): "F2P partly fixed",
    ("gridfmt", "llm.kimi"): "no test ran",
    ("pennywise", "llm.gpt"): "resolved",
    ("pennywise", "llm.claude"): "P2P broken",
    ("pennywise", "llm.kimi"): "resolved",
}


class Agent:
    """A home folder with the agent in it, and a checkout to work in."""

    def __init__(self, checkout: Checkout, folder: Path) -> None:
        self.checkout = checkout
        self.folder = folder
        self.output = folder / "output"
        self.script = folder / "agent" / "scripted_agent.py"
        shutil.copytree(AGENT_FOLDER, self.script.parent)
        (folder / "task.json").write_text(
            json.dumps(checkout.task.record(checkout.image.base_commit)), encoding="utf-8"
        )

    def run(self, model: str, max_iterations: int = 40) -> subprocess.CompletedProcess[str]:
        settings = {
            "VELORA_TASK": str(self.folder / "task.json"),
            "VELORA_MODEL": model,
            "VELORA_MAX_ITERATIONS": str(max_iterations),
            "VELORA_OUTPUT": str(self.output),
        }
        return subprocess.run(
            [sys.executable, "-I", "-S", str(self.script), "--speed", "1000", "--seed", "1"],
            cwd=self.checkout.repository,
            env={**self.checkout.environment(), **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def result(self) -> dict[str, Any]:
        (line,) = (self.output / "output.jsonl").read_text(encoding="utf-8").splitlines()
        return json.loads(line)


@pytest.fixture
def agent(images: dict[str, Image], tmp_path: Path) -> Agent:
    task = TASK["spanset"]
    return Agent(Checkout.unpack(task, images[task.instance_id], tmp_path / "work"), tmp_path)


def outcome_of(checkout: Checkout, patch: str) -> str:
    """Say what the task's tests show about `patch` on a fresh checkout."""
    if not patch:
        return "no patch"
    checkout.apply(patch)
    checkout.apply_test_patches()
    passed = checkout.run_tests()
    names = checkout.task.test_names
    if not passed:
        return "no test ran"
    if not set(names["PASS_TO_PASS"]) <= passed:
        return "P2P broken"
    fixed = set(names["FAIL_TO_PASS"]) & passed
    if len(fixed) == len(names["FAIL_TO_PASS"]):
        return "resolved"
    return "F2P partly fixed" if fixed else "F2P not fixed"


@pytest.mark.parametrize(("name", "model"), OUTCOMES, ids=lambda value: value)
def test_every_recording_leads_to_its_outcome(name: str, model: str, images: dict[str, Image], tmp_path: Path) -> None:
    task, image = TASK[name], images[TASK[name].instance_id]
    agent = Agent(Checkout.unpack(task, image, tmp_path / "work"), tmp_path)

    finished = agent.run(model)

    result = agent.result()
    assert (finished.returncode, result["error"]) == (0, None), finished.stderr
    assert 20 <= len(result["history"]) <= 40
    assert not [entry for entry in result["history"] if entry.get("observation") == "error"]
    patch = result["test_result"]["git_patch"]
    assert outcome_of(Checkout.unpack(task, image, tmp_path / "fresh"), patch) == OUTCOMES[name, model]


def test_every_model_has_a_recording_for_every_task() -> None:
    recorded = {(path.parent.name, path.stem) for path in AGENT_FOLDER.glob("recordings/*/*.toml")}

    assert recorded == {(task.instance_id, model) for task in TASKS for model in MODELS}
    assert set(OUTCOMES) == {(task.folder.name, model) for task in TASKS for model in MODELS}


def test_the_history_is_written_as_openhands_writes_it(agent: Agent) -> None:
    agent.run("llm.gpt")

    result = agent.result()
    history = result["history"]
    assert [entry.get("action") for entry in history[:3]] == ["system", "message", "recall"]
    assert history[-1]["action"] == "finish"
    assert [entry["id"] for entry in history] == list(range(len(history)))
    assert all(datetime.fromisoformat(entry["timestamp"]) for entry in history)
    runs = [entry for entry in history if entry.get("observation") == "run"]
    assert all(history[entry["cause"]]["args"]["command"] == entry["extras"]["command"] for entry in runs)
    assert runs[0]["extras"]["metadata"]["exit_code"] == 0
    costs = [entry["llm_metrics"]["accumulated_cost"] for entry in history if "llm_metrics" in entry]
    assert costs == sorted(costs)
    assert costs[-1] == pytest.approx(result["metrics"]["accumulated_cost"])
    assert sum(call["cost"] for call in result["metrics"]["costs"]) == pytest.approx(costs[-1])


def test_the_output_folder_is_complete(agent: Agent) -> None:
    agent.run("llm.gpt")

    metadata = json.loads((agent.output / "metadata.json").read_text(encoding="utf-8"))
    result = agent.result()
    calls = list((agent.output / "llm_completions" / result["instance_id"]).glob("*.json"))
    assert metadata == result["metadata"]
    assert metadata["max_iterations"] == 40
    assert len(calls) == len(result["metrics"]["costs"])
    assert {"messages", "response", "args", "kwargs", "timestamp", "cost"} == set(json.loads(calls[0].read_bytes()))
    assert result["instance"]["instance_id"] == result["instance_id"] == agent.checkout.task.instance_id


def test_steps_can_be_followed_line_by_line(agent: Agent) -> None:
    printed = agent.run("llm.gpt").stdout

    steps = re.findall(r"^step (\d+)/40  (run|read|edit|create|think|finish) \S.*$", printed, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert f"### OUTPUT FILE: {agent.output}/output.jsonl ###" in printed
    assert re.search(r"^\d\d:\d\d:\d\d - ACTION$", printed, re.MULTILINE)


def test_new_files_are_part_of_the_patch(images: dict[str, Image], tmp_path: Path) -> None:
    task = TASK["tomlette"]
    agent = Agent(Checkout.unpack(task, images[task.instance_id], tmp_path / "work"), tmp_path)

    agent.run("llm.claude")

    assert "+++ b/tomlette/scanning.py" in agent.result()["test_result"]["git_patch"]


def test_running_out_of_iterations_keeps_the_patch_so_far(agent: Agent) -> None:
    finished = agent.run("llm.gpt", max_iterations=6)

    result = agent.result()
    assert finished.returncode == 0
    assert "maximum iteration" in result["error"]
    assert "previous_start" in result["test_result"]["git_patch"]


def test_an_agent_that_dies_says_why(agent: Agent) -> None:
    finished = agent.run("llm.unheard-of")

    assert finished.returncode == 1
    assert agent.result()["error"].startswith("FileNotFoundError")
    assert "Traceback" not in finished.stderr


def test_an_edit_that_fits_nowhere_is_an_observation(agent: Agent) -> None:
    recording = agent.script.parent / "recordings" / agent.checkout.task.instance_id / "llm.lost.toml"
    recording.write_text(
        'model = "lost"\ndollars_per_million = [1.0, 1.0]\n'
        '[[steps]]\nedit = "README.md"\nold = "not in there"\nnew = "x"\n[[steps]]\nfinish = "done"\n',
        encoding="utf-8",
    )

    finished = agent.run("llm.lost")

    errors = [entry["content"] for entry in agent.result()["history"] if entry.get("observation") == "error"]
    assert finished.returncode == 0
    assert len(errors) == 1
    assert "old_str occurs 0 times" in errors[0]


def test_the_agent_needs_nothing_but_the_standard_library(agent: Agent) -> None:
    source = agent.script.read_text(encoding="utf-8")

    modules = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert modules <= set(sys.stdlib_module_names)
    assert os.access(AGENT_FOLDER / "scripted_agent.py", os.R_OK)
