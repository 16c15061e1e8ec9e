"""A catalog, and a place for trees to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import desk as desk
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.result import AttemptResult
from velora_tui.pipeline.imported.batch import ImportReport, import_trees
from velora_tui.store.catalog import Catalog

Import = Callable[..., ImportReport]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder with finished runs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "state" / "catalog.db") as catalog:
        yield catalog


@pytest.fixture
def imported(catalog: Catalog, disk: Path) -> Callable[..., ResultRow]:
    """Import the disk and return the only row."""

    def run(**options: object) -> ResultRow:
        import_trees(catalog, [disk], **options)  # type: ignore[arg-type]
        (row,) = catalog.rows()
        return row

    return run


@pytest.fixture
def details(catalog: Catalog, imported: Callable[..., ResultRow]) -> Callable[..., AttemptResult]:
    """Import the disk and return the only run's details."""
    return lambda **options: catalog.result(imported(**options))
