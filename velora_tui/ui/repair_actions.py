"""Repairs as any screen asks for them: which one, what it would do, yes or no, and what came of it."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from velora_tui.ui.repair_work import RepairWork
from velora_tui.ui.run_actions import Asking
from velora_tui.ui.screens.choice import ChoiceScreen
from velora_tui.ui.screens.repair import RepairScreen
from velora_tui.view.cells import Cell, Span
from velora_tui.view.diagnosis_text import repair_words
from velora_tui.view.remedies import Remedy
from velora_tui.view.repair_progress import end_words
from velora_tui.view.text import count

_NAMED = 6


class Mending(Asking, Protocol):
    """A screen that can also have work done that outlives it."""

    def outlive(self, work: Coroutine[Any, Any, None]) -> None: ...


async def mend(screen: Mending, found: Sequence[Remedy]) -> bool:
    """Have one of the remedies chosen where there are several, show what it would do, and do it after a yes.

    True if it was agreed to; it may still be under way then.
    """
    remedy = found[0] if len(found) == 1 else await _chosen(screen, found)
    if remedy is None:
        return False
    work = RepairWork(screen.dashboard.engine, remedy.repair, remedy.instances)
    window = RepairScreen(work, lambda: screen.outlive(_carried_out(screen, work, window)), screen.dashboard.copy_text)
    await screen.app.push_screen_wait(window)
    return work.is_agreed


async def _carried_out(screen: Asking, work: RepairWork, window: RepairScreen) -> None:
    """Do it, and tell what came of it where its window has been left."""
    await work.carry_out()
    screen.dashboard.refresh_now()
    if not window.is_current:
        is_problem = not all(result.mended for result in work.results.values())
        screen.say(end_words(work.plans, work.results, work.title), title="repair", is_problem=is_problem)


async def _chosen(screen: Asking, found: Sequence[Remedy]) -> Remedy | None:
    title = Span("Which repair?", "strong")
    number = await screen.app.push_screen_wait(
        ChoiceScreen(title, [(str(place), _choice(remedy)) for place, remedy in enumerate(found)])
    )
    return found[int(number)] if number is not None else None


def _choice(remedy: Remedy) -> Cell:
    more = f" and {count(len(remedy.instances) - _NAMED)} more" if len(remedy.instances) > _NAMED else ""
    return (
        Span(repair_words(remedy.repair)),
        Span(f"  {', '.join(remedy.instances[:_NAMED])}{more}", "strong"),
        Span(f"  {remedy.reason}", "dim"),
    )
