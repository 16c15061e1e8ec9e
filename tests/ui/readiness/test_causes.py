"""Failures of one cause are one row: from there to mended and retried, and to the line that shows it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.ui.dashboard.build import PHASES
from tests.ui.dashboard.drive import dashboard
from tests.ui.readiness.broken import DOCKER_FILE, ROOT, broken_fleet, change_file, good_text
from tests.ui.readiness.conftest import home, layout
from tests.ui.results.catalogued import imported, plant
from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
)
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.engine.engine import Engine
from velora_tui.store.journal import Journal

pytestmark = pytest.mark.timeout(120)
EVIDENCE = "unknown flag: --load[/b]"


async def fail(folder, run: str, instance: str, signature: str, repair: str | None = None) -> None:
    """Journal a run that failed while its image was loaded, and write its log."""
    where = layout(folder)
    found = Failure(
        failure_class=FailureClass.INFRASTRUCTURE,
        signature=signature,
        message="the builder asks for buildx",
        remedy="push docker.py and retry",
        phase="image",
        line=2,
        evidence=f"{EVIDENCE} {run}",
        repair=repair,
    )
    ids = {"run": run, "attempt": 1}
    async with Journal(where.journal) as journal:
        created = RunCreated(
            run=run, task=f"click-{run}", repo="pallets/click", model="llm.gpt", run_number=1, recipe="native",
            max_iterations=40, dataset="d.jsonl", by="me",
        )  # fmt: skip
        failed = PhaseState.FAILED
        await journal.append_all(
            [
                created,
                AttemptQueued(**ids, phases=PHASES, instance=instance),
                AttemptStarted(**ids, instance=instance, by="me"),
                PhaseStarted(**ids, phase="upload"),
                PhaseFinished(**ids, phase="upload", state=PhaseState.SUCCEEDED),
                PhaseStarted(**ids, phase="image"),
                PhaseFinished(**ids, phase="image", state=failed, failure=found),
                AttemptFinished(**ids, state=AttemptState.FAILED, failure=found),
            ]
        )
    log = where.log(run, 1, "image")
    log.parent.mkdir(parents=True)
    log.write_text(f"loading the image\n{found.evidence}\nthe end\n")


@asynccontextmanager
async def opened_after_failures(tmp_path, size=(160, 48)):
    await fail(tmp_path, "01AAAA", "eval1", "docker-buildx", "push-files")
    await fail(tmp_path, "01BBBB", "eval2", "docker-buildx", "push-files")
    await fail(tmp_path, "01CCCC", "eval3", "image-failed")
    fleet = broken_fleet(tmp_path / "fleet", (), eval1=(change_file,), eval2=(change_file,), eval3=())
    async with dashboard(Engine(fleet, layout(tmp_path)), size, live=False) as seen:
        await seen.until(lambda: seen.app.is_live)
        await seen.sees("2 × docker-buildx: push the critical files and retry")
        yield seen


async def test_two_keys_mend_and_retry_all_failures_of_a_cause(tmp_path):
    async with opened_after_failures(tmp_path) as seen:
        assert "1 × image-failed" not in seen.text  # its own row says as much
        await seen.press("W", "R")
        await seen.sees("Push the critical files on 2 instances?")
        await seen.press("y")
        await seen.sees("mended on 2 of 2 instances")
        for name in ("eval1", "eval2"):
            assert (home(tmp_path, name) / ROOT / DOCKER_FILE).read_text() == good_text(DOCKER_FILE)
        await seen.press("enter", "r")
        await seen.sees("Retry 2 runs")
        await seen.press("escape", "escape")
        await seen.until(lambda: seen.table.has_focus)


async def test_all_causes_with_their_members_and_the_way_to_the_evidence(tmp_path):
    async with opened_after_failures(tmp_path) as seen:
        await seen.press("W", "enter")
        await seen.until(lambda: seen.screen.NAME == "causes" and "3 failed, 2 causes" in seen.text)
        await seen.sees("1 × image-failed")
        await seen.sees(f"▌      2  {EVIDENCE} 01BBBB")
        await seen.press("j", "j")
        await seen.sees(f"▌      2  {EVIDENCE} 01AAAA")
        await seen.press("R")
        await seen.sees("Push the critical files on eval1?")
        await seen.press("n", "enter")
        await seen.until(lambda: seen.screen.NAME == "run")
        assert seen.screen.run_id == "01AAAA"
        await seen.until(lambda: "2" in seen.line_with(f"{EVIDENCE} 01AAAA"))


async def test_the_page_of_a_failed_run_mends_its_instance(tmp_path):
    async with opened_after_failures(tmp_path, (80, 24)) as seen:
        await seen.press("g", "enter")
        await seen.until(lambda: seen.screen.NAME == "run" and "[R]" in seen.text)
        await seen.press("R")
        await seen.sees("Push the critical files on eval1?")
        await seen.press("y")
        await seen.sees("mended on eval1")
        await seen.press("escape", "escape", "j", "j", "enter")
        await seen.until(lambda: seen.screen.NAME == "run" and "image-failed" in seen.text)
        await seen.press("R")
        await seen.hears("nothing is wrong here that Velora can mend")


async def test_without_failures_there_is_no_strip_and_the_page_says_so(tmp_path):
    fleet = broken_fleet(tmp_path / "fleet", (), eval1=())
    async with dashboard(Engine(fleet, layout(tmp_path)), live=False) as seen:
        await seen.until(lambda: seen.app.is_live)
        await seen.press("W")
        await seen.sees("no run has failed")


async def test_imported_runs_that_prove_nothing_are_told_of_where_none_has_failed(tmp_path):
    plant(tmp_path / "disk", tasks=1, patch="", error="APITimeoutError: timed out")
    fleet, place = broken_fleet(tmp_path / "fleet", (), eval1=()), layout(tmp_path)
    imported(place.state, tmp_path / "disk")
    async with dashboard(Engine(fleet, place), live=False) as seen:
        await seen.until(lambda: seen.app.is_live)
        await seen.press("W")
        await seen.sees("4 imported runs prove nothing of the model")
