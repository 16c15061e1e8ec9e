"""The parts that read logs and files: byte by byte, and with what may stand in them."""

from __future__ import annotations

import itertools
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from velora_tui.domain.events import now
from velora_tui.domain.run import Run
from velora_tui.pipeline.harness.agent_progress import TrajectoryWatcher
from velora_tui.pipeline.harness.banners import BannerCutter, banner
from velora_tui.pipeline.harness.log_facts import log_facts
from velora_tui.pipeline.harness.place import OutputPlace
from velora_tui.pipeline.harness.record import NotOneRecord, parse_record
from velora_tui.pipeline.phase import PhaseContext

EVALUATION = banner("PHASE 2: DETAILED PATCH EVALUATION")
OTHER = banner("LOCATING TRAJECTORY OUTPUT")


def dressed(lines: bytes) -> bytes:
    """Return a banner as a terminal gets it."""
    return b"\r\n".join(b"\x1b[1;34m" + line + b"\x1b[0m" for line in lines.split(b"\n"))


@pytest.mark.parametrize(
    ("log", "ours"),
    [
        (b"agent\n" + OTHER + b"\n" + EVALUATION + b"\nmore", b"agent\n" + OTHER + b"\n"),
        (EVALUATION + OTHER + EVALUATION, EVALUATION + OTHER),
        (OTHER + b"=" * 50 + b"\n" + EVALUATION, OTHER + b"=" * 50 + b"\n"),
        (OTHER + b"\n50%\r" + EVALUATION, OTHER + b"\n50%\r"),
        (OTHER + b"unfinished" + EVALUATION, OTHER + b"unfinished"),
        (OTHER + banner("GENERATING OPENHANDS-FORMAT REPORT"), OTHER),
        (dressed(OTHER) + b"[1/1]" + dressed(EVALUATION), dressed(OTHER) + b"[1/1]\x1b[1;34m"),
    ],
)
def test_a_phase_ends_where_a_later_banner_begins(log: bytes, ours: bytes) -> None:
    for seed in range(20):
        cutter, got = BannerCutter("trajectory"), b""
        for piece in pieces(log, seed):
            data, over = cutter.feed(piece)
            got += data
            if over:
                break
        assert (got, over) == (ours, True)


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"the agent says\n" + EVALUATION + b"\n",
        b"agent\n" + banner("PHASE 1: TRAJECTORY GENERATION") + b"\n",
        OTHER + b"\n" + b"=" * 44,
        EVALUATION[:-1],
        EVALUATION.replace(b"PHASE 2", b"PHASE 3"),
        b"echo " + EVALUATION.replace(b"\n", b"\necho "),
        b"=" * 44 + b"\n\xff\n" + b"=" * 43,
    ],
)
def test_what_is_no_banner_passes_whole(log: bytes) -> None:
    for seed in range(20):
        cutter, got = BannerCutter("trajectory"), b""
        for piece in pieces(log, seed):
            data, over = cutter.feed(piece)
            assert not over
            got += data
        assert got + cutter.rest() == log


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("phase", ["image", "trajectory", "evaluation"])
def test_a_cut_that_is_taken_up_anywhere_is_the_same(phase: str, line_end: bytes, tmp_path: Path) -> None:
    """At each moment the process is killed, and another one goes on from what the first one had kept."""
    parts = {
        "image": banner("CONFIGURATION") + b"\n",
        "trajectory": banner("PHASE 1: TRAJECTORY GENERATION") + b"\nagent\n" + OTHER + b"\nFound output file at: a\n",
        "evaluation": EVALUATION + b"\nParsed 7 test results\n",
        "report": banner("GENERATING OPENHANDS-FORMAT REPORT") + b"\n",
    }
    logs = {name: part.replace(b"\n", line_end) for name, part in parts.items()}
    log = b"".join(logs.values())[b"".join(logs.values()).index(logs[phase]) :]
    file = tmp_path / "phase.log"
    for moment in range(len(log) + 1):
        kept, over = BannerCutter(phase).feed(log[:moment])
        file.write_bytes(kept)
        again = BannerCutter(phase, located=log_facts([file]).located)
        rest = b"" if over else again.feed(log[len(kept) :])[0]
        assert (kept + rest, moment) == (logs[phase], moment)


