"""What `velora run` says before it starts anything: tasks that would be worthless, and runs that have a result."""

from __future__ import annotations

import asyncio

import pytest

from tests.cli.conftest import TASK, Desk
from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
)
from velora_tui.domain.report import Outcome
from velora_tui.store.journal import Journal

RUN = "01M82S1QWERTY0123456789ABC"
START = ("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", "here")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"test_command": ""}, "task.jsonl: shop-1: test_command: there is none: no evaluation can run — mend it"),
        (
            {"FAIL_TO_PASS": [], "problem_statement": " "},
            "FAIL_TO_PASS: it is empty: no run can be resolved (and 1 more",
        ),
    ],
)
def test_a_task_with_errors_is_not_started(desk: Desk, broken: dict[str, object], words: str) -> None:
    desk.write("task.jsonl", {**TASK, **broken})
    (desk.folder / "home").mkdir()

    refused = desk(*START)
    forced = desk(*START, "--force", "--json")

    assert (refused.status, refused.out) == (2, "")
    assert words in refused.complaint
    assert "or start with --force" in refused.complaint
    assert [record["run"] for record in forced.records if record["event"] == "run_created"]
    assert len(desk("status", "--json").json["runs"]) == 1


def test_a_task_that_is_not_run_may_be_broken(desk: Desk) -> None:
    desk.write("task.jsonl", [TASK, {**TASK, "instance_id": "shop-2", "test_command": ""}])
    (desk.folder / "home").mkdir()

    assert desk(*START, "--task", "shop-1").status == 3  # its image is nowhere: it was started
    assert desk(*START, "--task", "shop-2").status == 2


async def resolved_run(desk: Desk) -> None:
    """Journal that shop-1 was resolved at its first attempt."""
    created = RunCreated(
        run=RUN,
        task="shop-1",
        repo="acme/shop",
        model="llm.gpt",
        run_number=1,
        recipe="harness",
        max_iterations=10,
        dataset="0",
        by="me",
    )
    async with Journal(desk.folder / "state" / "journal.db") as journal:
        await journal.append_all(
            [
                created,
                AttemptQueued(run=RUN, attempt=1, phases=("image",)),
                AttemptStarted(run=RUN, attempt=1, instance="here", by="me"),
                PhaseStarted(run=RUN, attempt=1, phase="image"),
                PhaseFinished(run=RUN, attempt=1, phase="image", state=PhaseState.SUCCEEDED),
                AttemptFinished(run=RUN, attempt=1, state=AttemptState.FINISHED, outcome=Outcome.RESOLVED),
            ]
        )


def test_another_attempt_of_what_is_resolved_is_told(desk: Desk) -> None:
    asyncio.run(resolved_run(desk))
    (desk.folder / "home").mkdir()

    answer = desk(*START)

    assert "shop-1: already resolved (attempt 1): this is attempt 2" in answer.err.splitlines()
    (run,) = desk("status", "--json").json["runs"]
    assert (run["run"], run["attempt"]) == (RUN, 2)
