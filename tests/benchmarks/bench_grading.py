"""The parsers against swebench's, on the same logs, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks import grading_logs, swebench_peer
from tests.grading.test_logs import LOGS, graded, truth_of
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsers import find_parser

SWEBENCH = "swebench==5.0.2"
CASES = {
    "pytest -v": (grading_logs.pytest_verbose, "parse_log_pytest_v3", "python parse_log_pytest_v2"),
    "pytest -rA": (grading_logs.pytest_summary, "parse_log_pytest_v3", "python parse_log_pytest_v2"),
    "pytest output": (grading_logs.pytest_output, "parse_log_pytest_v3", "python parse_log_pytest_v2"),
    "django": (grading_logs.django, "parse_log_django", "python parse_log_django"),
    "cargo": (grading_logs.cargo, "parse_log_cargo_test", "rust parse_log_cargo"),
    "go -v": (grading_logs.go, "parse_log_gotest", "go parse_log_gotest"),
    "jest": (grading_logs.jest, "parse_log_jest", "javascript parse_log_jest"),
}

PEERS = {
    "pytest": "python parse_log_pytest_v2",
    "django": "python parse_log_django",
    "cargo": "rust parse_log_cargo",
    "go": "go parse_log_gotest",
    "jest": "javascript parse_log_jest",
    "jest_json": "javascript parse_log_jest_json",
    "vitest": "javascript parse_log_vitest",
    "tap": "javascript parse_log_tap",
    "phpunit": "php parse_log_phpunit",
    "minitest": "ruby parse_log_minitest",
    "surefire": "java parse_log_maven",
}
"""swebench's parsers for the frameworks of which there are real logs with their truth."""


@pytest.fixture(scope="module")
def swebench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with swebench alone: its parsers need nothing of what it depends on."""
    folder = tmp_path_factory.mktemp("swebench")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder), SWEBENCH], check=True)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_parser_against_swebenchs(name: str, swebench: Path, tmp_path: Path) -> None:
    make, parser, peer = CASES[name]
    log = tmp_path / "log"
    log.write_text(make())
    theirs = _run(swebench_peer.__file__, "time", str(log), *peer.split(), path=swebench)
    ours = _run(__file__, str(log), parser, path=Path.cwd())
    megabytes = log.stat().st_size / 1e6
    (seconds, found), (their_seconds, their_found) = ours, theirs
    print(
        f"\n{name}: velora {megabytes / seconds:.1f} MB/s, {found} tests; "
        f"swebench {megabytes / their_seconds:.1f} MB/s, {their_found} tests"
    )
    assert seconds <= their_seconds


@pytest.mark.parametrize("framework", PEERS)
def test_where_we_do_not_agree_with_swebench_the_truth_is_ours(framework: str, swebench: Path) -> None:
    logs = sorted(path for path in LOGS if path.parent.name == framework)
    words = "".join(f"{path} {PEERS[framework]}\n" for path in logs)
    program = [sys.executable, swebench_peer.__file__, "read"]
    process = subprocess.run(
        program, input=words, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(swebench)}
    )
    agreed, differ = 0, []
    for path, line in zip(logs, process.stdout.splitlines(), strict=True):
        theirs, truth = json.loads(line), truth_of(path)
        ours = graded(path, path.read_bytes()).tests
        for test, status in truth.items():
            if theirs.get(test) == ours[test].status:
                agreed += 1
            else:
                differ.append((path.stem, test, theirs.get(test, "MISSING"), str(ours[test].status), status))
    print(f"\n{framework}: {agreed} tests in {len(logs)} logs alike, {len(differ)} not; the first that are not:")
    for log, test, their, our, status in differ[:5]:
        print(f"  {log}: {test[:70]}: swebench {their}, velora {our}, the framework {status}")
    assert [case for case in differ if case[3] != case[4] and case[2] == case[4]] == []


def _run(program: str, *words: str, path: Path) -> tuple[float, int]:
    process = subprocess.run(
        [sys.executable, program, *words], check=True, capture_output=True, text=True, env={"PYTHONPATH": str(path)}
    )
    seconds, found = process.stdout.split()
    return float(seconds), int(found)


def _best(work: Callable[[], int]) -> tuple[float, int]:
    best, found = float("inf"), 0
    for _ in range(5):
        started = time.process_time()
        found = work()
        best = min(best, time.process_time() - started)
    return best, found


if __name__ == "__main__":
    data, chosen = Path(sys.argv[1]).read_bytes(), find_parser(sys.argv[2])
    print(*_best(lambda: len(chosen.read(LogLines(data), frozenset()).results)))