def pieces(data: bytes, seed: int) -> list[bytes]:
    """Return `data` cut at random places; the first seed cuts it into bytes."""
    if seed == 0:
        return [data[place : place + 1] for place in range(len(data))]
    chance = random.Random(seed)
    cuts = sorted({0, len(data), *(chance.randrange(len(data) + 1) for _ in range(4))})
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


def test_facts_are_the_scripts_and_not_the_agents(tmp_path: Path) -> None:
    first, second = tmp_path / "trajectory.log", tmp_path / "evaluation.log"
    agent = b"Found output directory: /evil\nOutput file: /evil/output.jsonl\nResults saved to: /evil\n"
    agent += banner("TRAJECTORY GENERATION COMPLETE (NO PATCH)") + b"\n"
    located = b"### OUTPUT FILE: a b/output.jsonl ###\n" + OTHER + b"\nFound output directory: a b\n"
    first.write_bytes(b"\xff" * 100_000 + b"\n" + agent + located + b"Git patch size: 120 bytes\n")
    second.write_bytes(EVALUATION + b"\nParsed 7 test results\n2026 - INFO - Results saved to: a b/x.jsonl\n")
    facts = log_facts([tmp_path / "missing.log", first, second])
    assert (facts.outputs, facts.graded, facts.saved) == (("a b/output.jsonl",), "a b/output.jsonl", "a b/x.jsonl")
    assert (facts.no_patch, facts.patch_bytes, facts.tests) == (False, 120, 7)
    assert facts.graded_at is not None
    line = first.read_bytes().split(b"\n")[facts.graded_at.line_number() - 1]
    assert line == b"Found output directory: a b"


def test_what_later_sections_name_is_not_what_was_found(tmp_path: Path) -> None:
    log = tmp_path / "trajectory.log"
    found = dressed(OTHER) + b"\r\nOutput file: a/output.jsonl\r\n"
    log.write_bytes(found + EVALUATION + b"\nOutput file: a/eval_pilot2_output.jsonl\n")
    facts = log_facts([log])
    assert (facts.graded, facts.banner) == ("a/output.jsonl", "PHASE 2: DETAILED PATCH EVALUATION")


def test_a_record_is_read_value_by_value() -> None:
    record = parse_record(
        b'{"history": [{"id": [1, {}]}, 2] , "instance_id":"x","test_result": {"git_patch": "diff"},'
        b' "metrics": {"accumulated_cost": 1}, "metadata": {"start_time": "t"}, "error": null}\n'
    )
    assert (record.history, record.instance_id, record.git_patch, record.cost) == (2, "x", "diff", 1.0)
    assert (record.start_time, record.error, record.resolved, record.details) == ("t", None, None, {})


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a"}', b'{"history":[1,]}', b"\xff{}", b'{"a":NaN', b"null"])
def test_a_broken_record_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_record(data)


@pytest.mark.parametrize("data", [b'{"a":1}\n{"a":2}\n', b'{"a":1}x'])
def test_two_records_are_told_apart_from_a_broken_one(data: bytes) -> None:
    with pytest.raises(NotOneRecord):
        parse_record(data)


CONTAINER = b"10:00:00 - ACTION\n**CmdRunAction (source=None, is_input=False)**\nCOMMAND:\ngit diff\n"
SEEN = b"10:00:01 - OBSERVATION\n[Agent Controller 1-2] **CmdOutputObservation**\nUSER_ACTION - nothing\n"
ACTIONS = [
    (b"[Agent Controller 1-2] **CmdRunAction (source=EventSource.AGENT)**\nCOMMAND:\nls 1", "CmdRun: ls 1"),
    (b"\x1b[92m**CmdRunAction (source=AGENT)**\nTHOUGHT: see\n\nmore\nCOMMAND:\nls 2\x1b[0m", "CmdRun: ls 2"),
    (b"[Agent Controller 1-2] **FileEditAction**\nPath: [/app/x.py]\nThought: \nCommand: view", "FileEdit: /app/x.py"),
    (b"[Agent Controller 1-2] FileReadAction(path='/app/y.py', start=0, thought='')", "FileRead: /app/y.py"),
    (b"[Agent Controller 1-2] **IPythonRunCellAction**\nCODE:\nprint(1)", "IPythonRunCell: print(1)"),
    (b"[Agent Controller 1-2] **MCPAction**\nTHOUGHT: well\nNAME: find\nARGUMENTS: {}", "MCP: find"),
    (b"[Agent Controller 1-2] AgentThinkAction(thought='hm', action='think')", "AgentThink: hm"),
    (b"[Agent Controller 1-2] AgentFinishAction(final_thought='', task_completed=None)", "AgentFinish"),
]


