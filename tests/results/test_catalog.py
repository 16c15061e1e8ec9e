"""What stands in the way of the catalog is told with what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from velora_tui.errors import NotWritten, StoreError
from velora_tui.store.catalog import Catalog

ANEW = "delete the file; `velora import` makes it anew"
RIGHTS = "check the folder's rights and free space"


def test_a_damaged_catalog_is_made_anew(desk: Desk) -> None:
    (desk.folder / "state").mkdir()
    (desk.folder / "state" / "catalog.db").write_bytes(b"no database at all, but long enough to be one" * 100)

    answer = desk("results")

    assert answer.status == 1
    assert f"file is not a database — {ANEW}" in answer.complaint


def test_a_catalog_that_cannot_be_opened_is_not_called_damaged(desk: Desk) -> None:
    (desk.folder / "state" / "catalog.db").mkdir(parents=True)

    answer = desk("results")

    assert answer.status == 1
    assert f"unable to open database file — {RIGHTS}" in answer.complaint


def test_a_full_disk_is_not_a_damaged_catalog(tmp_path: Path) -> None:
    with Catalog(tmp_path / "catalog.db") as catalog:
        catalog._database.execute("PRAGMA max_page_count = 1")  # no larger than it is: SQLite's "disk is full"

        with pytest.raises(NotWritten) as caught:
            catalog.name_models({f"{number}{'x' * 500}": "y" for number in range(200)})

    assert "full" in caught.value.message
    assert caught.value.hint == RIGHTS


def test_a_catalog_that_another_writes_to_is_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.db"
    Catalog(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("velora_tui.store.catalog._BUSY_SECONDS", 0.05)

    try:
        with pytest.raises(StoreError) as caught:
            Catalog(path)
    finally:
        other.close()

    assert caught.value.hint == "another Velora is writing to it: try again"
