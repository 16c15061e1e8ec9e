"""The journal: every event, and the state of every run that they fold to, in one SQLite file.

An event is checked against the stored state and appended in one transaction, so several processes may share
the file and none can make an illegal step.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiosqlite

from velora_tui.domain.events import EVENT_ADAPTER, AnyEvent, Event, InstanceChecked, RunEvent
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.run import Run, fold
from velora_tui.errors import NotWritten, StoreError

EventType = TypeVar("EventType", bound=Event)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, run TEXT, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run, seq);
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readiness (instance TEXT PRIMARY KEY, state TEXT NOT NULL);
"""
_VERSION = 1
_AUDITED = ("command_ran", "repair_started", "repair_ended", "attempt_started")
_BUSY_SECONDS = 10.0
_NOT_TO_BE_WRITTEN = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT}
_NOT_WRITTEN = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


class Journal:
    """An open journal. Use it as an async context manager; one task appends at a time.

    `unwritable` says why its file can only be read, as on a full disk: what is appended then, nobody keeps.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unwritable: str | None = None
        self._lock = asyncio.Lock()
        self._database: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Self:
        opening = asyncio.ensure_future(self._opened())
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait({opening})  # the database's thread must be ended, or the process never would
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    async def append(self, event: EventType) -> EventType:
        """Append `event` and return it with its `seq`. Raises IllegalTransition (nothing is kept) and StoreError."""
        return (await self.append_all([event]))[0]

    async def append_all(self, events: Sequence[EventType]) -> list[EventType]:
        """Append all `events` or none of them, as `append` does."""
        database = self._open()
        async with self._lock:
            try:
                return await self._append(database, events)
            except sqlite3.Error as error:
                raise NotWritten(
                    f"the journal {self.path} cannot be written: {error}", hint="free some disk space and try again"
                ) from None

    async def events(self, after: int = 0, run: str | None = None) -> list[AnyEvent]:
        """Return the events with a `seq` over `after`, of one run or of all, in order."""
        query = "SELECT seq, event FROM events WHERE seq > ?" + (" AND run = ?" if run else "") + " ORDER BY seq"
        with self._reading():
            rows = await self._rows(query, (after, run) if run else (after,))
        return await asyncio.to_thread(_events, rows)

    async def audit(self, instances: Sequence[str], after: int, limit: int) -> list[AnyEvent]:
        """Return the latest `limit` events over `after` that tell what was done on `instances`, or on any, in order."""
        kinds, names = ", ".join("?" * len(_AUDITED)), ", ".join("?" * len(instances))
        where = f" AND json_extract(event, '$.instance') IN ({names})" if instances else ""
        query = f"SELECT seq, event FROM events WHERE seq > ? AND json_extract(event, '$.event') IN ({kinds}){where}"
        with self._reading():
            rows = await self._rows(f"{query} ORDER BY seq DESC LIMIT ?", (after, *_AUDITED, *instances, limit))
        return await asyncio.to_thread(_events, rows[::-1])

    async def state(self) -> tuple[int, dict[str, Run], dict[str, Readiness]]:
        """Return (last seq, runs by id in the order of their making, readiness by instance), all of one moment."""
        database = self._open()
        async with self._lock:
            with self._reading():
                await database.execute("BEGIN")
                try:
                    last = await self._rows("SELECT coalesce(max(seq), 0) FROM events")
                    runs = await self._rows("SELECT state FROM runs ORDER BY rowid")
                    readiness = await self._rows("SELECT state FROM readiness")
                finally:
                    await database.execute("ROLLBACK")
        return last[0][0], *await asyncio.to_thread(_parsed, runs, readiness)

    async def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        with self._reading():
            return int((await self._rows("PRAGMA data_version"))[0][0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise StoreError where SQLite can't read."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the journal {self.path} cannot be read: {error}", hint="check its disk, or take it from a backup"
            ) from None

    async def _opened(self) -> None:
        try:
            await asyncio.to_thread(self.path.parent.mkdir, parents=True, exist_ok=True)
            self._database = await aiosqlite.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            await self._prepare(self._database)
        except (OSError, sqlite3.Error) as error:
            await self.close()
            if not _refuses_writing(error) or not await self._opened_to_read():
                raise StoreError(
                    f"the journal {self.path} cannot be opened: {error}",
                    hint="check the folder's rights and free space",
                ) from None
            self.unwritable = str(error)

    async def _opened_to_read(self) -> bool:
        """Open a copy in memory, of nothing where there is no journal yet; False where it can't even be read."""
        database = await aiosqlite.connect(":memory:", isolation_level=None)
        try:
            if await asyncio.to_thread(self.path.exists):
                await self._copied_into(database)
            self._database = database
            await self._prepare(database)
        except (OSError, sqlite3.Error):
            self._database = None
            await database.close()
            return False
        return True

    async def _copied_into(self, database: aiosqlite.Connection) -> None:
        uri = self.path.absolute().as_uri()
        try:
            async with aiosqlite.connect(f"{uri}?mode=ro", uri=True) as source:
                await source.backup(database)
        except sqlite3.OperationalError:
            # SQLite wants files beside it, even to read; without them nobody else has it open, and so none is needed.
            async with aiosqlite.connect(f"{uri}?immutable=1", uri=True) as source:
                await source.backup(database)

    async def _prepare(self, database: aiosqlite.Connection) -> None:
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute("PRAGMA synchronous = NORMAL")
        await database.executescript(_SCHEMA)
        version = (await self._rows("PRAGMA user_version"))[0][0]
        if version > _VERSION:
            raise sqlite3.DatabaseError(f"it was written by a newer Velora (format {version}, known: {_VERSION})")
        await database.execute(f"PRAGMA user_version = {_VERSION}")

    async def _append(self, database: aiosqlite.Connection, events: Sequence[EventType]) -> list[EventType]:
        await database.execute("BEGIN IMMEDIATE")
        try:
            stored = [await self._insert(database, event) for event in events]
            await database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has ended the transaction already, and is what is to be told
                await database.execute("ROLLBACK")
            raise
        return stored

    async def _insert(self, database: aiosqlite.Connection, event: EventType) -> EventType:
        name = event.run if isinstance(event, RunEvent) else None
        cursor = await database.execute(
            "INSERT INTO events (run, event) VALUES (?, ?)", (name, event.model_dump_json(exclude={"seq"}))
        )
        seq = cursor.lastrowid or 0
        if isinstance(event, RunEvent):
            await self._fold_stored(database, event, seq)
        elif isinstance(event, InstanceChecked):
            await self._store_readiness(database, event)
        return event.model_copy(update={"seq": seq})

    async def _fold_stored(self, database: aiosqlite.Connection, event: RunEvent, seq: int) -> None:
        rows = await self._rows("SELECT state FROM runs WHERE run = ?", (event.run,))
        run = fold(Run.model_validate_json(rows[0][0]) if rows else None, event)
        await database.execute(
            "INSERT INTO runs (run, seq, state) VALUES (?, ?, ?) "
            "ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, state = excluded.state",
            (event.run, seq, run.model_dump_json(by_alias=True)),
        )

    async def _store_readiness(self, database: aiosqlite.Connection, event: InstanceChecked) -> None:
        readiness = Readiness(instance=event.instance, checks=event.checks, at=event.at, holder=event.holder)
        await database.execute(
            "INSERT OR REPLACE INTO readiness (instance, state) VALUES (?, ?)",
            (event.instance, readiness.model_dump_json()),
        )

    async def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        async with self._open().execute(query, values) as cursor:
            return list(await cursor.fetchall())

    def _open(self) -> aiosqlite.Connection:
        if self._database is None:
            raise StoreError(f"the journal {self.path} is closed")
        return self._database


def _refuses_writing(error: OSError | sqlite3.Error) -> bool:
    """Tell whether the journal may still be read: its place has no room, or is not to be written."""
    if isinstance(error, OSError):
        return error.errno in _NOT_TO_BE_WRITTEN
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_WRITTEN


def _events(rows: list[sqlite3.Row]) -> list[AnyEvent]:
    return [EVENT_ADAPTER.validate_json(text).model_copy(update={"seq": seq}) for seq, text in rows]


def _parsed(runs: list[sqlite3.Row], readiness: list[sqlite3.Row]) -> tuple[dict[str, Run], dict[str, Readiness]]:
    folded = (Run.model_validate_json(text) for (text,) in runs)
    checked = (Readiness.model_validate_json(text) for (text,) in readiness)
    return {run.run: run for run in folded}, {state.instance: state for state in checked}
