#!/usr/bin/env python3
"""A coding agent that works through a recording: it thinks, runs real commands and really edits files.

Called in the task's repository with VELORA_TASK (path of the task's JSON), VELORA_MODEL, VELORA_MAX_ITERATIONS and
VELORA_OUTPUT (folder for output.jsonl, metadata.json and llm_completions/). It needs nothing but Python's library, and
finds its recordings beside itself as recordings/INSTANCE_ID/MODEL.toml. Exit status 0: it came to an end (also where
the iterations ran out); 1: it died, and output.jsonl says why in `error`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

COMMAND_SECONDS = 120
OUTPUT_CHARACTERS = 30_000
SHOWN_LINES = 12
DETAIL_CHARACTERS = 100
PAUSE_SECONDS = (0.4, 1.5)
CHARACTERS_PER_TOKEN = 4
CONTEXT_WINDOW = 200_000
ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}
SYSTEM_PROMPT = """\
You are a software engineer who works in a terminal. Look before you change anything, keep the change as small as the
problem allows, run the tests, and say in the end what you did and why. You have the tools execute_bash,
str_replace_editor, think and finish."""

Entry = dict[str, Any]
TOOLS = {"run": "execute_bash", "think": "think", "finish": "finish"}


class IterationLimit(Exception):
    """The agent used up the iterations that it was given."""


class Meter:
    """What the model's calls cost, estimated from the text that went to and fro."""

    def __init__(self, model: str, dollars_per_million: tuple[float, float]) -> None:
        self.model = model
        self._prices = [dollars / 1e6 for dollars in dollars_per_million]
        self._prompt_tokens = self._completion_tokens = self._last_turn = 0
        self.cost = 0.0
        self.costs: list[Entry] = []
        self.latencies: list[Entry] = []
        self.usages: list[Entry] = []

    def call(self, prompt: str, completion: str, latency_seconds: float) -> tuple[str, float]:
        """Count one call; return its response id and its cost in dollars."""
        tokens = [1 + len(text) // CHARACTERS_PER_TOKEN for text in (prompt, completion)]
        cost = sum(count * price for count, price in zip(tokens, self._prices, strict=True))
        response_id = f"chatcmpl-{len(self.costs):04d}-{os.getpid()}"
        self.cost += cost
        self._prompt_tokens += tokens[0]
        self._completion_tokens += tokens[1]
        self._last_turn = sum(tokens)
        self.costs.append({"model": self.model, "cost": cost, "timestamp": time.time()})
        self.latencies.append({"model": self.model, "latency": latency_seconds, "response_id": response_id})
        self.usages.append(self._usage(self.model, tokens[0], tokens[1], response_id))
        return response_id, cost

    def _usage(self, model: str, prompt_tokens: int, completion_tokens: int, response_id: str) -> Entry:
        return {
            "model": model,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
            "context_window": CONTEXT_WINDOW,
            "per_turn_token": self._last_turn,
            "response_id": response_id,
        }

    def so_far(self, *, detailed: bool = False) -> Entry:
        """Return the `llm_metrics` of a history entry, or in detail the `metrics` of output.jsonl."""
        return {
            "accumulated_cost": self.cost,
            "max_budget_per_task": None,
            "accumulated_token_usage": self._usage("default", self._prompt_tokens, self._completion_tokens, ""),
            "costs": self.costs if detailed else [],
            "response_latencies": self.latencies if detailed else [],
            "token_usages": self.usages if detailed else [],
        }


class Tools:
    """The agent's hands: commands and files of the repository it stands in."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    def run(self, command: str) -> tuple[str, int]:
        """Run a shell command; return its output, both streams in order, and its exit status."""
        finished = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.repository,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return finished.stdout.decode("utf-8", "replace")[:OUTPUT_CHARACTERS].rstrip("\n"), finished.returncode

    def read(self, path: str) -> str:
        lines = (self.repository / path).read_text(encoding="utf-8").splitlines()
        numbered = "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, start=1))
        return f"Here's the result of running `cat -n` on {self.repository / path}:\n{numbered}"

    def replace(self, path: str, old: str, new: str) -> str:
        """Replace the only occurrence of `old`. Raises ValueError where there is none, or more than one."""
        file = self.repository / path
        text = file.read_text(encoding="utf-8")
        if (count := text.count(old)) != 1:
            raise ValueError(f"No replacement was performed: old_str occurs {count} times in {path}.")
        file.write_text(text.replace(old, new), encoding="utf-8")
        return f"The file {file} has been edited.\n{self.read(path)}"

    def create(self, path: str, text: str) -> str:
        file = self.repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return f"File created successfully at: {file}"

    def patch(self, base_commit: str) -> str:
        """Return everything that differs from `base_commit`, new files too, as a git diff."""
        subprocess.run(["git", "add", "-A"], cwd=self.repository, check=True, capture_output=True)
        words = ["git", "diff", "--no-color", "--cached", base_commit]
        return subprocess.run(words, cwd=self.repository, check=True, capture_output=True).stdout.decode()


class Session:
    """One trajectory: the history as OpenHands writes it, and what the operator sees on the way."""

    def __init__(self, task: Entry, recording: Entry, tools: Tools, settings: Settings) -> None:
        self.task = task
        self.tools = tools
        self.history: list[Entry] = []
        self.meter = Meter(recording["model"], tuple(recording["dollars_per_million"]))
        self._steps: list[Entry] = recording["steps"]
        self._settings = settings
        self._random = random.Random(f"{settings.seed}/{settings.model}/{task['instance_id']}")
        self._messages: list[Entry] = []

    def work(self) -> None:
        """Go through the recorded steps. Raises IterationLimit."""
        self._open()
        for number, step in enumerate(self._steps, start=1):
            if number > self._settings.max_iterations:
                limit = self._settings.max_iterations
                raise IterationLimit(f"Agent reached maximum iteration. Current iteration: {limit}, max: {limit}")
            self._take(number, step)

    def _open(self) -> None:
        instruction = instruction_of(self.task, self.tools.repository)
        self._record("agent", SYSTEM_PROMPT, action="system", args={"content": SYSTEM_PROMPT, "tools": []})
        self._record("user", instruction, action="message", args={"content": instruction, "wait_for_response": False})
        recall = {"recall_type": "workspace_context", "query": instruction, "thought": ""}
        cause = self._record("user", f"Retrieving content for: {instruction[:60]}", action="recall", args=recall)
        place = {"recall_type": "workspace_context", "working_dir": str(self.tools.repository)}
        self._record("environment", "Added workspace context", observation="recall", cause=cause, extras=place)
        self._messages = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": instruction},
        ]

    def _take(self, number: int, step: Entry) -> None:
        action = next(name for name in ("run", "read", "edit", "create", "think", "finish") if name in step)
        latency_seconds = self._pause()
        call = self._call_model(action, step, latency_seconds)
        detail = " ".join(str(step[action]).split())[:DETAIL_CHARACTERS]
        show("ACTION", f"step {number}/{self._settings.max_iterations}  {action} {detail}", step.get("thought", ""))
        content, note = self._act(action, step, call)
        self._messages.append({"role": "tool", "content": content})
        if action != "finish":
            show("OBSERVATION", shortened(content), note)

    def _pause(self) -> float:
        seconds = self._random.uniform(*PAUSE_SECONDS) / self._settings.speed
        time.sleep(seconds)
        return seconds

    def _call_model(self, action: str, step: Entry, latency_seconds: float) -> Entry:
        """Book the model's call that led to `step`, store its traffic, and return its `tool_call_metadata`."""
        function = {"name": TOOLS.get(action, "str_replace_editor"), "arguments": json.dumps(step)}
        prompt = json.dumps(self._messages)
        response_id, cost = self.meter.call(prompt, function["arguments"], latency_seconds)
        call = {"id": f"call_{response_id[9:]}", "type": "function", "function": function}
        message = {"role": "assistant", "content": step.get("thought"), "tool_calls": [call]}
        response = {"id": response_id, "model": self.meter.model, "choices": [{"index": 0, "message": message}]}
        traffic = {"messages": self._messages, "response": response, "args": [], "kwargs": {"model": self.meter.model}}
        name = f"{self._settings.model.replace('/', '__')}-{time.time():.6f}.json"
        folder = self._settings.output / "llm_completions" / self.task["instance_id"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({**traffic, "timestamp": time.time(), "cost": cost}), encoding="utf-8")
        self._messages = [*self._messages, message]
        return {"function_name": function["name"], "tool_call_id": call["id"], "model_response": response}

    def _act(self, action: str, step: Entry, call: Entry) -> tuple[str, str]:
        """Do what `step` says, and record action and observation; return what was observed, and a note on it."""
        known: Entry = {"tool_call_metadata": {**call, "total_calls_in_response": 1}}
        acting: Entry = {**known, "llm_metrics": self.meter.so_far()}
        if action == "finish":
            return self._finish(step, acting), ""
        if action == "think":
            return self._think(step, known, acting), ""
        if action == "run":
            return self._run(step, known, acting)
        return self._change(action, step, known, acting), ""

    def _finish(self, step: Entry, acting: Entry) -> str:
        args = {"final_thought": step["finish"], "outputs": {}, "thought": step.get("thought", "")}
        self._record("agent", "All done! What's next on the agenda?", action="finish", args=args, **acting)
        return str(step["finish"])

    def _think(self, step: Entry, known: Entry, acting: Entry) -> str:
        cause = self._record("agent", step["think"], action="think", args={"thought": step["think"]}, **acting)
        content = "Your thought has been logged."
        self._record("agent", content, observation="think", cause=cause, content=content, extras={}, **known)
        return content

    def _run(self, step: Entry, known: Entry, acting: Entry) -> tuple[str, str]:
        command = step["run"]
        args = {"command": command, "is_input": False, "thought": step.get("thought", ""), "hidden": False}
        cause = self._record("agent", f"Running command: {command}", action="run", args=args, **acting)
        content, status = self.tools.run(command)
        place = {"exit_code": status, "pid": -1, "working_dir": str(self.tools.repository)}
        extras = {"command": command, "metadata": place, "hidden": False}
        done = {"content": content, "extras": extras, "success": status == 0, **known}
        message = f"Command `{command}` executed with exit code {status}."
        self._record("agent", message, observation="run", cause=cause, **done)
        return content, f"[The command completed with exit code {status}.]"

    def _change(self, action: str, step: Entry, known: Entry, acting: Entry) -> str:
        """Read, edit or create a file; what goes wrong is an error observation, as the model would see it."""
        path = str(self.tools.repository / step[action])
        args: Entry = {"path": path, "thought": step.get("thought", ""), "impl_source": "oh_aci"}
        kind = "read" if action == "read" else "edit"
        if action == "edit":
            args |= {"command": "str_replace", "old_str": step["old"], "new_str": step["new"]}
        elif action == "create":
            args |= {"command": "create", "file_text": step["text"]}
        message = f"Reading file: {path}" if kind == "read" else ""
        cause = self._record("agent", message, action=kind, args=args, **acting)
        try:
            content = self._touch(action, step)
        except (OSError, ValueError) as error:
            content = f"ERROR:\n{error}"
            self._record("agent", content, observation="error", cause=cause, content=content, extras={}, **known)
            return content
        done = {"content": content, "extras": {"path": path, "impl_source": "oh_aci"}}
        self._record("agent", f"I {kind} the file {path}.", observation=kind, cause=cause, **known, **done)
        return content

    def _touch(self, action: str, step: Entry) -> str:
        if action == "read":
            return self.tools.read(step["read"])
        if action == "create":
            return self.tools.create(step["create"], step["text"])
        return self.tools.replace(step["edit"], step["old"], step["new"])

    def _record(self, source: str, message: str, **fields: Any) -> int:
        number = len(self.history)
        entry = {"id": number, "timestamp": datetime.now().isoformat(), "source": source, "message": message}
        self.history.append({**entry, **fields})
        return number


class Settings:
    """How this process was called."""

    def __init__(self, arguments: argparse.Namespace, environment: dict[str, str]) -> None:
        self.speed = float(arguments.speed)
        self.seed = int(arguments.seed)
        self.task_file = Path(environment["VELORA_TASK"])
        self.model = environment["VELORA_MODEL"]
        self.max_iterations = int(environment["VELORA_MAX_ITERATIONS"])
        self.output = Path(environment["VELORA_OUTPUT"])
        self.started = datetime.now()


def instruction_of(task: Entry, repository: Path) -> str:
    """Return what the agent is asked to do."""
    return (
        f"<uploaded_files>\n{repository}\n</uploaded_files>\nI've uploaded a repository in the directory above. "
        f"Consider the following issue description:\n\n<issue_description>\n{task.get('problem_statement', '')}\n"
        "</issue_description>\n\nChange the files that are not tests so that the issue is resolved."
    )


def show(title: str, *lines: str) -> None:
    """Print one block the way OpenHands does."""
    body = "\n".join(line for line in lines if line)
    print(f"{datetime.now():%H:%M:%S} - {title}\n{body}\n", flush=True)


def shortened(text: str) -> str:
    lines = text.splitlines()
    hidden = len(lines) - SHOWN_LINES
    return text if hidden <= 0 else "\n".join([*lines[:SHOWN_LINES], f"… {hidden} more lines"])


def log(message: str) -> None:
    """Print a line as OpenHands logs it."""
    print(f"\x1b[92m{datetime.now():%H:%M:%S} - openhands:INFO\x1b[0m: scripted_agent.py - {message}", flush=True)


def metadata_of(settings: Settings, model: str) -> Entry:
    """Return the content of metadata.json."""
    return {
        "agent_class": "ScriptedAgent",
        "llm_config": {"model": model, "api_key": "**********", "base_url": None, "log_completions": True},
        "agent_config": None,
        "max_iterations": settings.max_iterations,
        "eval_output_dir": str(settings.output),
        "start_time": settings.started.strftime("%Y-%m-%d %H:%M:%S"),
        "git_commit": "",
        "dataset": settings.task_file.name,
        "data_split": None,
        "details": {},
        "condenser_config": {"type": "noop"},
    }


def load_recording(instance_id: str, model: str) -> Entry:
    """Return the recording of `model` on a task. Raises FileNotFoundError."""
    path = Path(__file__).parent / "recordings" / instance_id / f"{model}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, document: Entry) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(json.dumps(document) + "\n", encoding="utf-8")
    unfinished.replace(path)


def attend(settings: Settings, result: Entry) -> None:
    """Work on the task and put what came of it into `result`, whatever happens on the way."""
    task = json.loads(settings.task_file.read_text(encoding="utf-8"))
    tools = Tools(Path.cwd())
    result |= {
        "instance_id": task["instance_id"],
        "instance": task,
        "instruction": instruction_of(task, tools.repository),
    }
    recording = load_recording(task["instance_id"], settings.model)
    result["metadata"] = metadata_of(settings, recording["model"])
    write_json(settings.output / "metadata.json", result["metadata"])
    log(f"Starting evaluation for instance {task['instance_id']} with {recording['model']}")
    session = Session(task, recording, tools, settings)
    try:
        session.work()
    finally:
        result |= {"history": session.history, "metrics": session.meter.so_far(detailed=True)}
        result["test_result"] = {"git_patch": tools.patch(task["base_commit"])}


def main() -> int:
    """Run the agent; return the exit status."""
    parser = argparse.ArgumentParser(description="A coding agent that works through a recording.")
    parser.add_argument("--speed", default="1", help="how many times faster than a human it works")
    parser.add_argument("--seed", default="1", help="makes its pauses repeatable")
    settings = Settings(parser.parse_args(), dict(os.environ))
    settings.output.mkdir(parents=True, exist_ok=True)
    fields = ("instance_id", "test_result", "instruction", "metadata", "history", "metrics", "error", "instance")
    result: Entry = dict.fromkeys(fields) | {"instance_id": "", "test_result": {}, "history": []}
    status = 0
    try:
        attend(settings, result)
    except IterationLimit as error:
        result["error"] = f"RuntimeError: {error}"
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        result["error"] = f"{type(error).__name__}: {error}"
        status = 1
    if result["error"]:
        log(f"Agent ended early: {result['error']}")
    write_json(settings.output / "output.jsonl", result)
    print(f"### OUTPUT FILE: {settings.output / 'output.jsonl'} ###", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
