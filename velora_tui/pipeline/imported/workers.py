"""Read many run folders: in this process while they are few, on all cores once they are many."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from velora_tui.domain.listing import ResultRow
from velora_tui.errors import StoreError
from velora_tui.pipeline.imported.assess import Tasks, as_copy, assess
from velora_tui.pipeline.imported.ungraded import why_ungraded
from velora_tui.store.catalog import pack_details
from velora_tui.store.trees import RunFolder

FEW_CHUNKS = 8
MOST_PROCESSES = 8


@dataclass(frozen=True)
class Reading:
    """What a folder holds: rows with their packed details, which results of Velora's own have in their folders.

    `ungraded` says of each run that we could not grade why.
    """

    folder: str
    fingerprint: str
    results: tuple[tuple[ResultRow, bytes | None], ...]
    problems: tuple[str, ...]
    ungraded: tuple[str, ...] = ()


class Workers:
    """Reads folders, in their order. A context manager; `processes` 0 stays in this one, None is one a core."""

    def __init__(self, tasks: Tasks, processes: int | None) -> None:
        self._tasks = tasks
        self._processes = min(MOST_PROCESSES, os.cpu_count() or 1) if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def read(self, chunks: Iterator[list[RunFolder]], batch: str, *, is_own: bool) -> Iterator[list[Reading]]:
        """Yield what the folders hold, chunk by chunk."""
        for number, chunk in enumerate(chunks):
            yield read_chunk(chunk, self._tasks, batch, is_own)
            if number + 1 == FEW_CHUNKS and self._processes > 1:
                break
        yield from self._spread(chunks, batch, is_own)

    def _spread(self, chunks: Iterator[list[RunFolder]], batch: str, is_own: bool) -> Iterator[list[Reading]]:
        waiting: deque[Future[list[Reading]]] = deque()
        for chunk in chunks:
            waiting.append(self._started().submit(_read_in_worker, chunk, batch, is_own))
            if len(waiting) > 2 * self._processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # a fork would take the database's connection along
            self._pool = ProcessPoolExecutor(self._processes, context, _prepare, (self._tasks,))
        return self._pool


_worker_tasks: Tasks = {}


def _prepare(tasks: Tasks) -> None:
    """Set a worker up: interrupts are its parent's business."""
    global _worker_tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker_tasks = tasks


def _read_in_worker(chunk: Sequence[RunFolder], batch: str, is_own: bool) -> list[Reading]:
    return read_chunk(chunk, _worker_tasks, batch, is_own)


def read_chunk(chunk: Sequence[RunFolder], tasks: Tasks, batch: str, is_own: bool) -> list[Reading]:
    """Return what each folder holds; one that can't be read holds nothing and says why."""
    return [_read(found, tasks, batch, is_own) for found in chunk]


def _read(found: RunFolder, tasks: Tasks, batch: str, is_own: bool) -> Reading:
    results: tuple[tuple[ResultRow, bytes | None], ...] = ()
    ungraded: tuple[str, ...] = ()
    try:
        runs, problems = assess(found, tasks, batch)
        ungraded = tuple(why for run in runs if (why := why_ungraded(run.result)))
        if found.is_ours:
            shown = runs if is_own else [as_copy(run) for run in runs]
            results = tuple((run.row, None) for run in shown)
        else:
            results = tuple((run.row, pack_details(run.result)) for run in runs)
    except StoreError as error:
        problems = [error.message]
    except OSError as error:
        problems = [f"{error.filename or found.folder} cannot be read: {error.strerror}"]
    except Exception as error:  # noqa: BLE001 - the boundary of one folder: a bug there must not end the import
        place = traceback.extract_tb(error.__traceback__)[-1]
        problems = [f"a bug: {type(error).__name__}: {error} ({place.name}, line {place.lineno}): please report it"]
    return Reading(str(found.folder), found.fingerprint, results, tuple(problems), ungraded)
