"""How the tables were left: their filter and order, kept across restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from velora_tui.errors import StoreError
from velora_tui.store.files import read_limited, write_json

_MOST_BYTES = 64 * 1024


class TableView(BaseModel):
    """The filter as typed, the column by which the rows are sorted, and the field by which they are grouped.

    None leaves them as they come, "" ungrouped.
    """

    model_config = ConfigDict(frozen=True)

    filter: str = ""
    column: str | None = None
    descending: bool = False
    group: str = ""


_VIEWS: TypeAdapter[dict[str, TableView]] = TypeAdapter(dict[str, TableView])


class Memory:
    """The views by name of the screen. A file that is missing or damaged counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._views = _read(path)
        self._kept = dict(self._views)

    def of(self, screen: str) -> TableView:
        """Return how the screen's table was left."""
        return self._views.get(screen, TableView())

    def put(self, screen: str, view: TableView) -> None:
        """Remember how the table stands; `keep` writes it down."""
        self._views[screen] = view

    async def keep(self) -> None:
        """Write down what is remembered, if it is not yet. Raises StoreError."""
        if self._views == self._kept:
            return
        views = dict(self._views)
        await asyncio.to_thread(write_json, self._path, _VIEWS.dump_python(views))
        self._kept = views


def _read(path: Path) -> dict[str, TableView]:
    try:
        return _VIEWS.validate_json(read_limited(path, _MOST_BYTES))
    except (StoreError, ValidationError):
        return {}
