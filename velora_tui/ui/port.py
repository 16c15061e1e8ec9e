"""What the screens know of the engine and of the app around them, so that neither has to be imported."""

from __future__ import annotations

from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from velora_tui.domain.events import AnyEvent, Notice
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import Group, ResultRow
from velora_tui.domain.readiness import FileReport, Readiness
from velora_tui.domain.repair import RepairPlan, RepairResult
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.errors import UnknownName
from velora_tui.store.layout import Layout
from velora_tui.ui.catalog_session import CatalogSession
from velora_tui.ui.memory import Memory

if TYPE_CHECKING:
    from velora_tui.engine.foreign import OnWatched
    from velora_tui.hosts.known_hosts import HostKey


class EngineLike(Protocol):
    """The engine as the screens use it; `velora_tui.engine.engine.Engine` is one."""

    fleet: Fleet
    layout: Layout
    read_only: bool

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def start(self, request: RunRequest) -> Run: ...

    async def retry(
        self, run_id: str, from_phase: str | None = None, *, force: bool = False, wait: bool = False
    ) -> Run: ...

    async def stop(self, run_id: str) -> Run: ...

    async def check(self, instances: Iterable[str] = ()) -> tuple[Readiness, ...]: ...

    async def file_report(self, instances: Iterable[str] = ()) -> FileReport: ...

    async def file_diff(self, instance: str, path: str) -> str: ...

    async def plan_repair(self, instances: Iterable[str], name: str) -> tuple[RepairPlan, ...]: ...

    async def repair(self, plan: RepairPlan) -> RepairResult: ...

    async def audit(self, instances: Iterable[str] = (), *, after: int = 0, limit: int = 2_000) -> list[AnyEvent]: ...

    async def offered_host_key(self, instance: str) -> HostKey | None: ...

    async def accept_host_key(self, instance: str, fingerprint: str) -> None: ...

    async def follow_foreign(self, instance: str, on_watched: OnWatched = ...) -> None: ...

    async def attach(self) -> tuple[Run, ...]: ...

    async def history(self, run_id: str) -> list[AnyEvent]: ...

    def run(self, name: str) -> Run: ...

    def restarts(self, run_id: str) -> tuple[str, ...]: ...

    def snapshot(self) -> FleetSnapshot: ...

    def observe(self) -> AbstractContextManager[AsyncIterable[AnyEvent | Notice]]: ...

    def log_path(self, run_id: str, attempt: int, phase: str) -> Path: ...


def restarts_of(engine: EngineLike, run_id: str) -> tuple[str, ...]:
    """Return the phases at which a retry of the run may begin; none of a run whose recipe is not known here."""
    try:
        return engine.restarts(run_id)
    except UnknownName:
        return ()


class Dashboard(Protocol):
    """The app as its screens use it."""

    engine: EngineLike
    datasets: tuple[Path, ...]
    memory: Memory
    catalog: CatalogSession

    @property
    def is_live(self) -> bool:
        """Whether the engine is open: before, the state shown is the journal's last."""

    @property
    def themes(self) -> Sequence[str]:
        """The names of all themes, ours first."""

    def open_instance(self, name: str) -> None:
        """Show the Fleet tab with the cursor on that instance."""

    def open_run(
        self,
        run_id: str,
        attempt: int | None = None,
        phase: str | None = None,
        line: int | None = None,
        *,
        test: str = "",
    ) -> None:
        """Open the run's page; with `line`, its log at that line of `phase`; with `test`, its tests at that one."""

    def open_log(
        self, run_id: str, attempt: int | None = None, phase: str | None = None, line: int | None = None
    ) -> None:
        """Show the Log tab on that run; latest attempt and current phase unless named."""

    def follow_foreign(self, instance: str) -> None:
        """Open the log of somebody else's run on `instance`, to read as it is written."""

    def open_files(self) -> None:
        """Show the critical files of all instances side by side."""

    def open_file_diff(self, instance: str, path: str | None = None) -> None:
        """Show what the good copy of a critical file would change on `instance`; of the first odd file unless named."""

    def open_audit(self, instances: Sequence[str]) -> None:
        """Show what Velora did on these instances."""

    def open_causes(self, cause: tuple[str, str | None] | None = None) -> None:
        """Show the failures of the fleet by their causes, with the cursor on `cause` (signature, words)."""

    def open_compare(self, rows: Sequence[ResultRow], groups: Sequence[Group], found: Sequence[ResultRow]) -> None:
        """Compare `rows` test by test, two `groups` with each other, or the models of all that are `found`."""

    def outlive(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` go on whatever becomes of the screen that began it; quitting ends it first of all."""

    @property
    def heard_at(self) -> Mapping[str, datetime]:
        """When the log of a run last grew, by run."""

    @property
    def problem(self) -> str | None:
        """Why the engine could not open, or None."""

    def go_back(self) -> None:
        """Go one level up: from a page to its tab, from a tab to the fleet; never out."""

    def show_help(self) -> None:
        """Show what the keys do on the current screen."""

    def show_palette(self) -> None:
        """Find an action, instance, run or theme by name."""

    def choose_theme(self) -> None:
        """Let one choose the colours."""

    def toggle_mouse(self) -> None:
        """Give the mouse to the terminal, or take it back."""

    def ask_to_quit(self) -> None:
        """Quit, after a question where runs are active."""

    def show_tab(self, name: str) -> None:
        """Show the tab `name` of `keys.TABS`."""

    def copy_text(self, text: str) -> None:
        """Put `text` on a clipboard, or into a file, and say where it went."""

    def refresh_now(self) -> None:
        """Show the latest snapshot without waiting for the timer."""
