"""The Log screen as an operator sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import failed_run, fleet_of, running_run, write_log
from velora_tui.domain.events import LogGrew
from velora_tui.ui.screens.log import LogScreen
from velora_tui.ui.widgets.log_view import LogView


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    failed, running = failed_run(line=3), running_run()
    engine = FakeEngine(fleet_of(failed, running), tmp_path)
    write_log(engine.layout, running, "trajectory", "".join(f"step {number}/200 edit\n" for number in range(1, 61)))
    write_log(engine.layout, running, "image", "ERROR: retrying [/b]\ndownloaded\n")
    write_log(engine.layout, failed, "evaluation", "Running\n\nCannot connect to the Docker daemon\n")
    write_log(engine.layout, failed, "image", "first try\n", number=1)
    return engine


async def at_log(seen: Dashboard) -> LogView:
    await seen.press("5")
    await seen.until(
        lambda: isinstance(seen.screen, LogScreen) and bool(seen.screen.query_one(LogView).status.line_count)
    )
    return seen.screen.query_one(LogView)


async def test_it_shows_what_runs_now_and_follows_it(engine):
    async with dashboard(engine, (120, 30)) as seen:
        await at_log(seen)
        await seen.sees("step 60/200 edit")
        await seen.sees("eval2 › psf/requests 5182905279 › claude › run 1 › attempt 1")
        await seen.sees("▶ trajectory")
        await seen.sees("60 lines · ● following", on=" trajectory  ")
        path = engine.layout.log("01NOW", 1, "trajectory")
        with path.open("a") as log:
            log.write("step 61/200 run\n")
        engine.tell(LogGrew(run="01NOW", attempt=1, phase="trajectory", size=path.stat().st_size))
        await seen.sees("step 61/200 run")


async def test_scrolling_up_stops_following_and_counts_what_is_new(engine):
    async with dashboard(engine, (120, 30)) as seen:
        await at_log(seen)
        await seen.press("k")
        await seen.sees("following off")
        path = engine.layout.log("01NOW", 1, "trajectory")
        with path.open("a") as log:
            log.write("step 61/200 run\nstep 62/200 run\n")
        engine.tell(LogGrew(run="01NOW", attempt=1, phase="trajectory", size=path.stat().st_size))
        await seen.sees("+2 new · f follows")
        await seen.press("f")
        await seen.sees("step 62/200 run")


async def test_slash_searches_and_counts_the_hits(engine):
    async with dashboard(engine, (120, 30)) as seen:
        view = await at_log(seen)
        await seen.press("slash")
        await seen.type("step 1\\d")
        await seen.press("enter")
        await seen.until(lambda: view.status.hits == 10 and not view.status.searching)
        await seen.until(lambda: view.has_focus)
        await seen.press("n")
        await seen.sees(f"{view.status.hit}/10")
        await seen.press("escape")
        await seen.until(lambda: view.status.pattern == "")
        assert isinstance(seen.screen, LogScreen)


async def test_a_wrong_expression_is_told_while_one_types(engine):
    async with dashboard(engine, (120, 30)) as seen:
        await at_log(seen)
        await seen.press("slash")
        await seen.type("(")
        await seen.sees("not a regular expression")


async def test_braces_and_p_lead_to_other_phases_and_attempts(engine):
    async with dashboard(engine, (120, 30)) as seen:
        await at_log(seen)
        await seen.press("left_curly_bracket")
        await seen.sees("ERROR: retrying [/b]")
        await seen.press("p")
        await seen.hears("this is the only attempt")
        seen.app.open_log("01BAD")
        await seen.sees("▌    3  Cannot connect to the Docker daemon")
        await seen.press("p")
        await seen.sees("first try")
        await seen.sees("attempt 1 of 2")


async def test_it_opens_at_the_line_asked_for(engine):
    async with dashboard(engine, (120, 30)) as seen:
        seen.app.open_log("01NOW", 1, "trajectory", 7)
        await seen.sees("▌    7  step 7/200 edit")
        await seen.sees("following off")


async def test_without_a_run_it_says_where_to_start(tmp_path):
    async with dashboard(FakeEngine(fleet_of(), tmp_path), (80, 24)) as seen:
        await seen.press("5")
        await seen.sees("no run yet")
