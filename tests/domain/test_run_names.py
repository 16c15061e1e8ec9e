"""Runs are found by their ids, or by a part of these that only one has."""

from __future__ import annotations

import pytest

from velora_tui.domain.events import now
from velora_tui.domain.run import Run
from velora_tui.domain.run_names import named_run
from velora_tui.errors import UnknownName

IDS = [f"01M82S1{number}AAAAAAAAAAAAAAAAAA" for number in range(9)] + ["01M82T00AAAAAAAAAAAAAAA7XYZ"]
RUNS = {
    name: Run(
        run=name,
        task=f"shop-{place}",
        repo="acme/shop",
        model="llm.gpt",
        run_number=1,
        recipe="harness",
        max_iterations=1,
        dataset="0",
        created_at=now(),
        created_by="me",
    )
    for place, name in enumerate(IDS)
}


@pytest.mark.parametrize("name", [IDS[9], "01M82T", "01m82t", "7XYZ", "A7xyz"])
def test_a_run_is_found_by_a_part_that_is_its_own(name: str) -> None:
    assert named_run(RUNS, name).run == IDS[9]


def test_several_runs_are_named_with_task_and_model_the_newest_first() -> None:
    with pytest.raises(UnknownName) as caught:
        named_run(RUNS, "01m82s1")

    message = caught.value.message
    assert message.startswith(f"9 runs begin with 01M82S1: {IDS[8]} (shop-8 llm.gpt run 1, never queued), ")
    assert message.count("llm.gpt") == 8
    assert message.endswith(", …")
    assert caught.value.hint == "give more of the id"


@pytest.mark.parametrize("name", ["01M", "XYZ", "02ABCDEF"])
def test_too_short_a_part_or_another_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName, match="unknown run"):
        named_run(RUNS, name)


def test_a_task_with_one_run_names_it() -> None:
    assert named_run(RUNS, "shop-3").run == IDS[3]


def test_of_a_task_with_several_runs_all_are_told_apart() -> None:
    second = RUNS[IDS[3]].model_copy(update={"run": "01ZZZZ", "model": "llm.kimi", "run_number": 2})

    with pytest.raises(UnknownName) as caught:
        named_run({**RUNS, "01ZZZZ": second}, "shop-3")

    assert caught.value.explain() == (
        "2 runs are of task shop-3: 01ZZZZ (shop-3 llm.kimi run 2, never queued), "
        f"{IDS[3]} (shop-3 llm.gpt run 1, never queued) — name one by its id, or the end of it"
    )


def test_only_what_is_near_is_suggested() -> None:
    with pytest.raises(UnknownName) as mistyped:
        named_run(RUNS, "shpo-3")
    with pytest.raises(UnknownName) as another:
        named_run(RUNS, "requests_5182")

    assert mistyped.value.hint == "did you mean shop-3, shop-9, shop-8?"
    assert another.value.hint == "one of: shop-9, shop-8, shop-7, shop-6, shop-5, shop-4, shop-3, shop-2, …"
