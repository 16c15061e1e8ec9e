"""The critical files side by side, their differences, and the audit of what was done, on real instances."""

from __future__ import annotations

import pytest

from tests.ui.dashboard.drive import dashboard
from tests.ui.readiness import canned
from tests.ui.readiness.broken import change_file, drop_file, drop_gpu

pytestmark = pytest.mark.timeout(120)


async def at_files(seen) -> None:
    await seen.press("2")
    await seen.until(lambda: seen.screen.NAME == "readiness" and seen.rows != [])
    await seen.press("F")
    await seen.until(lambda: seen.screen.NAME == "files" and len(seen.rows) > 1)


async def test_odd_files_stand_out_against_the_good_copies(opened):
    async with opened(eval1=(), eval2=(change_file,), eval3=(drop_file,)) as seen:
        await at_files(seen)
        assert seen.rows[0] == "·good copy"
        assert set(seen.rows[1:3]) == {"eval2", "eval3"}
        good = seen.line_with("good copy").split()[-1]
        await seen.sees("✗ 1/2 odd", on=" eval2 ")
        assert good not in seen.line_with(" eval2 ")
        assert seen.line_with(" eval3 ").endswith("✗ missing")
        assert seen.line_with(" eval1 ").endswith(f"✓ {good}")
        await seen.sees("2 odd  1 good")


async def test_files_without_a_column_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(canned, "FILES", (*canned.FILES, *(f"scripts/more_{number}.sh" for number in range(5))))
    async with dashboard(canned.CannedEngine(tmp_path), size=(80, 24)) as seen:
        await seen.press("F")
        await seen.sees("← → 4 more")


async def test_the_difference_is_shown_and_pushed_away(opened):
    async with opened(eval1=(), eval2=(change_file,)) as seen:
        await at_files(seen)
        await seen.press("enter")
        await seen.sees("-BUILDKIT = False")
        await seen.sees("+BUILDKIT = True")
        await seen.press("R")
        await seen.sees("Push the critical files on eval2?")
        await seen.press("y")
        await seen.sees("mended on eval2")
        await seen.press("enter")
        await seen.sees("the same as the good copy")
        await seen.press("escape", "c")
        await seen.sees("2 good")


async def test_d_on_readiness_shows_the_difference_at_once(opened):
    async with opened(eval1=(change_file,), eval2=()) as seen:
        await seen.press("2")
        await seen.until(lambda: seen.screen.NAME == "readiness" and seen.rows != [])
        await seen.press("D")
        await seen.sees("-BUILDKIT = False")
        await seen.press("escape", "j", "D")
        await seen.hears("the critical files here are those that are expected")


async def test_the_audit_has_each_exact_command_the_latest_first(opened):
    async with opened(eval1=(drop_gpu,), eval2=()) as seen:
        await seen.press("2")
        await seen.until(lambda: seen.screen.NAME == "readiness" and seen.rows != [])
        await seen.press("A")
        await seen.sees("Velora has done nothing on eval1 yet: checks only look")
        await seen.press("escape", "R")
        await seen.sees("Mend the GPU answers on eval1?")
        await seen.press("y")
        await seen.sees("mended on eval1")
        await seen.press("enter", "A")
        await seen.until(lambda: seen.screen.NAME == "audit" and len(seen.rows) == 3)
        places = [
            seen.text.index(words) for words in ("✓ own:gpu mended it", "$ own:gpu: run your own", "▶ own:gpu begins")
        ]
        assert places == sorted(places)
        await seen.press("slash", *"kind:command", "enter")
        await seen.until(lambda: len(seen.rows) == 1)
        await seen.sees("│ touch ~/gpu")
        await seen.press("y")
        await seen.until(lambda: seen.app.clipboard == "touch ~/gpu")
        await seen.press("escape", "A")
        await seen.sees("audit of the fleet")
