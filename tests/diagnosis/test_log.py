"""How a cause is chosen in a log: who says a line, how near the end it stands, what came after."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnosis.excerpts import excerpts
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.grading.diagnose import diagnose, diagnose_error, first_sign
from velora_tui.grading.signatures import Source
from velora_tui.pipeline.failures import diagnose_log

DISK = "17:01:12 - openhands:ERROR: shared.py:397 - [Errno 28] No space left on device"
BUILDX = "17:01:12 - openhands:ERROR: docker.py:190 - docker buildx build --load returned non-zero exit status 1"
FILLER = "17:01:13 - openhands:INFO: x.py:1 - going on"
WORDS = st.sampled_from(
    [line for case in (*excerpts("match"), *excerpts("no_match")) for line in case.text.splitlines()]
)


def cause(lines: list[str], phase: str = "trajectory", first: int = 1) -> Failure:
    return diagnose(phase, enumerate(lines, start=first), "it ended with status 1")


def test_a_cause_stands_before_what_it_brings_about() -> None:
    assert cause([DISK, BUILDX]).signature == "disk-full"
    assert cause([BUILDX, DISK]).signature == "disk-full"


def test_of_two_far_apart_the_one_near_the_end_counts() -> None:
    assert cause([DISK, *[FILLER] * 300, BUILDX]).signature == "docker-buildx"


def test_the_last_line_of_a_cause_is_its_evidence() -> None:
    assert cause([DISK, FILLER, DISK]).line == 3


def test_what_only_says_that_something_failed_gives_way() -> None:
    gave_up = "ERROR:root:<class 'RuntimeError'>: Maximum error retries reached for instance x"
    assert cause([BUILDX, *[FILLER] * 1500, gave_up]).signature == "docker-buildx"
    assert cause([gave_up]).signature == "agent-gave-up"


def test_what_says_nothing_itself_shows_the_error_above_it() -> None:
    uncaught = "17:01:12 - openhands:ERROR: logger.py:360 - Uncaught exception"
    gave_up = "RuntimeError: Maximum error retries reached for instance x"
    failure = cause([uncaught, "evaluation.utils.shared.EvalException: Failed to cd", "", gave_up])
    assert (failure.signature, failure.line) == ("agent-gave-up", 2)
    assert failure.evidence == "evaluation.utils.shared.EvalException: Failed to cd"
    assert failure.failure_class is FailureClass.INFRASTRUCTURE
    assert cause([uncaught, gave_up]).line == 2


def test_a_warning_is_no_cause() -> None:
    warned = "17:01:12 - LiteLLM:WARNING: x.py:1 - fetch failed (ConnectError: [Errno -2] Name or service not known)"
    assert cause([warned]).signature == "trajectory-failed"
    assert cause([warned.replace("WARNING", "ERROR")]).signature == "network-dns"


def test_a_log_read_from_its_middle_on_begins_in_nobody_knows_whose_words() -> None:
    seen = ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock", "17:01:13 - ACTION", "ls"]
    assert cause(seen, first=900).signature == "trajectory-failed"
    assert cause(seen, first=1).signature == "docker-daemon-down"


def test_of_an_agent_whose_log_has_no_records_only_the_end_counts() -> None:
    words = ["MemoryError", *["step"] * 100]
    assert cause(words).signature == "trajectory-failed"
    assert cause(words[::-1]).signature == "out-of-memory"


def test_an_unknown_failure_shows_the_last_line_that_looks_like_an_error() -> None:
    failure = cause(["ValueError: nobody knows why", "Cleaning up child processes...", "done"])
    assert (failure.line, failure.evidence) == (1, "ValueError: nobody knows why")
    assert failure.failure_class is FailureClass.AGENT
    assert cause(["what"], "image").failure_class is FailureClass.INFRASTRUCTURE


def test_an_unknown_error_in_the_harness_is_not_the_models_doing() -> None:
    frames = [
        "Traceback (most recent call last):",
        '  File "/home/ubuntu/OpenHands/evaluation/utils/shared.py", line 9, in f',
    ]
    crash = ["17:01:10 - OBSERVATION", "ValueError: the agent's", *frames, "    x()", "ValueError: nobody knows why"]
    failure = cause(crash)
    assert (failure.signature, failure.line) == ("trajectory-failed", 6)
    assert failure.failure_class is FailureClass.INFRASTRUCTURE
    assert cause(crash[:2]).failure_class is FailureClass.AGENT


def test_an_empty_log_is_no_evidence() -> None:
    failure = cause([])
    assert (failure.line, failure.evidence, failure.message) == (None, None, "it ended with status 1")


def test_the_error_of_an_output_is_all_the_machines_own() -> None:
    text = "RuntimeError: There was an unexpected error while running the agent: BadRequestError: prompt is too long: 9"
    told = diagnose_error(f"{text}\nmore")
    assert told is not None
    assert (told.signature, told.line) == ("llm-context-length", 1)
    assert diagnose_error("something else") is None


def test_a_failure_written_before_failures_named_their_repair_is_read() -> None:
    old = '{"class":"infrastructure","signature":"disk-full","message":"m","remedy":"r","phase":"image","line":3}'
    assert Failure.model_validate_json(old).repair is None
    new = cause([DISK])
    assert new.repair == "free-disk"
    assert Failure.model_validate_json(new.model_dump_json(by_alias=True)) == new


@given(st.sampled_from(["upload", "image", "trajectory", "evaluation", "report", ""]), st.integers(1, 10**9), st.data())
def test_no_log_is_too_odd(phase: str, first: int, data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.text(max_size=80) | WORDS, max_size=30))
    failure = diagnose(phase, enumerate(lines, start=first), "x")
    assert failure.line is None or first <= failure.line < first + len(lines)
    assert failure.phase == phase
    first_sign(Source.TESTS, enumerate(lines))
    diagnose_error("\n".join(lines))


@pytest.mark.parametrize(
    "line",
    [
        "/a" * 2_000,
        "a.b." * 1_000,
        "Error: " * 700,
        "[Errno 1] " * 500,
        "12:00:00 - " * 400,
        "docker buildx build " * 200,
        "Instance " + "x" * 4_000,
        "\\" * 4_000,
        "line 1: " * 500,
    ],
    ids=lambda line: line[:12],
)
def test_no_line_takes_long(line: str) -> None:
    begun = time.process_time()
    diagnose("trajectory", enumerate([line, f" {line}", DISK + line] * 20, start=1), "")
    first_sign(Source.TESTS, enumerate([line] * 20, start=1))
    assert time.process_time() - begun < 1.5


def test_a_huge_log_is_read_from_its_end_in_little_memory(tmp_path: Path) -> None:
    log = tmp_path / "trajectory.log"
    block = ("17:22:07 - OBSERVATION\n" + "No space left on device, says the agent\n" * 60) * 400
    with log.open("w") as file:
        for _ in range(30):
            file.write(block)
        file.write(f"{FILLER}\n{BUILDX}\n")
    tracemalloc.start()
    try:
        failure = diagnose_log("trajectory", log, "")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert failure.signature == "docker-buildx"
    assert failure.line == 30 * 400 * 61 + 2
    assert peak < 16 * 1024 * 1024 < log.stat().st_size
