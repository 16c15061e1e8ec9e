"""The parts that read logs and files: byte by byte, and with what may stand in them."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from velora_tui.pipeline.harness.banners import BannerCutter, banner
from velora_tui.pipeline.harness.log_facts import log_facts
from velora_tui.pipeline.harness.record import NotOneRecord, parse_record

EVALUATION = banner("PHASE 2: DETAILED PATCH EVALUATION")
OTHER = banner("LOCATING TRAJECTORY OUTPUT")


@pytest.mark.parametrize(
    ("log", "ours"),
    [
        (b"agent\n" + OTHER + b"\n" + EVALUATION + b"\nmore", b"agent\n" + OTHER + b"\n"),
        (EVALUATION + OTHER + EVALUATION, EVALUATION + OTHER),
        (OTHER + b"=" * 50 + b"\n" + EVALUATION, OTHER + b"=" * 50 + b"\n"),
        (OTHER + b"\n50%\r" + EVALUATION, OTHER + b"\n50%\r"),
        (OTHER + b"unfinished" + EVALUATION, OTHER + b"unfinished"),
        (OTHER + banner("GENERATING OPENHANDS-FORMAT REPORT"), OTHER),
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
