"""The form that starts a run: what it proposes and remembers, and what it says of what can't be."""

from __future__ import annotations

import json

from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.test_actions import asked
from velora_tui.domain.requests import RunRequest
from velora_tui.errors import UnknownName


def dataset(tmp_path, *ids: str):
    path = tmp_path / "tasks.jsonl"
    path.write_text(
        "".join(
            json.dumps({"instance_id": one, "repo": "psf/requests", "base_commit": "abc1234"}) + "\n" for one in ids
        )
    )
    return path


async def test_the_form_starts_a_run_and_remembers(engine, tmp_path):
    path = dataset(tmp_path, "requests-1")
    async with dashboard(engine, datasets=[path]) as seen:
        await seen.press(*"jjjjjjjjj", "s")
        await seen.sees("requests-1  psf/requests")
        await seen.press("ctrl+s")
        await seen.hears("psf/requests 1 · llm.gpt · run 1")
        assert asked(engine, "start") == [
            (RunRequest(dataset=str(path), task="requests-1", model="llm.gpt", instance="lancer3"),)
        ]
        assert json.loads(engine.layout.form.read_text())["task"] == "requests-1"


async def test_the_form_that_remembers_a_file_of_one_task_lets_one_name_the_next(engine, tmp_path):
    (tmp_path / "next").mkdir()
    first, second = dataset(tmp_path, "requests-1"), dataset(tmp_path / "next", "requests-2")
    async with dashboard(engine, datasets=[first]) as seen:
        await seen.press(*"jjjjjjjjj", "s")
        await seen.sees("requests-1  psf/requests")
        await seen.press("ctrl+s")
        await seen.until(lambda: len(asked(engine, "start")) == 1)
        await seen.press("s")
        await seen.sees("requests-1  psf/requests")
        await seen.type(str(second))
        await seen.sees("requests-2  psf/requests")
        await seen.press("enter")
        await seen.until(lambda: len(asked(engine, "start")) == 2)
    assert [request.task for (request,) in asked(engine, "start")] == ["requests-1", "requests-2"]


async def test_of_a_run_that_is_active_the_next_free_number_is_proposed(engine, tmp_path):
    async with dashboard(engine, datasets=[dataset(tmp_path, "1319603449")]) as seen:
        await seen.press("s")
        await seen.sees("run 1 of it is running on eval1: this is run 2 of it")
        await seen.press("ctrl+s")
        await seen.until(lambda: len(asked(engine, "start")) == 1)
    assert asked(engine, "start")[0][0].run_number == 2
    assert json.loads(engine.layout.form.read_text())["run_number"] == 1, "the next task begins with what one chose"


async def test_a_run_number_that_is_active_is_told_before_the_start(engine, tmp_path):
    async with dashboard(engine, datasets=[dataset(tmp_path, "1319603449")]) as seen:
        await seen.press("s")
        await seen.sees("this is run 2 of it")
        seen.app.screen.query_one("#number").value = "1"
        await seen.sees("run 1 of it is running on eval1: stop it, or take run 2")


async def test_of_marked_instances_the_form_says_that_a_run_goes_to_one(engine, tmp_path):
    async with dashboard(engine, datasets=[dataset(tmp_path, "t1")]) as seen:
        await seen.press(*"jj", "space", "j", "space", "s")
        await seen.sees("2 are marked: one run goes to one instance")
        assert seen.app.screen.query_one("#instance").value == "eval3"


async def test_no_list_offers_any_instance_twice(engine):
    async with dashboard(engine) as seen:
        await seen.press("s")
        await seen.sees("Start a run")
        labels = [str(label) for label, _ in seen.app.screen.query_one("#instance")._options]
        assert [label for label in labels if label.startswith("any")] == ["any that is ready"]


async def test_a_file_that_does_not_exist_is_told_in_the_form(engine):
    async with dashboard(engine) as seen:
        await seen.press("s")
        await seen.sees("Start a run")
        await seen.type("nothing.jsonl")
        await seen.sees("nothing.jsonl cannot be read: No such file or directory — name a dataset file")


async def test_a_refused_start_is_told_in_the_form_which_stays(engine, tmp_path):
    engine.refuse_with = [UnknownName.of("model", "llm.nobody", ["llm.gpt"])]
    async with dashboard(engine, datasets=[dataset(tmp_path, "t1")]) as seen:
        await seen.press("s")
        await seen.sees("t1  psf/requests")
        await seen.press("ctrl+s")
        await seen.sees("unknown model 'llm.nobody'")
        await seen.sees("Start a run")


async def test_a_wrong_run_number_is_told_in_the_form(engine, tmp_path):
    async with dashboard(engine, datasets=[dataset(tmp_path, "t1")]) as seen:
        await seen.press("s")
        await seen.sees("t1  psf/requests")
        seen.app.screen.query_one("#number").value = "0"
        await seen.press("ctrl+s")
        await seen.sees("run number: Input should be greater than or equal to 1")
        assert asked(engine, "start") == []


async def test_a_dataset_with_a_hostile_id_is_one_clear_line(engine, tmp_path):
    path = dataset(tmp_path, "../../x; rm -rf ~")
    async with dashboard(engine, datasets=[path]) as seen:
        await seen.press("s")
        await seen.sees("is not a safe name")