@pytest.mark.parametrize(("body", "words"), ACTIONS)
def test_an_action_is_told_however_its_lines_come(body: bytes, words: str) -> None:
    action = b"\x1b[92m10:00:00\x1b[0m - \x1b[92mACTION\x1b[0m\n" + body + b"\n"
    log = CONTAINER * 3 + (action + SEEN) * 3 + action
    for seed in range(20):
        told: list[tuple[int, str]] = []
        watcher = TrajectoryWatcher(context(told))
        for piece in pieces(log + CONTAINER, seed):
            watcher(piece)
        assert told[-1] == (4, words)


def context(told: list[tuple[int, str]]) -> PhaseContext:
    """Return as much of a context as a watcher needs."""
    run = Run(
        run="r",
        task="t",
        repo="o/n",
        model="m",
        run_number=1,
        recipe="harness",
        max_iterations=30,
        dataset="d",
        created_at=now(),
        created_by="me",
    )
    fields: Any = dict.fromkeys(PhaseContext.__dataclass_fields__)
    return PhaseContext(
        **{**fields, "run": run, "progress": lambda done, total, unit, words: told.append((done, words))}
    )


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (b"", True),
        (b"words\n", True),
        (b"50%|##\r", True),
        (b"\x1b[1;32m\xe2\x9c\x93\x1b[0m ", True),
        (b"   - ", True),
        (b"echo ", False),
        (b'+"', False),
        (b"x" * 40, False),
        (b"=" * 40 + b" ", False),
    ],
)
@pytest.mark.parametrize("far", [b"", b"line\n" * 60_000])
def test_a_fact_begins_its_line_but_for_marks_and_colours(
    tmp_path: Path, before: bytes, counts: bool, far: bytes
) -> None:
    log = tmp_path / "trajectory.log"
    log.write_bytes(far + OTHER + b"\n" + before + b"Output file: a/output.jsonl\n")
    assert log_facts([log]).graded == ("a/output.jsonl" if counts else None)


def test_the_first_output_line_is_kept_however_many_follow(tmp_path: Path) -> None:
    log = tmp_path / "trajectory.log"
    lines = [b"100%%|##|### OUTPUT FILE: out %d ###\n" % number for number in range(20)]
    log.write_bytes(b"".join(lines) + b"print('### OUTPUT FILE: {x} ###')\n")
    outputs = log_facts([log]).outputs
    assert (outputs[0], outputs[-1], len(outputs)) == ("out 0", "out 19", 8)


@pytest.mark.parametrize(
    ("start_time", "older"),
    [
        ("2026-01-23 18:52:00", False),
        ("2026-01-23 18:51:30", False),  # a clock may go back a little
        ("2026-01-23 18:40:00", True),
        ("2026-01-23T18:40:00.123456", True),
        ("2026-01-23T18:52:05Z", False),
        ("2026-01-23T17:40:00+00:00", True),
        ("2026-01-23 23:59:59", False),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
def test_start_times_are_compared_on_the_instances_clock(start_time: str | None, older: bool) -> None:
    started = datetime.fromisoformat("2026-01-23 18:52:00+01:00")
    place = OutputPlace("/out", "/out/output.jsonl", None, started=started)
    assert place.begun_before(start_time) is older


@pytest.mark.parametrize(
    ("graded", "saved", "elsewhere"),
    [
        (None, None, None),
        ("/out/output.jsonl", "/other/eval_pilot2_output.jsonl", None),
        ("/other/output.jsonl", None, "/other/output.jsonl"),
        (None, "/out/eval_pilot2_output.jsonl", None),
        (None, "/out2/eval_pilot2_output.jsonl", "/out2/eval_pilot2_output.jsonl"),
        (None, "/somewhere", None),
    ],
)
def test_what_was_graded_elsewhere(graded: str | None, saved: str | None, elsewhere: str | None) -> None:
    assert OutputPlace("/out", "/out/output.jsonl", graded, saved).graded_elsewhere == elsewhere
