"""Models, results and filters by what operators call them; what fits nothing is said to fit nothing."""

from __future__ import annotations

import asyncio

from tests.cli.conftest import Desk
from tests.results.test_commands import DATASET
from tests.results.test_commands import shelf as shelf
from velora_tui.domain.events import AttemptFinished, AttemptQueued, AttemptStarted, AttemptState, RunCreated
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.store.journal import Journal

RUN = "01M82S1QWERTY0123456789ABC"


def failure() -> Failure:
    return Failure(
        failure_class=FailureClass.INFRASTRUCTURE, signature="s3-missing", message="no image", remedy="upload it"
    )


async def failed_run(desk: Desk, run: str = RUN, number: int = 1) -> None:
    """Journal a run of shop-1 whose only attempt failed for want of its image."""
    created = RunCreated(
        run=run,
        task="shop-1",
        repo="acme/shop",
        model="llm.gpt",
        run_number=number,
        recipe="harness",
        max_iterations=10,
        dataset="0",
        by="me",
    )
    async with Journal(desk.folder / "state" / "journal.db") as journal:
        await journal.append_all(
            [
                created,
                AttemptQueued(run=run, attempt=1, phases=("image",)),
                AttemptStarted(run=run, attempt=1, instance="here", by="me"),
                AttemptFinished(run=run, attempt=1, state=AttemptState.FAILED, failure=failure()),
            ]
        )


def test_a_model_is_known_by_its_label_too(shelf: Desk) -> None:
    answer = shelf("missing", "--dataset", "tasks.jsonl", "--model", "gpt", "--runs", "3", "--json")

    assert [(run["model"], run["run_number"]) for run in answer.json["missing"]] == [("llm.gpt", 3)]


def test_an_unknown_model_is_not_a_missing_one(shelf: Desk) -> None:
    answer = shelf("missing", "--dataset", "tasks.jsonl", "--model", "llm.gtp")

    assert (answer.status, answer.out) == (2, "")
    assert "unknown model 'llm.gtp' — did you mean llm.gpt" in answer.complaint


def test_why_a_run_is_missing_is_what_its_latest_attempt_failed_of(desk: Desk) -> None:
    desk.write("tasks.jsonl", DATASET)
    asyncio.run(failed_run(desk))

    answer = desk("missing", "--dataset", "tasks.jsonl", "--model", "gpt", "--runs", "2")

    assert "failed: s3-missing" in answer.out
    assert answer.out.splitlines()[-1] == "2 of 2 runs are missing"
    assert answer.out.count("no result") == 1
