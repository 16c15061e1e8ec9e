"""The catalog: one compact row for each finished run, own or imported, in a SQLite file of its own.

It is an index: what it says is read from velora.json files and from imported trees, and can be read again. The
details of imported runs are kept in it too, because the trees they come from are never written to.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Outcome
from velora_tui.domain.result import AttemptResult
from velora_tui.errors import NotWritten, StoreError, UnknownName
from velora_tui.garbage import collection_held
from velora_tui.store.results import load_result

CATALOG_FILE = "catalog.db"
_VERSION = 1
_BUSY_SECONDS = 10.0
_NAMED = 8
_COLUMNS = tuple(column.name for column in fields(ResultRow) if column.init and column.name != "earlier")
_SHOWN = ", ".join(
    "iif(origin = 'import', coalesce((SELECT ours FROM models WHERE found = model), model), model)"
    if name == "model"
    else name
    for name in _COLUMNS
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS results ({", ".join(_COLUMNS)}, source TEXT NOT NULL, PRIMARY KEY (key));
CREATE INDEX IF NOT EXISTS results_of_source ON results (source);
CREATE TABLE IF NOT EXISTS details (key TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sources (
    folder TEXT PRIMARY KEY, batch TEXT NOT NULL, fingerprint TEXT NOT NULL, graded TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS models (found TEXT PRIMARY KEY, ours TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Source:
    """A folder that was read: as it was then, how it was graded, and what was wrong with it, or ""."""

    folder: str
    batch: str
    fingerprint: str
    graded: str
    problem: str = ""


class Catalog:
    """An open catalog; a context manager. Every call blocks; all raise StoreError.

    One thread uses it. Other processes may read at the same time, and wait for each other to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the catalog {path} cannot be opened: {error}", hint=_hint(error)) from None
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    # --- reading

    def rows(self, *, copies: bool = False) -> list[ResultRow]:
        """Return every row, without `copies` of runs that lie elsewhere too."""
        where = "" if copies else " WHERE NOT is_copy"
        with self._explained():
            found = self._database.execute(f"SELECT {_SHOWN} FROM results{where}").fetchall()
        with collection_held():
            return [_row(values) for values in found]

    def row(self, key: str) -> ResultRow:
        """Return the row of `key`, or of the only key that begins so. Raises UnknownName."""
        with self._explained():
            query = f"SELECT {_SHOWN} FROM results WHERE key = ? OR substr(key, 1, ?) = ? ORDER BY key <> ?, key"
            found = [_row(values) for values in self._database.execute(query, (key, len(key), key, key))]
        if not found:
            raise UnknownName(f"unknown result {key!r}", hint="`velora results --keys` shows their keys")
        if found[0].key != key and len(found) > 1:
            named = ", ".join(f"{row.key} ({row.task} {row.model})" for row in found[:_NAMED])
            raise UnknownName(f"{len(found)} results begin with {key}: {named}", hint="give more of the key")
        return found[0]

    def result(self, row: ResultRow) -> AttemptResult:
        """Return the details of a row."""
        if row.origin == "velora":
            return load_result(Path(row.folder))
        with self._explained():
            found = self._database.execute("SELECT data FROM details WHERE key = ?", (row.key,)).fetchone()
        if found is None:
            raise StoreError(f"the catalog has no details of {row.key}", hint="import its folder again")
        try:
            result = AttemptResult.model_validate_json(zlib.decompress(found[0]))
        except (zlib.error, ValidationError):
            raise StoreError(f"the details of {row.key} are damaged", hint="import its folder again") from None
        return result.model_copy(update={"model": row.model})

    def sources(self) -> dict[str, Source]:
        """Return every folder that was read, by its path."""
        with self._explained():
            found = self._database.execute("SELECT folder, batch, fingerprint, graded, problem FROM sources")
            return {values[0]: Source(*values) for values in found}

    # --- writing

    def keep(self, kept: Iterable[tuple[Source, list[tuple[ResultRow, bytes | None]]]]) -> None:
        """Replace what is known of folders, all or nothing; imported runs come with their details, packed."""
        with self._writing() as database:
            for source, results in kept:
                self._drop(database, source.folder)
                database.execute(
                    "INSERT INTO sources VALUES (?, ?, ?, ?, ?)",
                    (source.folder, source.batch, source.fingerprint, source.graded, source.problem),
                )
                for row, details in results:
                    marks = ", ".join("?" * (len(_COLUMNS) + 1))
                    database.execute(f"INSERT OR REPLACE INTO results VALUES ({marks})", (*_values(row), source.folder))
                    if details is not None:
                        database.execute("INSERT OR REPLACE INTO details VALUES (?, ?)", (row.key, details))

    def forget(self, folders: Iterable[str]) -> None:
        """Drop folders and their results."""
        with self._writing() as database:
            for folder in folders:
                self._drop(database, folder)

    def mark_gone(self, folders: Iterable[str], *, gone: bool) -> None:
        """Note that the files of folders are not there any more, or are there again."""
        with self._writing() as database:
            database.executemany("UPDATE results SET is_gone = ? WHERE source = ?", [(gone, name) for name in folders])

    def name_models(self, names: Mapping[str, str]) -> None:
        """Call models of imported runs by the operator's own names from now on; a name for itself undoes that."""
        with self._writing() as database:
            database.executemany("INSERT OR REPLACE INTO models VALUES (?, ?)", names.items())

    def mark_copies(self) -> int:
        """Find the runs that lie in several places, let the most complete stand for them, and return how many don't."""
        with self._writing() as database:
            database.execute(_MARK_COPIES)
            return int(database.execute("SELECT count(*) FROM results WHERE is_copy").fetchone()[0])

    def count_own_copies(self) -> int:
        """Return how many imported runs are copies of the operator's own, as `mark_copies` found them."""
        own = "SELECT key FROM results WHERE origin = 'velora' AND key = content"
        query = f"SELECT count(*) FROM results WHERE is_copy AND key <> content AND content IN ({own})"
        with self._explained():
            return int(self._database.execute(query).fetchone()[0])

    # --- inside

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        found = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if found > _VERSION:
            raise StoreError(f"the catalog {self.path} is of a newer Velora", hint="use that one, or delete the file")
        with self._writing() as database:
            for statement in _SCHEMA.strip().split(";\n"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_VERSION}")

    @staticmethod
    def _drop(database: sqlite3.Connection, folder: str) -> None:
        database.execute("DELETE FROM details WHERE key IN (SELECT key FROM results WHERE source = ?)", (folder,))
        database.execute("DELETE FROM results WHERE source = ?", (folder,))
        database.execute("DELETE FROM sources WHERE folder = ?", (folder,))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
        except sqlite3.Error as error:
            raise NotWritten(f"the catalog {self.path} cannot be written: {error}", hint=_hint(error)) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the catalog {self.path} cannot be read: {error}", hint=_hint(error)) from None


