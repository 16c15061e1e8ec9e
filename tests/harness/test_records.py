"""Large records: a right result or a clear message, while the loop goes on and memory stays bounded."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from velora_tui.pipeline import child
from velora_tui.pipeline.child import TooLarge
from velora_tui.pipeline.harness.made import CopiedRecord, add_missing, made_folder
from velora_tui.pipeline.harness.record import NotOneRecord, packed, parse_record, unpacked
from velora_tui.pipeline.harness.records import read_in_child

RECORD = {
    "instance_id": "task-1",
    "test_result": {"git_patch": "diff --git a/ü b/ü\n+\ud800"},
    "history": [{"id": 1}, {"id": 2}],
    "metadata": {"start_time": "2026-01-23 18:52:00", "llm_config": {"model": "openai/gpt-5"}},
    "metrics": {"accumulated_cost": 0.5},
    "error": None,
    "pilot2_eval_details": {"instance_id": "task-1", "resolved": True, "test_output": "1 passed\nü"},
    "resolved": True,
}
DATA = json.dumps(RECORD).encode()
MIB = 1024 * 1024


@dataclass
class Lag:
    """The longest time that the loop stood still."""

    seconds: float = 0.0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Lag]:
    lag = Lag()

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            lag.seconds = max(lag.seconds, time.perf_counter() - before - 0.005)

    ticking = asyncio.create_task(tick())
    try:
        yield lag
    finally:
        ticking.cancel()
        await asyncio.wait({ticking})


def test_a_packed_record_is_the_same() -> None:
    record = parse_record(DATA)
    assert (record.git_patch, record.test_output) == ("diff --git a/ü b/ü\n+\ud800", "1 passed\nü")
    assert (record.model, record.details) == ("openai/gpt-5", {"instance_id": "task-1", "resolved": True})
    assert unpacked(b"".join(packed(record))) == record


@pytest.mark.parametrize("where", ["instruction", "history"])
async def test_200_megabytes_hold_up_nobody(tmp_path: Path, where: str) -> None:
    path = tmp_path / "output.jsonl"
    with path.open("wb") as file:
        file.write(DATA[:-1] + b', "instruction": "' if where == "instruction" else b'{"history": [{"content": "')
        for _ in range(200):
            file.write(b"line\\n  " * (MIB // 8))
        file.write(b'"}\n' if where == "instruction" else b'"}], ' + DATA[1:].replace(b'"history"', b'"other"') + b"\n")
    began = time.perf_counter()
    async with watched_loop() as lag:
        record = await read_in_child(path)
    seconds = time.perf_counter() - began
    expected = parse_record(DATA)
    assert (record.instance_id, record.git_patch, record.details) == (
        expected.instance_id,
        expected.git_patch,
        expected.details,
    )
    assert record.history == (2 if where == "instruction" else 1)
    assert lag.seconds < max(0.05, seconds / 4), f"of {seconds:.1f} s"


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (DATA + b"\n" + DATA, NotOneRecord, "more than one record"),
        (DATA[:-1], ValueError, "not JSON"),
        (b"[" * 100_000, ValueError, "no JSON object"),
        (b'{"a": ' + b"[" * 100_000, ValueError, "nested too deeply"),
        (b"{\xff}", ValueError, "utf-8"),
    ],
    ids=["two", "cut", "list", "deep", "bytes"],
)
async def test_a_bad_file_is_told_as_what_it_is(
    tmp_path: Path, data: bytes, error: type[ValueError], words: str
) -> None:
    path = tmp_path / "output.jsonl"
    path.write_bytes(data)
    with pytest.raises(error, match=words) as raised:
        await read_in_child(path)
    assert type(raised.value) is error


async def test_memory_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "output.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * (64 * MIB) + b'"}')
    monkeypatch.setattr(child, "MEMORY_LIMIT", 128 * MIB)
    with pytest.raises(TooLarge, match="GiB of memory"):
        await read_in_child(path)


async def test_a_cancelled_reading_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "output.jsonl"
    path.write_bytes(b'{"history": [' + b"{}," * (8 * MIB) + b"{}]}")
    reading = asyncio.create_task(read_in_child(path))
    async with asyncio.timeout(30):
        while not (running := children(path)):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait({reading})
    assert running
    assert not children(path)


def children(path: Path) -> list[Path]:
    """Return the processes that have `path` in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(path).encode() in process.read_bytes() and sys.executable.encode() in process.read_bytes():
                found.append(process)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("ending", [b"\n", b"", b"  \n\n"])
def test_a_grader_s_record_is_made_of_the_agent_s(tmp_path: Path, ending: bytes) -> None:
    work, tree = tmp_path / "work", tmp_path / "tree"
    tree.mkdir()
    (tree / "output.jsonl").write_bytes(json.dumps(RECORD, indent=2).encode() + ending)
    (made_folder(work) / "eval_outputs").mkdir(parents=True)
    (made_folder(work) / "eval_outputs" / "report.json").write_text("{}")
    CopiedRecord("output.jsonl", {"more": [1], "resolved": False}).save(work)
    assert add_missing(work, tree) == ["eval_outputs/report.json", "eval_pilot2_output.jsonl"]
    assert json.loads((tree / "eval_pilot2_output.jsonl").read_bytes()) == {**RECORD, "more": [1], "resolved": False}
    assert add_missing(work, tree) == []
