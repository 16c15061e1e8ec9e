"""Repairs from the dashboard on real instances: shown, asked, made, checked, journalled."""

from __future__ import annotations

import pytest

from tests.ui.readiness.broken import DOCKER_FILE, ROOT, change_file, drop_git, drop_gpu, good_text
from tests.ui.readiness.conftest import home, layout
from velora_tui.domain.events import RepairEnded
from velora_tui.domain.fleet import OwnCheck
from velora_tui.store.journal import Journal

pytestmark = pytest.mark.timeout(120)


async def at_readiness(seen) -> None:
    await seen.press("2")
    await seen.until(lambda: seen.screen.NAME == "readiness" and seen.rows != [])


def slow_gpu(repair: str) -> OwnCheck:
    return OwnCheck(
        id="gpu", name="the GPU answers", command="test -f ~/gpu && echo 80 GB", blocking=True, repair=repair
    )


async def test_nothing_is_done_before_a_yes_and_all_is_told_after_it(opened, tmp_path):
    file = home(tmp_path, "eval2") / ROOT / DOCKER_FILE
    async with opened(eval1=(), eval2=(change_file,)) as seen:
        await at_readiness(seen)
        spoilt = file.read_text()
        await seen.press("R")
        await seen.sees("Push the critical files on eval2?")
        await seen.sees(f"- file {DOCKER_FILE}")
        await seen.sees("keep the old one as ~/.velora/backups/")
        await seen.press("v")
        await seen.sees("set -eu")
        await seen.press("v", "enter")  # stands on No
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        assert file.read_text() == spoilt
        assert await seen.engine.audit() == []

        await seen.press("R")
        await seen.sees("Push the critical files on eval2?")
        await seen.press("y")
        await seen.sees("push the critical files: mended on eval2")
        await seen.sees("files: fail → ok (2/2 as expected)")
        await seen.sees("it was: 1/2: docker.py differs from the good copy")
        assert file.read_text() == good_text(DOCKER_FILE)
        await seen.press("enter")
        await seen.until(lambda: "● ready" in seen.line_with(" eval2 "))


async def test_marked_instances_are_mended_together_after_a_choice(opened):
    async with opened(eval1=(drop_gpu,), eval2=(drop_gpu, drop_git), eval3=()) as seen:
        await at_readiness(seen)
        await seen.press("asterisk", "R")
        await seen.sees("Which repair?")
        assert (
            "your own repair of gpu  eval1, eval2" in seen.text or "your own repair of gpu  eval2, eval1" in seen.text
        )
        await seen.sees("git init  eval2")
        await seen.press("enter")
        await seen.sees("Mend the GPU answers on 2 instances?")
        await seen.press("y")
        await seen.sees("mended on 2 of 2 instances")
        await seen.press("enter")
        await seen.until(lambda: not seen.table.marked and "2/3 ready" not in seen.text and "3/3 ready" in seen.text)


async def test_over_five_the_number_is_typed_and_a_wrong_one_does_nothing(opened, tmp_path):
    names = [f"eval{number}" for number in range(1, 7)]
    async with opened(**dict.fromkeys(names, (drop_gpu,))) as seen:
        await at_readiness(seen)
        await seen.press("asterisk", "R")
        await seen.sees("type 6 to go on")
        await seen.press("5", "enter")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        assert not any((home(tmp_path, name) / "gpu").exists() for name in names)
        await seen.press("R")
        await seen.sees("type 6 to go on")
        await seen.press("6", "enter")
        await seen.sees("mended on 6 of 6 instances")
        assert all((home(tmp_path, name) / "gpu").exists() for name in names)


async def test_what_fails_on_one_is_told_and_keeps_no_other_from_being_mended(opened):
    own = slow_gpu('[ ! -f ~/cursed ] || { echo "the bus is off" >&2; exit 3; }; touch ~/gpu')

    def curse(place) -> None:
        (place.path / "cursed").touch()

    async with opened(own=(own,), eval1=(drop_gpu, curse), eval2=(drop_gpu,)) as seen:
        await at_readiness(seen)
        await seen.press("asterisk", "R")
        await seen.sees("Mend the GPU answers on 2 instances?")
        await seen.press("y")
        await seen.sees("mended on 1 of 2 instances")
        await seen.sees("the bus is off")
        await seen.sees("✗", on="eval1  ")
        await seen.sees("✓ eval2")


async def test_it_shows_the_step_it_is_at_and_goes_on_when_it_is_left(opened, tmp_path):
    async with opened(own=(slow_gpu("until [ -f ~/go ]; do sleep 0.1; done; touch ~/gpu"),), eval1=(drop_gpu,)) as seen:
        await at_readiness(seen)
        await seen.press("R")
        await seen.sees("Mend the GPU answers on eval1?")
        await seen.press("y")
        await seen.sees("step 1 of 1  run your own command")
        await seen.press("escape")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        (home(tmp_path, "eval1") / "go").touch()
        await seen.hears("mended on eval1")
        await seen.until(lambda: "● ready" in seen.line_with(" eval1 "))


async def test_the_fleet_offers_it_too_and_says_where_there_is_nothing_to_mend(opened):
    async with opened(eval1=(), eval2=(drop_gpu,)) as seen:
        await seen.press("g", "R")
        await seen.hears("nothing is wrong here that Velora can mend")
        await seen.press("j", "R")
        await seen.sees("Mend the GPU answers on eval2?")
        await seen.press("n")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)


async def test_quitting_warns_of_a_repair_and_journals_that_it_was_cut_off(opened, tmp_path):
    async with opened(own=(slow_gpu("sleep 60; touch ~/gpu"),), eval1=(drop_gpu,)) as seen:
        await at_readiness(seen)
        await seen.press("R")
        await seen.sees("Mend the GPU answers on eval1?")
        await seen.press("y")
        await seen.sees("step 1 of 1")
        await seen.press("escape", "q")
        await seen.sees("a repair is being made: it would be cut off")
        await seen.press("enter")
        await seen.until(lambda: seen.app.is_running and len(seen.app.screen_stack) == 1)
        await seen.press("q", "y")
        await seen.until(lambda: not seen.app.is_running)
    async with Journal(layout(tmp_path).journal) as journal:
        ended = [event for event in await journal.events() if isinstance(event, RepairEnded)]
    assert [(event.instance, event.mended, event.error) for event in ended] == [("eval1", False, "it was interrupted")]
    assert not layout(tmp_path).error_log.exists()
