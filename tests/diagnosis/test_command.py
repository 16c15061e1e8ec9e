"""`velora diagnose` over a journal with failed and finished runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.diagnosis.test_findings import CODE, result
from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
    RunEvent,
)
from velora_tui.domain.failure import Failure
from velora_tui.domain.report import Outcome
from velora_tui.grading.diagnose import diagnose
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout
from velora_tui.store.results import save_result

BUILDX = "17:01:12 - openhands:ERROR: docker.py:190 - docker buildx build --load returned non-zero exit status 1"
RUNS = ("01AAAARUN", "01BBBBRUN", "01CCCCRUN")


def journal_of(folder: Path, *events: RunEvent) -> None:
    async def write() -> None:
        async with Journal(folder / "state" / "journal.db") as journal:
            await journal.append_all(events)

    asyncio.run(write())


def failed_run(folder: Path, run: str, lines: list[str], failure: Failure | None = None) -> None:
    """Write down a run that failed in its trajectory, with that phase's log."""
    log = Layout.under(folder / "state").log(run, 1, "trajectory")
    log.parent.mkdir(parents=True)
    log.write_text("\n".join(lines) + "\n")
    told = failure or diagnose("trajectory", enumerate(lines, start=1), "the script ended with status 1")
    ids = {"run": run, "attempt": 1}
    journal_of(
        folder,
        *started(run, ("trajectory",)),
        PhaseStarted(**ids, phase="trajectory"),
        PhaseFinished(**ids, phase="trajectory", state=PhaseState.FAILED, failure=told),
        AttemptFinished(**ids, state=AttemptState.FAILED, failure=told),
    )


def started(run: str, phases: tuple[str, ...]) -> tuple[RunEvent, ...]:
    created = RunCreated(
        run=run,
        task="task-1",
        repo="a/b",
        model="llm.gpt",
        run_number=1,
        recipe="native",
        max_iterations=5,
        dataset="d",
        by="x",
    )
    return (
        created,
        AttemptQueued(run=run, attempt=1, phases=phases),
        AttemptStarted(run=run, attempt=1, instance=f"eval{run[2]}", by="x"),
    )


def test_a_failed_run_shows_cause_line_and_repair(desk: Desk) -> None:
    failed_run(desk.folder, RUNS[0], [*[f"step {number}" for number in range(1, 21)], BUILDX, "the end"])

    answer = desk("diagnose", "01AAAA")

    assert answer.status == 1
    assert "✗ docker-buildx in trajectory: docker.py lacks the DOCKER_BUILDKIT=0 fix" in answer.out
    assert "infrastructure: the machine's doing" in answer.out
    assert "velora repair evalA push-files" in answer.out
    lines = answer.out.splitlines()
    (evidence,) = [line for line in lines if line.startswith("  ▌")]
    assert evidence.split() == ["▌", "21", *BUILDX.split()]
    shown = [line.split(maxsplit=1)[1] for line in lines if line.startswith("    ") and line.split()[0].isdigit()]
    assert shown == ["step 16", "step 17", "step 18", "step 19", "step 20", "the end"]


def test_as_json(desk: Desk) -> None:
    failed_run(desk.folder, RUNS[0], [BUILDX])

    document = desk("diagnose", RUNS[0], "--json").json

    assert document["failure"]["class"] == "infrastructure"
    assert (document["failure"]["signature"], document["failure"]["line"]) == ("docker-buildx", 1)
    assert (document["failure"]["repair"], document["command"]) == ("push-files", "velora repair evalA push-files")
    assert document["around"] == [{"line": 1, "text": BUILDX}]
    assert document["findings"] == []
    assert Path(document["log"]).is_file()


def test_failures_of_one_cause_are_one_row(desk: Desk) -> None:
    for run in RUNS[:2]:
        failed_run(desk.folder, run, [BUILDX])
    failed_run(desk.folder, RUNS[2], ["ValueError: nobody knows 42"])

    answer = desk("diagnose")
    document = desk("diagnose", "--json").json

    assert answer.status == 1
    assert "2 × docker-buildx: push the critical files and retry" in answer.out
    assert "velora repair evalA,evalB push-files" in answer.out
    assert "in common: ValueError: nobody knows <n>" in answer.out
    assert [(group["signature"], group["count"]) for group in document["groups"]] == [
        ("docker-buildx", 2),
        ("trajectory-failed", 1),
    ]
    assert [member["run"] for member in document["groups"][0]["members"]] == list(RUNS[:2])


def test_what_was_unknown_when_it_failed_is_looked_at_again(desk: Desk) -> None:
    unknown = diagnose("trajectory", [], "the script ended with status 1")
    failed_run(desk.folder, RUNS[0], ["what", BUILDX], unknown)

    assert desk("diagnose", RUNS[0], "--json").json["failure"]["signature"] == "docker-buildx"


def test_a_finished_run_with_something_suspicious(desk: Desk) -> None:
    outcome = Outcome.EVAL_ERROR
    finished_run(desk.folder, outcome)
    tree = desk.folder / "results" / "task-1" / "llm.gpt" / "run_1" / "attempt_1"
    save_result(tree, result(outcome, verdict=None))
    evaluated = tree / "eval_outputs" / "task-1"
    evaluated.mkdir(parents=True)
    (evaluated / "test_output.txt").write_text("start\nbash: line 1: cd: /app/repo: No such file or directory\n")
    (evaluated / "patch.diff").write_text(CODE)
    (tree / "output.jsonl").write_text('{\n "history": [],\n "error": "AgentStuckInLoopError: x"\n}\n')

    answer = desk("diagnose", RUNS[0])
    findings = desk("diagnose", RUNS[0], "--json").json["findings"]

    assert answer.status == 1
    assert "! tests-no-repository: the image has no repository at /app/repo" in answer.out
    assert "eval_outputs/task-1/test_output.txt:2" in answer.out
    assert [(finding["id"], finding["line"]) for finding in findings] == [
        ("tests-no-repository", 2),
        ("agent-stuck", 3),
    ]


def test_a_sound_run_has_nothing_wrong(desk: Desk) -> None:
    finished_run(desk.folder, Outcome.RESOLVED)
    save_result(desk.folder / "results" / "task-1" / "llm.gpt" / "run_1" / "attempt_1", result())

    answer = desk("diagnose", RUNS[0])

    assert (answer.status, answer.out) == (0, "")
    assert "nothing is wrong with it: finished, resolved" in answer.err
    assert desk("diagnose").status == 0


def finished_run(folder: Path, outcome: Outcome) -> None:
    ids = {"run": RUNS[0], "attempt": 1}
    journal_of(
        folder,
        *started(RUNS[0], ("validate",)),
        PhaseStarted(**ids, phase="validate"),
        PhaseFinished(**ids, phase="validate", state=PhaseState.SUCCEEDED),
        AttemptFinished(**ids, state=AttemptState.FINISHED, outcome=outcome),
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("01AAAARUM",), "unknown run '01AAAARUM' — did you mean 01AAAARUN"),
        (("01AAAARUN", "--attempt", "2"), "has no attempt 2 — it has 1"),
        (("--attempt", "1"), "--attempt needs a run"),
    ],
)
def test_what_there_is_not_is_said_in_a_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    failed_run(desk.folder, RUNS[0], [BUILDX])

    answer = desk("diagnose", *arguments)

    assert answer.status == 2
    assert words in answer.complaint


def test_without_runs(desk: Desk) -> None:
    answer = desk("diagnose")

    assert (answer.status, answer.out) == (0, "")
    assert "there are no runs yet" in answer.err
