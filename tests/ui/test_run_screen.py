"""The run's page as an operator sees it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ui.dashboard.build import attempt
from tests.ui.dashboard.drive import Dashboard, dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.proof import (
    FAILED_LINE,
    ended_run,
    failed_run,
    fleet_of,
    graded,
    keep,
    record,
    running_run,
    task,
    write_log,
)
from velora_tui.domain.events import LogGrew, PhaseStarted
from velora_tui.ui.screens.run import RunScreen
from velora_tui.ui.widgets.log_view import LogView

EVIDENCE = 1204


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    """A run that ended, one that failed twice and one that is running, with their files."""
    ended, failed, running = ended_run(), failed_run(), running_run()
    engine = FakeEngine(fleet_of(ended, failed, running), tmp_path)
    keep(engine.layout, ended)
    write_log(engine.layout, ended, "evaluation", "Running tests\n2 failed\n")
    write_log(engine.layout, ended, "report", "wrote report.json\n")
    lines = [f"17:22:{number % 60:02} line {number}" for number in range(1, 1241)]
    lines[EVIDENCE - 1] = "17:22:07 Cannot connect to the Docker daemon at unix:///var/run/docker.sock"
    write_log(engine.layout, failed, "evaluation", "\n".join(lines) + "\n")
    write_log(engine.layout, failed, "image", "buildx\nis gone\n", number=1)
    write_log(engine.layout, running, "trajectory", "step 1/200 edit\n")
    return engine


async def opened(seen: Dashboard, run_id: str, *arguments: object) -> RunScreen:
    seen.app.open_run(run_id, *arguments)
    await seen.until(lambda: isinstance(seen.screen, RunScreen) and seen.screen.place is not None)
    assert isinstance(seen.screen, RunScreen)
    return seen.screen


async def to_tab(seen: Dashboard, name: str) -> None:
    """Press ] until the tab is current."""
    screen = seen.screen
    assert isinstance(screen, RunScreen)
    for _ in range(6):
        if screen.pane.tab_name == name:
            return
        await seen.press("right_square_bracket")
    raise AssertionError(f"] never led to {name}")


async def test_a_failure_opens_at_its_line_of_evidence_with_the_diagnosis_on_top(engine):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01BAD")
        await seen.sees("Docker daemon at unix")
        await seen.sees("✗ failed in evaluation · infrastructure", on="attempt 2")
        await seen.sees('"Cannot connect to the Docker daemon" (line 1,204)', on="docker-daemon-down")
        await seen.sees("retry from evaluation [r]", on="start Docker, then retry")
        assert seen.screen.query_one(LogView).current_line == EVIDENCE
        assert seen.line_with("Docker daemon at unix").startswith("▌")
        await seen.sees("1,240 lines")
        assert "following" not in seen.text


async def test_braces_go_from_phase_to_phase_and_p_to_the_attempt_before(engine):
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01BAD")
        await seen.press("left_curly_bracket")
        assert screen.log_tab.phase == "report" or screen.log_tab.phase == "trajectory"
        await seen.press("right_curly_bracket")
        assert screen.log_tab.phase == "evaluation"
        await seen.press("right_curly_bracket")
        await seen.hears("no later phase has begun")
        await seen.press("p")
        await seen.sees("attempt 1 of 2")
        await seen.sees("is gone")
        assert screen.query_one(LogView).current_line == 2
        await seen.press("p")
        await seen.sees("attempt 2 ")


async def test_a_run_that_ended_opens_on_its_tests(engine):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.sees("line 22", on="✗ test_aoi.py::TestAoi::test_init[gee-None]")
        await seen.sees("missing", on="test_absent")
        await seen.sees("PASS_TO_PASS 8/8")
        await seen.sees("test_output.txt · line 7")
        await seen.sees("assert model.admin == 3")


async def test_enter_on_a_test_goes_to_its_line_and_esc_comes_back(engine):
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.press("enter")
        assert screen.pane.tab_name == "log"
        await seen.until(lambda: screen.query_one(LogView).current_line == FAILED_LINE)
        await seen.sees("AttributeError", on="▌")
        await seen.press("escape")
        assert screen.pane.tab_name == "tests"
        await seen.press("escape")
        await seen.until(lambda: not isinstance(seen.screen, RunScreen))


async def test_a_test_that_is_missing_says_so(engine):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.press("n", "n")
        await seen.sees("the log does not show it")
        await seen.press("enter")
        await seen.hears("does not show this test")


async def test_f_shows_only_what_failed_and_slash_finds_names(engine):
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01RUN")
        await seen.sees("test_app.py  7")
        await seen.press("f")
        await seen.until(lambda: "test_app.py  7" not in seen.text)
        await seen.press("f", "slash")
        await seen.type("zoom")
        await seen.sees("1 test ")
        await seen.press("enter")
        await seen.until(lambda: seen.app.focused is screen.pane.tab.lines)
        await seen.sees("✓ test_map.py::test_zoom")
        assert "✗ test_aoi.py" not in seen.text
        await seen.press("escape")
        await seen.sees("✗ test_aoi.py::test_layer")


async def test_whether_only_failures_are_shown_can_be_read(engine):
    async with dashboard(engine, (80, 24)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("n next  f failed only")
        await seen.press("f")
        await seen.sees("f failed only: on")
        await seen.press("f")
        await seen.until(lambda: ": on" not in seen.text)


@pytest.mark.parametrize("key", ["t", "w", "E", "left_curly_bracket", "right_curly_bracket"])
async def test_keys_of_logs_say_so_in_other_tabs(engine, key):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.press(key)
        await seen.hears("only in a log: [ and ] lead to the Log tab")


async def test_help_is_that_of_the_tab(engine):
    async with dashboard(engine, (180, 90)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        for tab, words, key in (
            ("tests", "Find tests by name", "Only what failed, or everything"),
            ("patch", "Search the patch", "What was and what is side by side"),
            ("trajectory", "Search all texts of the steps", "To the step before"),
            ("log", "Search the log", "Follow the log, or stop"),
        ):
            await to_tab(seen, tab)
            await seen.press("question_mark")
            await seen.sees(words)
            assert key in seen.text
            assert ("Search the log" in seen.text) == (tab == "log")
            await seen.press("escape")


async def test_a_folded_file_unfolds(engine):
    async with dashboard(engine, (120, 48)) as seen:
        screen = await opened(seen, "01RUN")
        await seen.sees("test_app.py  7")
        screen.pane.tab.lines.move_to("fold:PASS_TO_PASS::tests/test_app.py")
        await seen.press("enter")
        await seen.sees("✓ test_app.py::test_6")


async def test_the_patch_has_files_lines_and_hunks(engine):
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01RUN")
        await to_tab(seen, "patch")
        await seen.sees("diff --git a/sepal_ui/aoi.py")
        await seen.sees("2 files  +4 −1")
        await seen.sees("new", on="sepal_ui/new.py")
        await seen.sees('+ADMIN = "[/b]"')
        await seen.press("n")
        assert screen.pane.tab.lines.lines[screen.pane.tab.lines.cursor_place].text.startswith("@@ -1,3")


async def test_a_line_of_the_patch_is_copied_as_code(engine, monkeypatch):
    removing = "diff --git a/m b/m\n--- a/m\n+++ b/m\n@@ -1,3 +1,2 @@\n all:\n-\told\n-\tgone\n+\tnew\n"
    evaluated = engine.layout.attempt_results(ended_run(), 1) / "eval_outputs/1319603449"
    (evaluated / "patch.diff").write_text(removing)
    copied: list[str] = []
    async with dashboard(engine, (160, 36)) as seen:
        monkeypatch.setattr(seen.app, "copy_text", copied.append)
        screen = await opened(seen, "01RUN")
        await to_tab(seen, "patch")
        await seen.sees_like(r"2 -\s+old .* 2 \+\s+new")
        lines = screen.pane.tab.lines
        for key in ("4", "7", "6"):  # the same in both, changed, removed
            lines.move_to(key)
            await seen.press("y")
        await seen.press("d")
        for key in ("4", "7", "6"):
            lines.move_to(key)
            await seen.press("y")
    assert copied == ["all:", "\tnew", "\tgone", " all:", "+\tnew", "-\tgone"]


async def test_the_trajectory_goes_step_by_step(engine):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01RUN")
        await to_tab(seen, "trajectory")
        await seen.sees("3 steps")
        await seen.sees("exit 1", on="pytest -k 2")
        await seen.press("enter")
        await seen.sees("thinking of 1")
        await seen.press("l")
        await seen.sees("thinking of 2")
        assert "thinking of 1" not in seen.text
        await seen.press("h")
        await seen.sees("thinking of 1")
        await seen.press("slash")
        await seen.type("of 3")
        await seen.press("enter")
        await seen.sees("step 1/1 found")
        await seen.sees("thinking of 3")


async def test_files_open_in_the_log_view_and_binaries_do_not(engine):
    folder = engine.layout.attempt_results(ended_run(), 1)
    (folder / "core.bin").write_bytes(b"\0" * 10)
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01RUN")
        await to_tab(seen, "files")
        await seen.sees("velora.json")
        screen.pane.tab.lines.move_to("file:core.bin")
        await seen.press("enter")
        await seen.hears("core.bin is no text")
        screen.pane.tab.lines.move_to("file:eval_outputs/1319603449/test_output.txt")
        await seen.press("enter")
        await seen.sees("test session starts")


async def test_without_a_verdict_the_end_of_the_log_and_the_way_to_the_diagnosis_are_shown(engine):
    log = "setting up\ncd: /app/repo: No such file\n"
    void = ended_run("01VOID", verdict=graded(log), number=2)
    keep(engine.layout, void, graded(log), log=log)
    engine.shown = fleet_of(void)
    async with dashboard(engine, (80, 24)) as seen:
        await opened(seen, "01VOID")
        await seen.sees("no verdict: test_output.txt ends so · About (]) has the diagnosis")
        await seen.sees("2  cd: /app/repo: No such file")


async def test_a_file_is_named_and_left_for_the_list_of_files(engine):
    async with dashboard(engine, (80, 24)) as seen:
        screen = await opened(seen, "01RUN")
        await to_tab(seen, "files")
        await seen.sees("velora.json")
        for key in ("escape", "left_square_bracket", "right_square_bracket"):
            screen.pane.tab.lines.move_to("file:velora.json")
            await seen.press("enter")
            await seen.sees("Files › velora.json  esc back", on="Log  Tests")
            await seen.press(key)
            assert screen.pane.tab_name == "files"
            assert "esc back" not in seen.text
        screen.pane.show_tab("log")
        assert screen.pane.log_tab.phase == "evaluation", "the log again"


async def test_about_says_where_it_comes_from(engine):
    async with dashboard(engine, (120, 48)) as seen:
        await opened(seen, "01RUN")
        await to_tab(seen, "about")
        await seen.sees("s3://images/sepal.tar")
        await seen.sees("patch-size")
        await seen.sees("trajectory", on="11:40  ")


async def test_a_running_run_is_followed_and_goes_on_with_the_next_phase(engine):
    running = running_run()
    async with dashboard(engine, (120, 36)) as seen:
        screen = await opened(seen, "01NOW")
        await seen.sees("step 1/200 edit")
        await seen.sees("● following")
        path = engine.layout.log("01NOW", 1, "trajectory")
        with path.open("a") as log:
            log.write("step 2/200 run\n")
        engine.tell(LogGrew(run="01NOW", attempt=1, phase="trajectory", size=path.stat().st_size))
        await seen.sees("step 2/200 run")
        write_log(engine.layout, running, "evaluation", "Applying the model's patch\n")
        later = running_run().model_copy(update={"attempts": (_in_evaluation(),)})
        engine.tell(PhaseStarted(run="01NOW", attempt=1, phase="evaluation"), fleet_of(later))
        await seen.sees("Applying the model's patch")
        assert screen.log_tab.phase == "evaluation"


def _in_evaluation():
    return attempt("eval2", "evaluation", seconds=800)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("tests", "no verdict yet"),
        ("patch", "no patch yet"),
        ("trajectory", "no trajectory yet"),
        ("files", "no files yet"),
    ],
)
async def test_what_is_not_there_yet_says_when_it_comes(engine, tab, words):
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01NOW")
        await to_tab(seen, tab)
        await seen.sees(words)


async def test_an_unknown_run_says_so(engine):
    async with dashboard(engine, (120, 36)) as seen:
        seen.app.open_run("01NONE")
        await seen.sees("no run 01NONE in this journal")


@pytest.mark.parametrize("damage", ["velora.json", "output.jsonl"])
async def test_a_damaged_file_is_told_in_words(engine, damage):
    (engine.layout.attempt_results(ended_run(), 1) / damage).write_text("{nonsense")
    async with dashboard(engine, (160, 36)) as seen:
        await opened(seen, "01RUN")
        await to_tab(seen, "tests" if damage == "velora.json" else "trajectory")
        await seen.sees("is not a result of Velora" if damage == "velora.json" else "cannot be read as a trajectory")
        assert "Traceback" not in seen.text


async def test_hostile_names_and_texts_are_shown_as_they_are(tmp_path):
    name = "t.py::t[param-1][/b]\x1b[31m"
    head = "===== test session starts =====\n===== short test summary info =====\n"
    log = f"{head}FAILED t.py::t[param-1][/b] - [red]no[/]\n"
    verdict = graded(log, task(fixed=(name, "t.py::t[param-1][/b]"), kept=()))
    hostile = ended_run(verdict=verdict)
    engine = FakeEngine(fleet_of(hostile), tmp_path)
    patch = "--- a/[/b].py\n+++ b/[/b].py\n@@ -1 +1 @@\n-[red]\n+\x1b[31m[/red]\n"
    keep(
        engine.layout, hostile, verdict, log=log, patch=patch, trajectory=record(output="\x1b]0;x\x07[/b] t.py::t[p-1]")
    )
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01RUN")
        await seen.sees("t.py::t[param-1][/b]")
        await seen.sees("[red]no[/]")
        await to_tab(seen, "patch")
        await seen.sees("+[/red]")
        await to_tab(seen, "trajectory")
        await seen.sees("pytest -k 1")
        await seen.press("enter")
        await seen.sees("[/b] t.py::t[p-1]")
        assert "\x1b" not in seen.text


async def test_y_copies_and_e_leaves_for_the_editor(engine, monkeypatch, tmp_path):
    opened_with = tmp_path / "opened"
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$1" > "{opened_with}"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    async with dashboard(engine, (120, 36)) as seen:
        copied: list[str] = []
        monkeypatch.setattr(seen.app, "copy_text", copied.append)
        await opened(seen, "01RUN")
        await seen.sees("FAIL_TO_PASS 0/3")
        await seen.press("y")
        assert "test_init[gee-None]" in "".join(copied)
        monkeypatch.setattr(seen.app, "suspend", nullcontext)  # there is no terminal to leave
        await seen.press("e")
        await seen.until(opened_with.exists)
        assert opened_with.read_text().strip().endswith("test_output.txt")


async def test_retrying_makes_the_page_show_the_new_attempt(engine):
    failed = failed_run()
    async with dashboard(engine, (120, 36)) as seen:
        await opened(seen, "01BAD", 2, "evaluation", EVIDENCE)
        await seen.sees("attempt 2 ")
        third = _in_evaluation().model_copy(update={"number": 3})
        write_log(engine.layout, failed, "evaluation", "a third try\n", number=3)
        engine.tell(
            PhaseStarted(run="01BAD", attempt=3, phase="evaluation"),
            replace(engine.shown, runs={"01BAD": failed.model_copy(update={"attempts": (*failed.attempts, third)})}),
        )
        await seen.sees("attempt 3 ")
        await seen.sees("a third try")
