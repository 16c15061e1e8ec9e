"""A journal on a disk without room, as far as its writers can tell."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


class FullJournal:
    """Refuses events of some kinds in the journal, as a full disk refuses all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def refuse(self, *kinds: str) -> None:
        listed = ", ".join(f"'{kind}'" for kind in kinds)
        self._run(
            "CREATE TRIGGER full BEFORE INSERT ON events"
            f" WHEN json_extract(NEW.event, '$.event') IN ({listed})"
            " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )

    def give_room(self) -> None:
        self._run("DROP TRIGGER full")

    def _run(self, statement: str) -> None:
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            database.execute(statement)
