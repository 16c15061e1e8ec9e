"""The journal: what is appended is checked, kept, and seen by other processes."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.domain.streams import FAILURE, PHASES, RUN, created
from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    InstanceChecked,
    RunEvent,
)
from velora_tui.domain.readiness import CheckResult, CheckStatus
from velora_tui.domain.run import fold_all
from velora_tui.errors import IllegalTransition, NotWritten, StoreError
from velora_tui.store.journal import Journal

IDS = {"run": RUN, "attempt": 1}
EVENTS: list[RunEvent] = [
    created(),
    AttemptQueued(**IDS, phases=PHASES),
    AttemptStarted(**IDS, instance="eval1", by="x"),
    AttemptFinished(**IDS, state=AttemptState.FAILED, failure=FAILURE),
]


async def test_events_and_state_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        stored = [await journal.append(event) for event in EVENTS]
        checks = (CheckResult(id="disk", status=CheckStatus.FAIL, blocking=True, detail="91 % used"),)
        await journal.append(InstanceChecked(instance="eval4", checks=checks))
    async with Journal(tmp_path / "j.db") as journal:
        last, runs, readiness = await journal.state()
        assert last == 5
        assert runs == {RUN: fold_all(None, EVENTS)}
        assert readiness["eval4"].reason == "disk: 91 % used"
        assert (await journal.events())[:4] == stored
        assert await journal.events(after=3, run=RUN) == stored[3:]


async def test_an_illegal_event_leaves_no_trace(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.append(EVENTS[0])
        with pytest.raises(IllegalTransition):
            await journal.append(EVENTS[2])
        assert [event.seq for event in await journal.events()] == [1]
        assert (await journal.append(EVENTS[1])).seq == 2


async def test_a_full_disk_is_told_as_such_and_the_journal_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.append(EVENTS[0])
        database = journal._open()
        await database.execute("PRAGMA max_page_count = 1")
        long = InstanceChecked(
            instance="x" * 100_000, checks=(CheckResult(id="disk", status=CheckStatus.OK, blocking=True),)
        )
        with pytest.raises(NotWritten, match="cannot be written: database or disk is full"):
            await journal.append(long)
        await database.execute("PRAGMA max_page_count = 100000")
        assert (await journal.append(EVENTS[1])).seq == 2


async def test_of_two_processes_only_one_can_make_a_step(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as one, Journal(tmp_path / "j.db") as other:
        await one.append(EVENTS[0])
        seen = await one.data_version()
        queued = [journal.append(EVENTS[1]) for journal in (one, other)]
        results = await asyncio.gather(*queued, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["AttemptQueued", "IllegalTransition"]
        await other.append(EVENTS[2])
        assert await one.data_version() != seen
        assert [event.event for event in await one.events()] == ["run_created", "attempt_queued", "attempt_started"]


async def test_a_journal_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(StoreError, match=r"text\.db cannot be opened: file is not a database"):
        async with Journal(tmp_path / "text.db"):
            pass
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        async with Journal(tmp_path / "file" / "j.db"):
            pass


async def test_a_journal_of_a_newer_velora_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "j.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer Velora"):
        async with Journal(tmp_path / "j.db"):
            pass
