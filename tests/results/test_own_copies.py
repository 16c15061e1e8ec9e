"""The harness's trees of runs that Velora made itself are not counted beside its own results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.results.trees import Finished, february, january
from velora_tui.pipeline.imported.assess import assess
from velora_tui.store.results import save_result
from velora_tui.store.trees import run_at

RUN = "01M82S1QWERTY0123456789ABC"
OTHER = "01M82S1QWERTY0123456789ABD"


def own_result(desk: Desk) -> None:
    """Write a result of Velora's own: attempt 2 of run number 5."""
    folder = Finished().write(desk.folder / "results" / "shop-1" / "llm.gpt" / "run_5")
    found = run_at(folder)
    assert found
    (assessed,), _ = assess(found, {}, "")
    ours = {"run": RUN, "attempt": 2, "model": "llm.gpt", "run_number": 5, "harness_verdict": None}
    save_result(folder, assessed.result.model_copy(update=ours))


def renamed(disk: Path) -> Path:
    """A copy under another name, whose metadata still says where the harness wrote it."""
    return disk / "kept" / "run_1"


@pytest.mark.parametrize(
    "place",
    [
        lambda disk: january(disk, task=f"{RUN}.2"),
        lambda disk: february(disk, model=f"gpt-{RUN}.2"),
        renamed,
    ],
    ids=["january", "february", "renamed"],
)
def test_the_harnesss_tree_of_an_own_run_is_a_copy_of_it(desk: Desk, place: Callable[[Path], Path]) -> None:
    own_result(desk)
    folder = Finished().write(place(desk.folder / "disk"))
    said = json.loads((folder / "metadata.json").read_text())
    said["eval_output_dir"] = january(Path("/srv/harness"), task=f"{RUN}.2").as_posix()
    if place is renamed:
        for name in ("output.jsonl", "eval_pilot2_output.jsonl"):
            record = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps({**record, "metadata": said}))

    answer = desk("import", "disk", "--model-name", "gpt-5.2=llm.gpt")

    assert answer.out == "1 run imported · 0 folders unchanged · 1 is a copy of your own runs\n"
    (listed,) = desk("results", "--json").json["results"]
    assert (listed["run"], listed["run_number"]) == (RUN, 5)
    (model,) = desk("compare", "--json").json["models"]
    assert model["runs"] == 1
    assert desk("import", "disk", "--json").json["own_copies"] == 1


def test_the_tree_of_anothers_run_counts_once(desk: Desk) -> None:
    own_result(desk)
    Finished().write(january(desk.folder / "disk" / "a", task=f"{OTHER}.1"))
    Finished().write(january(desk.folder / "disk" / "b", task=f"{OTHER}.1"))

    answer = desk("import", "disk")

    assert answer.out == "2 runs imported · 0 folders unchanged · 1 copy of others\n"
    assert len(desk("results", "--json").json["results"]) == 2
