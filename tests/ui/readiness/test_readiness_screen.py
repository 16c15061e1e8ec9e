"""The matrix of checks on real instances: what is seen, and how one gets from a row to what is wrong."""

from __future__ import annotations

import pytest

from tests.ui.readiness.broken import OWN, change_file, drop_git, drop_gpu, stop_docker
from velora_tui.domain.fleet import OwnCheck
from velora_tui.domain.readiness import BUILT_IN_CHECKS

pytestmark = pytest.mark.timeout(120)
HOSTILE = OwnCheck(
    id="odd", name="prints what it likes", command="printf '[b]x[/red] \\033[2Jy\\n'; exit 1", blocking=True
)


async def at_readiness(seen) -> None:
    await seen.press("2")
    await seen.until(lambda: seen.screen.NAME == "readiness" and seen.rows != [])


async def test_the_worst_is_on_top_with_its_reason_and_the_key_that_mends_it(opened):
    async with opened(eval1=(), eval2=(change_file,), eval3=(drop_git,)) as seen:
        await at_readiness(seen)
        assert seen.rows == ["eval2", "eval3", "eval1"]
        assert seen.table.cursor_key == "eval2"
        await seen.sees("✗ not ready [R]  files: 1/2: docker.py differs from the good copy", on=" eval2 ")
        await seen.sees("● ready", on=" eval1 ")
        titles = [column.column.id.removeprefix("check:") for column in seen.table.places]
        in_order = [name for name in (*BUILT_IN_CHECKS, OWN.id) if name in titles]
        assert [name for name in titles if name in in_order] == in_order


async def test_a_column_with_trouble_is_the_last_to_go(opened):
    async with opened(size=(80, 24), eval1=(), eval2=(drop_gpu,)) as seen:
        await at_readiness(seen)
        shown = [column.column.id for column in seen.table.places]
        assert "check:gpu" in shown
        assert "check:clock" not in shown
        await seen.sees("✗ not ready [R]", on=" eval2 ")


async def test_the_arrows_walk_over_all_checks_also_over_those_without_a_column(opened):
    async with opened(size=(80, 24), eval1=(stop_docker,)) as seen:
        await at_readiness(seen)
        await seen.sees("Docker answers  ✗ failed · blocks a start")
        await seen.sees("│ Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
        await seen.press("right", "right")
        await seen.sees("busy")
        await seen.press("left", "left", "left", "left")
        await seen.sees("openhands.agenthub can be imported" if "poetry works" in seen.text else "there, executable")
        await seen.press("escape")
        await seen.sees("Docker answers  ✗ failed")


async def test_enter_goes_into_the_checks_of_the_row_and_esc_comes_back(opened):
    async with opened(eval1=(drop_git,)) as seen:
        await at_readiness(seen)
        await seen.press("enter", "G", "enter")
        await seen.until(lambda: "80 GB" in seen.line_with("the GPU answers") or "│ 80 GB" in seen.text)
        await seen.press("escape")
        assert seen.table.has_focus
        await seen.press("z")
        await seen.until(lambda: "INSTANCE" not in seen.text and "gpu" in seen.text)
        await seen.press("escape")
        await seen.sees("INSTANCE")


async def test_what_a_probe_prints_is_shown_as_it_is_and_nothing_more(opened):
    async with opened(own=(HOSTILE,), eval1=()) as seen:
        await at_readiness(seen)
        await seen.sees("[b]x[/red] y")


async def test_answers_fill_in_while_slow_checks_are_still_asked(opened, tmp_path):
    slow = OwnCheck(id="slow", command="until [ -f ~/go ]; do sleep 0.1; done", slow=True, blocking=False)
    go = tmp_path / "fleet/eval1/go"
    async with opened(own=(OWN, slow), eval1=(lambda home: (home.path / "go").touch(),)) as seen:
        await at_readiness(seen)
        go.unlink()
        await seen.press("c")
        await seen.until(lambda: "… checking" in seen.line_with(" eval1 ") and "✓" in seen.line_with(" eval1 "))
        go.touch()
        await seen.until(lambda: "● ready" in seen.line_with(" eval1 "))


async def test_read_only_says_why_nothing_is_mended(opened):
    async with opened(read_only=True, eval1=(change_file,)) as seen:
        await at_readiness(seen)
        await seen.press("R")
        await seen.hears("Velora was started with --readonly")
        assert len(seen.app.screen_stack) == 1


async def test_the_worst_check_is_shown_from_its_first_line_on_in_a_low_window(opened):
    async with opened(size=(80, 24), eval1=(), eval2=(change_file,)) as seen:
        await at_readiness(seen)
        await seen.sees("R push the critical files")
        await seen.press("c")
        await seen.sees("● ready", on=" eval1 ")
        await seen.sees("R push the critical files")
