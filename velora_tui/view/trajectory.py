"""The steps of an agent's trajectory, read from OpenHands' output.jsonl."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from velora_tui.garbage import collection_held
from velora_tui.giving_way import giving_way

Record = dict[str, Any]

LONGEST_TEXT_CHARACTERS = 400_000
LONGEST_TITLE_CHARACTERS = 400
_HEAVY_KEYS = ("model_response", "tools", "old_content", "new_content", "_diff_cache", "logprobs")
_SILENT = frozenset({"recall", "agent_state_changed", "change_agent_state", "null"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what the agent thought and did and what it saw; `number` is 0 for what is no step of the agent's.

    `tokens` is (prompt, completion) and `cost` US dollars of the model's call that led to it, None where unknown.
    """

    number: int
    kind: str
    title: str
    thought: str = ""
    action: str = ""
    observation: str = ""
    at: datetime | None = None
    seconds: float | None = None
    tokens: tuple[int, int] | None = None
    cost: float | None = None
    exit_code: int | None = None
    is_error: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that can be searched."""
        return self.title, self.thought, self.action, self.observation


@dataclass(frozen=True, slots=True)
class Trajectory:
    """All steps in order; `error` is what ended the agent, if anything did; `cost` and `tokens` are of the whole.

    `left_out` counts the agent's steps beyond those that are here. With `body_of`, thought, action and observation are
    not in the steps: it returns those of the step at a place.
    """

    steps: tuple[Step, ...] = ()
    error: str = ""
    cost: float | None = None
    tokens: tuple[int, int] | None = None
    seconds: float | None = None
    left_out: int = 0
    body_of: Callable[[int], Record] | None = None

    def whole(self, place: int) -> Step:
        """Return the step at `place` with what was thought, done and seen. May read a file of about a megabyte."""
        step = self.steps[place]
        return replace(step, **self.body_of(place)) if self.body_of else step

    @property
    def count(self) -> int:
        """How many steps the agent made."""
        return max((step.number for step in self.steps), default=0) + self.left_out

    def search(self, pattern: re.Pattern[str]) -> Iterator[int]:
        """Yield the places of the steps in which `pattern` occurs."""
        for place in giving_way(range(len(self.steps))):
            if any(pattern.search(text) for text in self.whole(place).texts):
                yield place


@collection_held()
def read_trajectory(data: bytes) -> Trajectory:
    """Return the trajectory in an output.jsonl, of several records the first. Raises ValueError: it holds none.

    Built for a thread: big files are decoded in small pieces of work, between which others may run.
    """
    try:
        record, _ = json.JSONDecoder(object_hook=_slim).raw_decode(data.decode("utf-8", "replace").lstrip())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError("it holds no JSON object")
    history = record.get("history")
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    steps = tuple(_Reader(entries).steps())
    metrics = _mapping(record.get("metrics"))
    times = [step.at for step in steps if step.at]
    return Trajectory(
        steps=steps,
        error=_text(record.get("error")),
        cost=_number(metrics.get("accumulated_cost")),
        tokens=_tokens(metrics),
        seconds=_seconds(times[0], times[-1]) if times else None,
    )


def _slim(record: Record) -> Record:
    """Drop what no screen shows; being Python, it also lets other threads run while a big file is decoded."""
    for key in _HEAVY_KEYS:
        record.pop(key, None)
    return record


@dataclass
class _Reader:
    """Pairs actions with their observations, and books costs and times as differences between steps."""

    entries: list[Record]
    _number: int = 0
    _cost: float = 0.0
    _tokens: tuple[int, int] = (0, 0)
    _end: datetime | None = None
    _by_cause: Mapping[Any, Record] = field(default_factory=dict)
    _folder: str = ""

    def steps(self) -> Iterator[Step]:
        self._by_cause = {
            cause: entry
            for entry in self.entries
            if "observation" in entry and isinstance(cause := entry.get("cause"), int | str)
        }
        self._folder = next((f"{folder}/" for entry in self.entries if (folder := _working_folder(entry))), "")
        causes = {entry["id"] for entry in self.entries if "action" in entry and isinstance(entry.get("id"), int | str)}
        for entry in self.entries:
            if _text(entry.get("action")) in _SILENT or _text(entry.get("observation")) in _SILENT:
                continue
            if "action" in entry:
                yield self._step(entry)
            elif not isinstance(cause := entry.get("cause"), int | str) or cause not in causes:
                yield self._stray(entry)

    def _step(self, entry: Record) -> Step:
        kind, args, at = _text(entry.get("action")), _mapping(entry.get("args")), _time(entry.get("timestamp"))
        is_agents = entry.get("source") == "agent" and kind != "system"
        self._number += is_agents
        step = Step(
            number=self._number if is_agents else 0,
            kind=_kind(kind, args),
            title=_title(kind, args, entry).removeprefix(self._folder),
            thought=_text(args.get("thought")) if kind != "think" else "",
            action=_action(kind, args, entry),
            at=at,
        )
        key = entry.get("id")
        observed = self._by_cause.get(key) if isinstance(key, int | str) else None
        step = _observed(step, observed) if observed else step
        return self._metered(step, entry, _time(observed.get("timestamp")) if observed else at)

    def _stray(self, entry: Record) -> Step:
        """Return what was seen without an action that led to it."""
        text = _text(entry.get("content")) or _text(entry.get("message"))
        kind = _text(entry.get("observation")) or _text(entry.get("source")) or "message"
        return Step(
            number=0,
            kind=kind,
            title=_in_a_line(text),
            observation=text,
            at=_time(entry.get("timestamp")),
            is_error=kind == "error",
        )

    def _metered(self, step: Step, entry: Record, end: datetime | None) -> Step:
        metrics = _mapping(entry.get("llm_metrics"))
        cost, tokens = _number(metrics.get("accumulated_cost")), _tokens(metrics)
        begin, self._end = self._end or step.at, end or self._end
        changes: dict[str, Any] = {}
        if begin and end and step.number:
            changes["seconds"] = max(0.0, _seconds(begin, end))
        if cost is not None and cost > self._cost:
            changes["cost"], self._cost = cost - self._cost, cost
        if tokens is not None and tokens > self._tokens:
            before, self._tokens = self._tokens, tokens
            changes["tokens"] = (max(0, tokens[0] - before[0]), max(0, tokens[1] - before[1]))
        return replace(step, **changes)


def _observed(step: Step, entry: Record) -> Step:
    kind, extras = entry.get("observation"), _mapping(entry.get("extras"))
    code = _mapping(extras.get("metadata")).get("exit_code")
    exit_code = code if isinstance(code, int) and not isinstance(code, bool) and code >= 0 else None
    text = _text(entry.get("content")) or _text(entry.get("message"))
    diff = _text(extras.get("diff"))
    return replace(
        step,
        observation=f"{text}\n\n{diff}" if diff and diff not in text else text,
        exit_code=exit_code,
        is_error=kind == "error" or bool(exit_code),
    )


def _kind(kind: str, args: Record) -> str:
    if kind == "call_tool_mcp":
        return _text(args.get("name")) or "tool"
    if kind == "edit" and args.get("command") in ("create", "insert"):
        return str(args["command"])
    return kind or "message"


def _title(kind: str, args: Record, entry: Record) -> str:
    candidates = (
        args.get("command") if kind in ("run", "run_ipython") else None,
        args.get("code"),
        args.get("path"),
        json.dumps(args["arguments"]) if kind == "call_tool_mcp" and "arguments" in args else None,
        args.get("final_thought"),
        args.get("thought") if kind == "think" else None,
        args.get("content"),
        entry.get("message"),
    )
    return next((line for text in candidates if (line := _in_a_line(_text(text)))), "")


def _action(kind: str, args: Record, entry: Record) -> str:
    """Return in full what was done."""
    if kind in ("run", "run_ipython"):
        return _text(args.get("command")) or _text(args.get("code"))
    if kind == "edit":
        old, new = _text(args.get("old_str")), _text(args.get("new_str")) or _text(args.get("file_text"))
        return "\n".join((*(f"-{line}" for line in old.splitlines()), *(f"+{line}" for line in new.splitlines())))
    if kind == "call_tool_mcp":
        return json.dumps(args.get("arguments"), indent=2)[:LONGEST_TEXT_CHARACTERS]
    if kind == "finish":
        return _text(args.get("final_thought"))
    if kind == "read":
        return _text(args.get("path"))
    return _text(args.get("content")) or _text(args.get("thought")) or _text(entry.get("message"))


def _working_folder(entry: Record) -> str:
    """Return the folder in which a command ran, where the entry says it."""
    return _text(_mapping(_mapping(entry.get("extras")).get("metadata")).get("working_dir")).rstrip("/")


def _in_a_line(text: str) -> str:
    return " ".join(text[:LONGEST_TITLE_CHARACTERS].split())


def _text(value: object) -> str:
    return value[:LONGEST_TEXT_CHARACTERS] if isinstance(value, str) else ""


def _mapping(value: object) -> Record:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _tokens(metrics: Record) -> tuple[int, int] | None:
    usage = _mapping(metrics.get("accumulated_token_usage"))
    prompt, completion = _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
    return None if prompt is None or completion is None else (int(prompt), int(completion))


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _seconds(begin: datetime, end: datetime) -> float:
    """Return the time between two stamps; stamps with and without a zone can't be compared and give 0."""
    return (end - begin).total_seconds() if (begin.tzinfo is None) == (end.tzinfo is None) else 0.0
