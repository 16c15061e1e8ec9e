"""Models, results and filters by what operators call them; what fits nothing is said to fit nothing."""

from __future__ import annotations

import asyncio

import pytest

from tests.cli.conftest import Desk
from tests.results.test_commands import DATASET
from tests.results.test_commands import shelf as shelf
from tests.results.trees import Finished
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("results", "--filter", "outcome:reslved"), "unknown outcome 'reslved' — did you mean resolved"),
        (("results", "--filter", "nope:foo"), "unknown filter key 'nope' — one of: task, repo, model, run"),
        (("results", "--filter", "modle:gpt"), "unknown filter key 'modle' — did you mean model"),
        (("export", "--filter", "!state:reslved"), "unknown outcome 'reslved'"),
        (("compare", "modle:gpt", "model:gpt"), "unknown filter key 'modle'"),
        (("regrade", "nope"), "nope is no folder, and unknown result 'nope' — name a folder that holds results"),
        (("results", "nope"), "nope is no folder, and unknown result 'nope' — name a folder that holds results"),
    ],
)
def test_what_no_result_can_fit_is_refused(shelf: Desk, arguments: tuple[str, ...], words: str) -> None:
    answer = shelf(*arguments)

    assert (answer.status, answer.out) == (2, "")
    assert words in answer.complaint


NO_TASK = "there is no task x: `velora results --keys` shows the tasks' whole names"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("results", "--model", "nosuch"), "none of 2 results matches --model nosuch"),
        (
            ("results", "--filter", "model:zzz", "--task", "x"),
            f"none of 2 results matches model:zzz --task x — {NO_TASK}",
        ),
        (("compare", "--filter", "model:zzz"), "none of 2 results matches model:zzz"),
        (
            ("compare", "--task", "shop-2"),
            "none of 2 results matches --task shop-2 — there is no task shop-2: did you mean shop-1?",
        ),
        (("export", "--model", "nosuch", "--format", "jsonl"), "none of 2 results matches --model nosuch"),
        (("regrade", "--filter", "model:zzz", "--json"), "none of 2 results matches model:zzz"),
    ],
)
def test_a_selection_that_fits_nothing_does_not_say_there_is_nothing(
    shelf: Desk, arguments: tuple[str, ...], words: str
) -> None:
    answer = shelf(*arguments)

    assert answer.status == 0
    assert answer.err == f"{words}\n"


@pytest.mark.parametrize("where", ["outcome:eval_error", 'outcome:"no verdict"', 'state:"no verdict"', "verdict"])
def test_an_outcome_is_found_by_the_name_that_is_shown_and_by_jsons(desk: Desk, where: str) -> None:
    Finished(output="no test at all").write(desk.folder / "disk" / "run_1")
    desk("import", "disk")

    assert [each["outcome"] for each in desk("results", "--filter", where, "--json").json["results"]] == ["eval_error"]


def test_the_beginning_of_several_keys_names_them(shelf: Desk) -> None:
    keys = [each["run"] for each in shelf("results", "--json").json["results"]]

    answer = shelf("results", "i")

    assert answer.status == 2
    assert "2 results begin with i: " in answer.complaint
    assert all(f"{key} (shop-1 llm.gpt)" in answer.complaint for key in keys)
