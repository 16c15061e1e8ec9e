"""The app's hold on the engine: opened, followed and let go of by one task."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime

from velora_tui.domain.events import (
    AnyEvent,
    AttemptStarted,
    AttemptState,
    ChecksAnswered,
    ConnectionChanged,
    DriveBroken,
    InstanceChecked,
    LogGrew,
    Notice,
    RunEvent,
)
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.errors import StoreError, VeloraError
from velora_tui.store.error_log import report_bug
from velora_tui.ui.port import EngineLike

CLOSING_SECONDS = 1.5
_TAKE_UP_SECONDS = 5.0


class EngineSession:
    """Runs the engine beside the screens. `is_live` is True from its opening on; `problem` says why it ended.

    `heard_at` is by run when its log last grew.
    """

    def __init__(
        self,
        engine: EngineLike,
        opening: Sequence[RunRequest],
        *,
        on_change: Callable[[], None],
        on_growth: Callable[[LogGrew], None],
        on_error: Callable[[VeloraError], None],
        on_found: Callable[[Sequence[Run]], None],
    ) -> None:
        self.is_live = False
        self.problem: str | None = None
        self.heard_at: dict[str, datetime] = {}
        self._engine = engine
        self._opening = tuple(opening)
        self._on_change = on_change
        self._on_growth = on_growth
        self._on_error = on_error
        self._on_found = on_found
        self._task: asyncio.Task[None] | None = None
        self._last_trouble = ""

    def open(self) -> None:
        """Open the engine in a task of its own."""
        self._task = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """Let go of the engine, within 1.5 s; what runs on the instances goes on."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=CLOSING_SECONDS)

    async def _serve(self) -> None:
        try:
            async with self._engine, asyncio.TaskGroup() as group:
                self.is_live = True
                self._on_change()
                group.create_task(self._follow())
                group.create_task(self._take_up())
        except asyncio.CancelledError:
            raise
        except VeloraError as error:
            self._end(error.explain())
        except Exception:  # noqa: BLE001 - the boundary around the engine: reported, never shown raw
            path = self._engine.layout.error_log
            report_bug(path, traceback.format_exc())
            self._end(f"the engine met a bug and stopped; the details are in {path}")
        finally:
            self.is_live = False

    async def _follow(self) -> None:
        with self._engine.observe() as events:
            async for event in events:
                self._tell(event)

    def _tell(self, event: AnyEvent | Notice) -> None:
        if isinstance(event, LogGrew):
            self.heard_at[event.run] = event.at
            self._on_growth(event)
        elif isinstance(event, DriveBroken):
            self._tell_once(StoreError(f"run {event.run} is no longer followed: {event.message}"))
        elif isinstance(event, RunEvent | InstanceChecked | ChecksAnswered | ConnectionChanged):
            if isinstance(event, AttemptStarted):
                self.heard_at.pop(event.run, None)  # what an earlier attempt said is nothing of this one
            self._on_change()

    async def _take_up(self) -> None:
        """Attach to what runs already, start what the dashboard was opened with, and take up what others let go of."""
        taken = await self._engine.attach()
        found = [run for run in taken if run.attempt is not None and run.attempt.state is AttemptState.RUNNING]
        if found:
            self._on_found(found)
        for request in self._opening:
            try:
                await self._engine.start(request)
            except VeloraError as error:
                self._on_error(error)
        while True:
            await asyncio.sleep(_TAKE_UP_SECONDS)
            try:
                await self._engine.attach()
            except VeloraError as error:
                self._tell_once(error)

    def _tell_once(self, error: VeloraError) -> None:
        """Tell of a trouble that comes again and again only when it changes."""
        if str(error) != self._last_trouble:
            self._last_trouble = str(error)
            self._on_error(error)

    def _end(self, problem: str) -> None:
        self.is_live = False
        self.problem = problem
        self._on_change()
