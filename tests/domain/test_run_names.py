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
    assert message.startswith(f"9 runs begin with 01M82S1: {IDS[8]} (shop-8 llm.gpt), ")
    assert message.count("llm.gpt") == 8
    assert message.endswith(", …")
    assert caught.value.hint == "give more of the id"


@pytest.mark.parametrize("name", ["01M", "XYZ", "02ABCDEF"])
def test_too_short_a_part_or_another_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName, match="unknown run"):
        named_run(RUNS, name)
