"""How far runs are, between the processes that share a state folder: notices are not journalled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from velora_tui.domain.events import LogGrew, PhaseProgressed, PhaseState
from velora_tui.domain.run import Run
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import StoreError
from velora_tui.store.files import read_limited, write_atomically
from velora_tui.store.layout import Layout

_SHARE_SECONDS = 1.0
_PROGRESS_BYTES = 64 * 1024

Place = tuple[str, int, str]
"""A phase of an attempt: run, attempt, phase."""


class SharedProgress:
    """Leaves the progress of the runs that this process drives for others to read, and tells that of the others' runs.

    Of a run that another process drives, the size of its log here tells that it grew.
    """

    def __init__(self, ledger: Ledger, layout: Layout, drives: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._layout = layout
        self._drives = drives
        self._left: dict[str, PhaseProgressed] = {}
        self._sizes: dict[Place, int] = {}

    async def share(self) -> None:
        """Do so until cancelled; then nobody says any more how far our runs are."""
        try:
            while True:
                await self._share_once()
                await asyncio.sleep(_SHARE_SECONDS)
        finally:
            self._write({}, self._left)

    async def _share_once(self) -> None:
        running = {place[0]: place for run in self._ledger.runs.values() if (place := _place(run))}
        ours = {run for run in running if self._drives(run)}
        await self._leave(ours)
        others = [place for run, place in running.items() if run not in ours]
        self._sizes = {place: size for place, size in self._sizes.items() if place in others}
        if others:
            self._tell(await asyncio.to_thread(self._look, others))

    async def _leave(self, ours: Iterable[str]) -> None:
        """Write what is new of our runs, and take away what was written of those that are over."""
        known = self._ledger.progress
        latest = {run: known[run] for run in ours if run in known}
        new = {run: progress for run, progress in latest.items() if self._left.get(run) != progress}
        over = self._left.keys() - latest.keys()
        self._left = latest
        if new or over:
            await asyncio.to_thread(self._write, new, over)

    def _write(self, new: Mapping[str, PhaseProgressed], over: Iterable[str]) -> None:
        for run, progress in new.items():
            with suppress(StoreError):  # the next may be written again
                write_atomically(self._layout.progress(run), progress.model_dump_json().encode())
        for run in over:
            with suppress(OSError):
                self._layout.progress(run).unlink(missing_ok=True)

    def _look(self, others: Iterable[Place]) -> list[LogGrew | PhaseProgressed]:
        """Return how far the others' runs are now. Blocks."""
        found: list[LogGrew | PhaseProgressed] = []
        for run, attempt, phase in others:
            with suppress(OSError):
                log = self._layout.log(run, attempt, phase).stat()
                at = datetime.fromtimestamp(log.st_mtime, UTC)
                found.append(LogGrew(run=run, attempt=attempt, phase=phase, size=log.st_size, at=at))
            progress = _read(self._layout.progress(run))
            if progress is not None and (progress.run, progress.attempt, progress.phase) == (run, attempt, phase):
                found.append(progress)
        return found

    def _tell(self, found: Iterable[LogGrew | PhaseProgressed]) -> None:
        """Tell what is new, unless the phase has ended meanwhile."""
        for notice in found:
            place = (notice.run, notice.attempt, notice.phase)
            if _place(self._ledger.runs[notice.run]) != place or self._drives(notice.run):
                continue
            if isinstance(notice, PhaseProgressed):
                is_new = self._ledger.progress.get(notice.run) != notice
            else:
                is_new = self._sizes.get(place) != notice.size
                self._sizes[place] = notice.size
            if is_new:
                self._ledger.notify(notice)


def _place(run: Run) -> Place | None:
    """Return the phase that runs, if any does."""
    attempt = run.attempt
    phase = attempt.current_phase if attempt is not None and not attempt.state.is_over else None
    running = phase is not None and phase.state is PhaseState.RUNNING
    return (run.run, attempt.number, phase.name) if attempt and phase and running else None


def _read(path: Path) -> PhaseProgressed | None:
    try:
        return PhaseProgressed.model_validate_json(read_limited(path, _PROGRESS_BYTES))
    except (StoreError, ValidationError):
        return None
