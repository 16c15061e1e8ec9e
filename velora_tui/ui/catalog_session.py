"""The app's hold on the catalog: its rows as they stand, and the runs in it, read in a thread of its own."""

from __future__ import annotations

import asyncio
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from velora_tui.domain.listing import ResultRow
from velora_tui.errors import StoreError
from velora_tui.pipeline.imported.batch import refresh_own
from velora_tui.pipeline.imported.quoted import write_quoted
from velora_tui.store.catalog import CATALOG_FILE, Catalog
from velora_tui.store.error_log import report_bug
from velora_tui.store.layout import Layout
from velora_tui.ui.one_thread import OneThread
from velora_tui.ui.screens.run_place import Place, catalogued_place, read_patch
from velora_tui.view.compare_rows import Compared
from velora_tui.view.results_rows import by_run

LEAST_SECONDS_BETWEEN = 2.0
LOOK_SECONDS = 5.0
CLOSING_SECONDS = 0.5
_KEPT_PLACES = 64


@dataclass(frozen=True)
class _Read:
    """What was read of the catalog, and its files as they were then."""

    rows: tuple[ResultRow, ...]
    stamp: tuple[object, ...]


class CatalogSession:
    """Keeps `rows` up to date with one's own results and with imports. `version` is another one when they are.

    `rows` are as `by_run` returns them. `is_loaded` is whether they were ever read, `problem` why they could not be.
    `shown` are the keys of the runs that Results shows, in its order, and `current` the one looked at last.
    """

    def __init__(self, layout: Layout, *, on_change: Callable[[], None]) -> None:
        self.rows: tuple[ResultRow, ...] = ()
        self.version = 0
        self.is_loaded = False
        self.problem = ""
        self.shown: tuple[str, ...] = ()
        self.current: str | None = None
        self._by_key: dict[str, ResultRow] = {}
        self._layout = layout
        self._on_change = on_change
        self._thread = OneThread("velora-catalog")
        self._catalog: Catalog | None = None
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._wanted = asyncio.Event()
        self._stamp: tuple[object, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._quoted: Path | None = None

    def open(self) -> None:
        """Begin to read."""
        if self._task is None:
            self._task = asyncio.create_task(self._serve())

    def want(self) -> None:
        """Look for results of one's own that are new."""
        self._wanted.set()

    async def close(self) -> None:
        """Let go of the catalog."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSING_SECONDS)
        self._thread.stop(self._close)
        if self._quoted is not None:
            await asyncio.to_thread(rmtree, self._quoted, ignore_errors=True)

    def _close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()

    def row(self, key: str) -> ResultRow | None:
        """Return the row of a run."""
        return self._by_key.get(key)

    def place(self, key: str) -> Place | None:
        """Return where the run of a row lies, if that was read already."""
        return self._places.get(key)

    async def read_place(self, key: str) -> Place | None:
        """Return where the run of a row lies; None where the catalog has none. Raises StoreError."""
        row = self.row(key)
        if row is None:
            return None
        if key not in self._places:
            place = await self._thread.do(lambda: catalogued_place(row, self._opened().result(row), self._layout))
            self._places[key] = await self._with_quoted(place)
            while len(self._places) > _KEPT_PLACES:
                self._places.popitem(last=False)
        self._places.move_to_end(key)
        return self._places[key]

    async def _with_quoted(self, place: Place) -> Place:
        """Return the place with what only its record has, written to files that go with this session."""
        known = place.catalogued
        if known is None or known.quoting is None or not known.needs_quoted:
            return place
        if self._quoted is None:
            self._quoted = Path(await asyncio.to_thread(mkdtemp, prefix="velora-"))
        try:
            files = await write_quoted(known.quoting, known.row.task, self._quoted / place.run.run)
        except (ValueError, OSError):
            return place  # the tabs say that there is no such file
        return replace(place, catalogued=known.with_files(files))

    async def compared(self, rows: Sequence[ResultRow]) -> list[Compared]:
        """Return runs with their details; those that came to no result, or whose details are gone, are left out."""
        found = [await self._thread.do(partial(self._compared, row)) for row in rows]
        return [run for run in found if run is not None]

    def _compared(self, row: ResultRow) -> Compared | None:
        try:
            result = self._opened().result(row)
            place = catalogued_place(row, result, self._layout)
            diff = read_patch(place)
        except StoreError:
            return None
        return Compared(row, result, diff.files if diff else ())

    # --- reading

    async def _serve(self) -> None:
        await self._try(self._load)
        await self._try(self._refresh)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), LOOK_SECONDS)
            work = self._refresh if self._wanted.is_set() else self._load_if_other
            self._wanted.clear()
            await self._try(work)
            await asyncio.sleep(LEAST_SECONDS_BETWEEN)

    async def _try(self, work: Callable[[], _Read | None]) -> None:
        """Do `work` in the thread and show what it read; what goes wrong is a problem, not the end."""
        try:
            read = await self._thread.do(work)
        except StoreError as error:
            self._show(self.rows, error.explain())
        except Exception:  # noqa: BLE001 - the boundary around the catalog: reported, never shown raw
            report_bug(self._layout.error_log, traceback.format_exc())
            self._show(self.rows, f"reading the catalog met a bug; the details are in {self._layout.error_log}")
        else:
            if read is not None:
                self._stamp = read.stamp
                self._by_key = {row.key: row for row in read.rows}
                self._places.clear()
                self._show(read.rows, "")
            elif self.problem:
                self._show(self.rows, "")

    def _show(self, rows: tuple[ResultRow, ...], problem: str) -> None:
        if not self.is_loaded or rows is not self.rows or problem != self.problem:
            self.rows, self.problem, self.is_loaded = rows, problem, True
            self.version += 1
            self._on_change()

    # --- in the thread

    def _opened(self) -> Catalog:
        if self._catalog is None:
            self._catalog = Catalog(self._layout.state / CATALOG_FILE)
        return self._catalog

    def _load(self) -> _Read:
        stamp = self._stamp_now()
        return _Read(tuple(by_run(self._opened().rows())), stamp)

    def _load_if_other(self) -> _Read | None:
        """Read the rows where another process, as `velora import`, has written some."""
        return self._load() if self._stamp_now() != self._stamp else None

    def _refresh(self) -> _Read | None:
        """Take one's own new results into the catalog."""
        refresh_own(self._opened(), self._layout.results)
        return self._load_if_other()

    def _stamp_now(self) -> tuple[object, ...]:
        path = self._layout.state / CATALOG_FILE
        return _stat(path), _stat(path.with_name(f"{CATALOG_FILE}-wal"))


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