def _hint(error: OSError | sqlite3.Error) -> str:
    """Return what to do next: only a catalog that is damaged has to be made anew."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF  # without what an extended code adds
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another Velora is writing to it: try again"
    if code in _NOT_DAMAGED:
        return "check the folder's rights and free space"
    return "delete the file; `velora import` makes it anew"


_NOT_DAMAGED = frozenset(
    (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)
)

# Of several copies the one that is there, ours, graded again and most complete stands for all.
_MARK_COPIES = """
UPDATE results SET is_copy = key NOT IN (
    SELECT key FROM (
        SELECT key, row_number() OVER (
            PARTITION BY iif(content = '', key, content)
            ORDER BY is_gone, key <> content, is_verified DESC, quality_good DESC, tests_run IS NULL,
                length(folder), folder
        ) AS place FROM results
    ) WHERE place = 1
)
"""


def _flags(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


_TRUTHS = ("harness_resolved", "is_verified", "is_valid", "is_copy", "is_gone")
_READ: dict[int, Callable[[Any], Any]] = {
    _COLUMNS.index("flags"): _flags,
    _COLUMNS.index("outcome"): Outcome,
    **{_COLUMNS.index(name): _truth for name in _TRUTHS},
}


def _row(values: tuple[Any, ...]) -> ResultRow:
    listed = list(values)
    for place, read in _READ.items():
        listed[place] = read(listed[place])
    return ResultRow(*listed)


def _values(row: ResultRow) -> tuple[Any, ...]:
    found = {name: getattr(row, name) for name in _COLUMNS}
    return tuple({**found, "flags": "\n".join(row.flags), "outcome": row.outcome.value}.values())


def pack_details(details: AttemptResult) -> bytes:
    """Return what the catalog keeps of an imported run."""
    return zlib.compress(details.model_dump_json(by_alias=True).encode(), level=3)
