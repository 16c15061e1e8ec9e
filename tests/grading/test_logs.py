"""Parsers against real logs of the real frameworks, whose truth came from the frameworks' own objects and reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from velora_tui.domain.report import Status, Verdict
from velora_tui.domain.task import Task
from velora_tui.grading.grade import PASS_TO_PASS_SUCCESS, grade

LOGS = sorted((Path(__file__).parent / "logs").glob("*/*.log"))
IDS = [f"{path.parent.name}/{path.stem}" for path in LOGS]
DEAD = {
    "pytest/collerr-9.2.0": "Interrupted: 1 error during collection",
    "pytest/nofile-8.4.2": "file or directory not found",
    "cargo/broken": "error",
    "cargo/abort": "no test found",
}


def truth_of(path: Path) -> dict[str, str]:
    return dict(json.loads(path.with_suffix(".json").read_text())["tests"])


def graded(path: Path, log: bytes) -> Verdict:
    known = json.loads(path.with_suffix(".json").read_text())
    task = Task(
        instance_id="real",
        repo="owner/name",
        base_commit="abc",
        pass_to_pass=tuple(known["tests"]),
        test_output_parser=known["parser"],
    )
    return grade(task, log)


def statuses(verdict: Verdict) -> dict[str, Status]:
    return {name: result.status for name, result in verdict.tests.items()}


@pytest.mark.parametrize("path", LOGS, ids=IDS)
def test_every_status_is_the_frameworks_own(path: Path) -> None:
    known = json.loads(path.with_suffix(".json").read_text())
    expected = {name: "MISSING" if name in known["unnamed"] else status for name, status in known["tests"].items()}

    shown = statuses(graded(path, path.read_bytes()))

    assert {name: str(shown[name]) for name in expected} == expected


@pytest.mark.parametrize("path", LOGS, ids=IDS)
def test_colours_and_line_ends_change_nothing(path: Path) -> None:
    log = path.read_bytes()
    plain = statuses(graded(path, log))

    crlf = log.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    coloured = b"".join(b"\x1b[1;32m" + line + b"\x1b[0m\n" for line in log.split(b"\n"))

    assert statuses(graded(path, crlf)) == plain
    assert statuses(graded(path, coloured)) == plain


@pytest.mark.parametrize("path", LOGS, ids=IDS)
def test_evidence_points_at_the_line(path: Path) -> None:
    log = path.read_bytes()
    for result in graded(path, log).tests.values():
        if result.evidence is not None:
            assert log[: result.evidence.offset].count(b"\n") == result.evidence.line - 1


@pytest.mark.parametrize("path", LOGS, ids=IDS)
def test_a_log_cut_in_the_middle_is_never_resolved_by_what_is_missing(path: Path) -> None:
    log, truth = path.read_bytes(), truth_of(path)
    if not truth or set(truth.values()) <= {str(status) for status in PASS_TO_PASS_SUCCESS}:
        return
    verdict = graded(path, log[: len(log) // 5])

    assert verdict.pass_to_pass.failure or not verdict.gradeable
    assert verdict.resolved is False


@pytest.mark.parametrize(("name", "reason"), DEAD.items())
def test_a_run_that_died_before_its_tests_is_not_gradeable(name: str, reason: str) -> None:
    path = Path(__file__).parent / "logs" / f"{name}.log"

    verdict = graded(path, path.read_bytes())

    assert not verdict.gradeable
    assert reason in (verdict.reason or "")
