"""The whole native recipe through SSH, S3 and pytest: every task with every model."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.conftest import MakeEngine
from tests.engine.following import collected, ended
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import AnyEvent, AttemptState, Event, Notice
from velora_tui.domain.failure import FailureClass
from velora_tui.domain.report import Outcome
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Attempt, Run
from velora_tui.engine.engine import Engine
from velora_tui.grading.grade import grade
from velora_tui.store.datasets import load_dataset
from velora_tui.store.results import load_result

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.timeout(300)
async def test_every_task_with_every_model(demo: DemoFleet, make_engine: MakeEngine) -> None:
    heard: list[list[AnyEvent | Notice]] = [[], []]
    async with make_engine() as engine:
        observers = [asyncio.create_task(collected(engine.events(), into)) for into in heard]
        with engine.observe() as subscription:
            runs = [
                await engine.start(RunRequest(dataset=str(cell.dataset), model=cell.model, wait=True))
                for cell in demo.runs
            ]
            first = await ended(engine, subscription, runs)
            failed = [run for run, attempt in zip(runs, first, strict=True) if attempt.state is AttemptState.FAILED]
            assert_infrastructure(engine, failed)
            retried = [await engine.retry(run.run, wait=True) for run in failed]
            await ended(engine, subscription, retried)
        for observer in observers:
            observer.cancel()
        await asyncio.gather(*observers, return_exceptions=True)
        finished = [engine.run(run.run) for run in runs]
        for run in finished:
            assert_result(run, demo, engine.layout.attempt_results(run, len(run.attempts)))
        assert_never_two_on_an_instance([attempt for run in finished for attempt in run.attempts])
    seen = Counter(run.attempt.outcome for run in finished if run.attempt)
    assert set(seen) == set(Outcome), f"not every outcome happened: {seen}"
    partly = [run.attempt.summary for run in finished if run.attempt and run.attempt.outcome is Outcome.UNRESOLVED]
    assert any(0 < fixed < listed for summary in partly if summary.f2p for fixed, listed in [summary.f2p])
    assert any(kept < listed for summary in partly if summary.p2p for kept, listed in [summary.p2p])
    assert_one_order(heard)


def assert_infrastructure(engine: Engine, failed: list[Run]) -> None:
    """The overloaded image fails its first download, and the log's line of evidence is there to read."""
    assert failed
    for run in failed:
        attempt = engine.run(run.run).attempt
        assert attempt is not None
        assert attempt.failure is not None
        assert attempt.failure.failure_class is FailureClass.INFRASTRUCTURE
        assert attempt.failure.signature == "s3-unavailable"
        assert attempt.failure.line is not None
        log = engine.log_path(run.run, 1, "image").read_text().splitlines()
        assert "503" in log[attempt.failure.line - 1]


def assert_result(run: Run, demo: DemoFleet, tree: Path) -> None:
    """The tree is the harness's, and its verdict is what grading the collected output again gives."""
    assert run.attempt is not None
    assert run.attempt.state is AttemptState.FINISHED, run.attempt.failure
    result = load_result(tree)
    assert result.outcome is run.attempt.outcome
    output = json.loads((tree / "output.jsonl").read_text())
    assert output["instance_id"] == run.task
    assert len(output["history"]) == run.attempt.summary.history
    evaluated = tree / "eval_outputs" / run.task
    report = json.loads((evaluated / "report.json").read_text())[run.task]
    assert report["resolved"] is (result.outcome is Outcome.RESOLVED)
    assert json.loads((tree / "eval_pilot2_output.jsonl").read_text())["resolved"] is report["resolved"]
    if result.outcome is Outcome.NO_PATCH:
        assert report["patch_exists"] is False
        return
    task = next(task for path in demo.datasets for task in load_dataset(path) if task.instance_id == run.task)
    again = grade(task, (evaluated / "test_output.txt").read_bytes())
    assert again.outcome is result.outcome
    assert report["tests_status"]["FAIL_TO_PASS"]["success"] == list(again.fail_to_pass.success)
    assert (evaluated / "patch.diff").read_text().startswith("diff --git")


def assert_never_two_on_an_instance(attempts: list[Attempt]) -> None:
    by_instance: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        assert attempt.instance is not None
        by_instance.setdefault(attempt.instance, []).append(attempt)
    assert len(by_instance) > 3, "many instances work at once"
    for taken in by_instance.values():
        in_order = sorted(taken, key=lambda attempt: attempt.started_at or attempt.queued_at)
        for earlier, later in itertools.pairwise(in_order):
            assert earlier.ended_at is not None
            assert later.started_at is not None
            assert earlier.ended_at <= later.started_at


def assert_one_order(heard: list[list[AnyEvent | Notice]]) -> None:
    numbers = [[item.seq for item in one if isinstance(item, Event)] for one in heard]
    assert numbers[0] == sorted(numbers[0])
    assert numbers[0] == numbers[1]
