"""A journal that can't be written for a while: what waits goes on as soon as there is room again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.engine.following import LIMIT_SECONDS, until
from tests.engine.full_journal import FullJournal
from velora_tui.domain.events import AttemptStarted, AttemptState, DriveBroken
from velora_tui.domain.fleet import LOCAL_HOST, Defaults, Fleet, Instance, OwnCheck
from velora_tui.domain.requests import RunRequest
from velora_tui.engine import worker
from velora_tui.engine.engine import Engine
from velora_tui.errors import StoreError
from velora_tui.store.layout import Layout

TASK = {
    "instance_id": "shop-1",
    "repo": "acme/shop",
    "base_commit": "0123abcd",
    "FAIL_TO_PASS": ["a"],
    "PASS_TO_PASS": [],
    "test_patch": "",
    "test_command": "true",
    "problem_statement": "It is wrong.",
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.under(tmp_path / "state")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """This machine as the only instance."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(worker, "_BACK_OFF_SECONDS", 0.05)
    home = tmp_path / "instance"
    home.mkdir()
    instance = Instance(name="here", host=LOCAL_HOST, home=home, max_disk_percent=100)
    return Fleet(defaults=Defaults(recipe="native"), instances=(instance,))


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    dataset = tmp_path / "dataset.json"
    dataset.write_text(json.dumps(TASK))
    return RunRequest(dataset=str(dataset), model="llm.gpt", wait=True)


async def test_an_attempt_starts_although_its_check_could_not_be_journalled(
    fleet: Fleet, layout: Layout, request_: RunRequest
) -> None:
    async with Engine(fleet, layout) as engine, asyncio.timeout(LIMIT_SECONDS):
        FullJournal(layout.journal).refuse("instance_checked")
        with engine.observe() as told:
            run = await engine.start(request_)
            await until(told, lambda event: isinstance(event, AttemptStarted) and event.run == run.run)


async def test_a_stop_that_could_not_be_journalled_is_carried_out_later(
    fleet: Fleet, layout: Layout, request_: RunRequest
) -> None:
    never_ready = fleet.model_copy(update={"checks": (OwnCheck(id="never", command="false", blocking=True),)})
    async with Engine(never_ready, layout) as engine, asyncio.timeout(LIMIT_SECONDS):
        full = FullJournal(layout.journal)
        full.refuse("attempt_finished")
        with engine.observe() as told:
            run = await engine.start(request_)
            with suppress(StoreError):  # two carry it out, and the first is told
                await engine.stop(run.run)
            await until(told, lambda event: isinstance(event, DriveBroken))
        full.give_room()
        while engine.run(run.run).is_active:
            await engine.attach()
            await asyncio.sleep(0.02)
        attempt = engine.run(run.run).attempt
        assert attempt is not None
        assert (attempt.state, attempt.started_at) == (AttemptState.STOPPED, None)


async def test_a_damaged_journal_is_told_as_such(layout: Layout, fleet: Fleet) -> None:
    async with Engine(fleet, layout) as engine:
        await engine.check()
    with closing(sqlite3.connect(layout.journal)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = layout.journal.read_bytes()
    layout.journal.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreError, match="malformed"):
        async with Engine(fleet, layout):
            pytest.fail("it cannot be read")
