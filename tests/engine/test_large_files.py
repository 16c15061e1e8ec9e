"""Large trajectories and outputs: the same as small ones, read in a child that leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.test_records import children
from tests.ui.proof import record
from velora_tui.errors import StoreError
from velora_tui.hosts.local import LocalHost
from velora_tui.pipeline import child, trajectory_file
from velora_tui.pipeline.child import Refused, TooLarge
from velora_tui.pipeline.failures import agent_failure
from velora_tui.pipeline.harness import records
from velora_tui.pipeline.output import read_output
from velora_tui.pipeline.phase import PhaseFailed
from velora_tui.pipeline.phases import report
from velora_tui.pipeline.trajectory_file import read_trajectory_file
from velora_tui.view.trajectory import read_trajectory


@pytest.fixture
def everything_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_file, "SMALL_BYTES", 0)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "output.jsonl"
    path.write_bytes(data)
    return path


@pytest.mark.usefixtures("everything_large")
async def test_a_large_trajectory_has_the_same_steps(tmp_path: Path) -> None:
    entries = record(40, "ü line\n\ud83d\ude00 " * 30)
    entries["error"] = "gave up"
    data = json.dumps(entries).encode()
    small, large = read_trajectory(data), await read_trajectory_file(written(tmp_path, data))
    assert [large.whole(place) for place in range(len(large.steps))] == list(small.steps)
    assert all(not step.observation for step in large.steps)
    assert (large.error, large.cost, large.tokens, large.seconds) == (
        small.error,
        small.cost,
        small.tokens,
        small.seconds,
    )
    pattern = re.compile("ü line|of 7")
    assert list(large.search(pattern)) == list(small.search(pattern)) != []


@pytest.mark.parametrize(
    ("data", "words"),
    [(b'{"history": [', "Expecting value"), (b"[1]", "no JSON object"), (b'{"a":' + b"[" * 200_000, "too deeply")],
    ids=["cut", "list", "deep"],
)
@pytest.mark.usefixtures("everything_large")
async def test_a_broken_trajectory_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        await read_trajectory_file(written(tmp_path, data))


@pytest.mark.usefixtures("everything_large")
async def test_a_trajectory_has_a_bound_in_size_and_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, b'{"a": "' + b"x" * 50_000_000 + b'"}')
    monkeypatch.setattr(child, "MEMORY_LIMIT", 100 * 1024**2)
    with pytest.raises(TooLarge, match="GiB of memory"):
        await read_trajectory_file(path)
    monkeypatch.setattr(child, "LARGEST_BYTES", 40_000_000)
    with pytest.raises(TooLarge, match="48 MiB, at most 38"):
        await read_trajectory_file(path)
    with pytest.raises(StoreError, match="No such file"):
        await read_trajectory_file(tmp_path / "none")


def test_steps_beyond_what_can_be_shown_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_file, "MOST_STEPS", 10)
    whole = read_trajectory(json.dumps(record(30)).encode())
    with TemporaryFile() as file:
        file.writelines(trajectory_file._packed(whole))
        shown = trajectory_file._opened(file)
    assert len(shown.steps) == 11
    assert shown.steps[-1].title.endswith("more steps are not shown: e opens the file")
    assert shown.count == whole.count == 30


@pytest.mark.usefixtures("everything_large")
async def test_a_reading_that_is_no_longer_wanted_ends_its_child(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"history": [' + b"{}," * 8_000_000 + b"{}]}")
    reading = asyncio.create_task(read_trajectory_file(path))
    async with asyncio.timeout(30):
        while not (running := children(path)):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait({reading})
    assert reading.cancelled()
    assert running
    assert not children(path)


@pytest.mark.parametrize(
    ("error", "signature"),
    [("litellm.RateLimitError: 429 Too Many Requests", "llm-rate-limit"), ("it was tired", "agent-error")],
)
def test_an_agents_error_is_told_by_its_signature(error: str, signature: str) -> None:
    failure = agent_failure(error)
    assert (failure.signature, failure.line, failure.phase) == (signature, None, "trajectory")


@dataclass
class Attempt:
    """What reading an agent's output and writing the grader's record needs of a phase's context."""

    host: LocalHost
    out: str
    work: Path
    phase: str = "report"
    task: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(instance_id="task-1"))
    log: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(say=said))


async def said(line: str) -> None:
    assert line


@pytest.fixture
def attempt(tmp_path: Path) -> Any:
    out = tmp_path / "out with blanks"
    out.mkdir()
    return Attempt(LocalHost("here", tmp_path), str(out), tmp_path / "work")


OUTPUT = {"instance_id": "task-1", "test_result": {"git_patch": "diff"}, "history": [{}, {}], "resolved": "of old"}


@pytest.mark.parametrize("small_bytes", [0, 1_000_000], ids=["in a child", "in memory"])
async def test_the_native_recipe_reads_and_grades_records(
    attempt: Any, small_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SMALL_BYTES", small_bytes)
    written(Path(attempt.out), json.dumps(OUTPUT, indent=1).encode() + b"\n\n")
    record = await read_output(attempt)
    assert (record.git_patch, record.history, record.error) == ("diff", 2, None)
    await report._write_graded(attempt, b', "more": {}, "resolved": true}\n')
    graded = Path(attempt.out, "eval_pilot2_output.jsonl")
    assert json.loads(graded.read_bytes()) == {**OUTPUT, "more": {}, "resolved": True}
    assert len(list(Path(attempt.out).iterdir())) == 2
    assert not attempt.work.exists() or not list(attempt.work.iterdir())


@pytest.mark.parametrize(
    ("output", "signature", "words"),
    [
        (b'{"instance_id": "task-2"}', "output-broken", "not of this task"),
        (b'{"instance_id": ', "output-broken", "cannot be used"),
        (b'{"instance_id": "task-1", "test_result": {"git_patch": "\\ud800"}}', "output-broken", "surrogates"),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', "output-too-large", "at most 1 are read"),
    ],
    ids=["of another task", "cut", "half a character", "too large"],
)
@pytest.mark.parametrize("small_bytes", [0, 1_000_000])
async def test_an_output_that_is_no_use_ends_the_attempt_with_its_reason(
    attempt: Any, output: bytes, signature: str, words: str, small_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SMALL_BYTES", small_bytes)
    monkeypatch.setattr(child, "LARGEST_BYTES", 1024**2)
    written(Path(attempt.out), output)
    with pytest.raises(PhaseFailed) as raised:
        await read_output(attempt)
    assert raised.value.failure.signature == signature
    assert words in raised.value.failure.message


async def test_an_output_that_is_not_there_is_the_agents_failure(attempt: Any) -> None:
    with pytest.raises(PhaseFailed) as raised:
        await read_output(attempt)
    assert (raised.value.failure.signature, raised.value.failure.failure_class) == ("output-missing", "agent")
