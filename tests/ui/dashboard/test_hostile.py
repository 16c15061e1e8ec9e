"""Text from outside is shown as it is, wherever it comes to a screen; nothing in it is markup or moves the cursor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.dashboard.build import (
    HOSTILE,
    attempt,
    failure,
    instance,
    progressed,
    readiness,
    run,
    snapshot,
)
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.domain.events import AttemptState, ConnectionState
from velora_tui.domain.readiness import CheckStatus
from velora_tui.errors import Refused

SHOWN = {text: text.replace("\x1b[31m", "").replace("\x1b[0m", "") for text in HOSTILE}


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_shown_as_it_is_in_the_tables(tmp_path, text):
    spoilt = readiness("eval2", disk=91)
    checks = tuple(check.model_copy(update={"detail": text}) for check in spoilt.checks if check.id == "disk")
    failed = attempt("eval3", "image", AttemptState.FAILED, failure=failure(text, "image", message=text))
    engine = FakeEngine(
        snapshot(
            instance(
                "eval1",
                run("01H1", text, "1", "llm.gpt", attempt("eval1", "trajectory")),
                progress=progressed("01H1", "trajectory", 1, 2, "steps", text),
            ),
            instance("eval2", ready=spoilt.model_copy(update={"checks": checks})),
            instance("eval3", run("01H3", "a/b", "1", "llm.gpt", failed)),
            instance("eval4", connection=ConnectionState.UNREACHABLE, detail=text),
        ),
        tmp_path,
    )
    engine.write_log("01H1", "trajectory", f"{text}\n")
    async with dashboard(engine) as seen:
        for name in ("eval1", "eval2", "eval3", "eval4"):
            assert SHOWN[text] in seen.line_with(f" {name}  "), name
        await seen.sees(f"1  {SHOWN[text]}")
        await seen.sees(SHOWN[text].rpartition("/")[2], on="· gpt · run 1 · trajectory")
        await seen.press("2")
        await seen.until(lambda: SHOWN[text] in seen.line_with("eval2") and "✗ not ready" in seen.text)
        await seen.press("3")
        await seen.until(lambda: seen.screen.NAME == "queue" and SHOWN[text] in seen.line_with("▶ trajectory"))


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_shown_as_it_is_in_windows_and_toasts(tmp_path, text):
    a_run = run("01H1", text, "1", "llm.gpt", attempt("eval1", "trajectory"))
    ended = run("01H2", text, "1", "llm.gpt", attempt("eval2", "image", AttemptState.STOPPED))
    engine = FakeEngine(snapshot(instance("eval1", a_run), instance("eval2", ended), name=text), tmp_path)
    async with dashboard(engine) as seen:
        assert SHOWN[text] in seen.lines[0]
        await seen.press("x")
        await seen.until(lambda: SHOWN[text] in seen.line_with("▶ trajectory  eval1"))
        await seen.press("escape", "j", "r")
        await seen.until(lambda: SHOWN[text] in seen.line_with("eval2  ") and "from image" in seen.text)
        engine.refuse_with = [Refused(text, hint=text)]
        await seen.press("enter")
        await seen.hears(text)
        await seen.press("colon")
        await seen.until(lambda: SHOWN[text] in seen.line_with("run       eval1"))
        await seen.type("/b]")
        await seen.press("escape", "slash")
        await seen.type("[/b]")
        await seen.sees("/ [/b]")


async def test_a_check_that_is_unknown_is_never_shown_as_ok(tmp_path):
    found = readiness("eval1")
    checks = tuple(check.model_copy(update={"status": CheckStatus.UNKNOWN, "detail": ""}) for check in found.checks)
    row = replace(instance("eval1"), readiness=found.model_copy(update={"checks": checks}))
    async with dashboard(FakeEngine(snapshot(row), tmp_path)) as seen:
        await seen.press("2")
        await seen.until(lambda: "✗ not ready" in seen.line_with("eval1"))
        assert "✓" not in seen.line_with("eval1")
        assert seen.line_with("eval1").count("?") == 2
