"""The Trajectory tab: what the agent thought, did and saw, step by step."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from velora_tui.store.log_search import compile_pattern
from velora_tui.ui.screens.run_place import Place, read_steps
from velora_tui.ui.screens.run_tab import LinesTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Cell, Span
from velora_tui.view.text import count
from velora_tui.view.trajectory import Trajectory
from velora_tui.view.trajectory_lines import StepLines, summary

SEARCH_DELAY_SECONDS = 0.12


def _key(keys: str, action: str, what: str, tooltip: str) -> Binding:
    return Binding(keys, action, what, show=False, id=f"steps.{action}", tooltip=tooltip)


class StepList(LineList):
    """The steps; h and l go from step to step, and the step one comes to is unfolded if the one before was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("left,h", "left", "Step before", "To the step before"),
        _key("right,l", "right", "Next step", "To the next step"),
        _key("enter", "open", "Fold", "Unfold the step, or fold it"),
        _key("n", "next_hit", "Next", "To the next step found, else to the next that failed"),
        _key("N", "previous_hit", "Previous", "To the step found, or the failed one, before"),
    ]

    def __init__(self) -> None:
        super().__init__(empty_text="reading the trajectory …")
        self._trajectory = Trajectory()
        self._step_lines = StepLines(self._trajectory)
        self._unfolded: set[int] = set()
        self._found: list[int] | None = None

    def show_trajectory(self, trajectory: Trajectory, lines: StepLines) -> None:
        """Show these steps, all folded."""
        self._trajectory = trajectory
        self._step_lines = lines
        self._unfolded.clear()
        self._found = None
        self._redraw(keep_place=False)
        first = next((place for place, step in enumerate(trajectory.steps) if step.number == 1), None)
        if first is not None:
            self.move_to(f"step:{first}")

    def _redraw(self, *, keep_place: bool = True) -> None:
        self.show(self._step_lines.lines(self._unfolded, self.page_width), keep_place=keep_place)

    def page_changed(self) -> None:
        """Break the texts anew."""
        super().page_changed()
        if self._unfolded:
            self._redraw()

    @property
    def step_place(self) -> int:
        """The place of the step the cursor is in."""
        parts = (self.cursor_key or "").split(":")
        return int(parts[1]) if len(parts) > 1 else 0

    def find(self, found: list[int] | None, pattern: re.Pattern[str] | None) -> None:
        """Take these steps for the ones found, and go to the next of them; None ends the search."""
        self._found = found
        self.search(pattern, jump=False)
        if found and self.step_place not in found:
            self.action_next_hit()

    def find_hits(self) -> None:
        """Leave it to the tab, which looks into folded steps too."""

    @property
    def found(self) -> tuple[int, int]:
        """Return (which of the steps found the current one is from 1 on, how many there are)."""
        found = self._found or []
        return (found.index(self.step_place) + 1 if self.step_place in found else 0), len(found)

    def go_to(self, place: int, *, unfold: bool) -> None:
        """Go to a step; if asked, unfold it instead of the one left."""
        if unfold and place not in self._unfolded:
            self._unfolded.discard(self.step_place)
            self._unfolded.add(place)
            self._redraw()
        self.move_to(f"step:{place}", on_top=unfold)

    def action_left(self) -> None:
        self._step(-1)

    def action_right(self) -> None:
        self._step(1)

    def _step(self, by: int) -> None:
        """Go to the step before or after, and leave only it unfolded if this one was."""
        here = self.step_place
        there = max(0, min(here + by, len(self._trajectory.steps) - 1))
        was_unfolded = here in self._unfolded
        if was_unfolded and there != here:
            self._unfolded.discard(here)
            self._unfolded.add(there)
            self._redraw()
        self.move_to(f"step:{there}", on_top=was_unfolded)

    def action_open(self) -> None:
        if not self._trajectory.steps:
            return
        place = self.step_place
        self._unfolded ^= {place}
        self.move_to(f"step:{place}")
        self._redraw()

    def action_next_hit(self) -> None:
        self._jump(forward=True)

    def action_previous_hit(self) -> None:
        self._jump(forward=False)

    def _jump(self, *, forward: bool) -> None:
        failed = [place for place, step in enumerate(self._trajectory.steps) if step.is_error]
        places = self._found or failed
        if not places:
            return
        here = self.step_place
        if forward:
            there = next((place for place in places if place > here), places[0])
        else:
            there = next((place for place in reversed(places) if place < here), places[-1])
        self.go_to(there, unfold=bool(self._found) or here in self._unfolded)


class TrajectoryTab(LinesTab):
    """The steps of the agent."""

    TITLE = "Trajectory"
    SHORT_TITLE = "Traj"
    SEARCH = "Search all texts of the steps"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._trajectory: Trajectory | None = None

    def make_lines(self) -> LineList:
        """Return the list of steps."""
        return StepList()

    @property
    def steps(self) -> StepList:
        return self.query_one(StepList)

    @property
    def path(self) -> Path | None:
        return self.place.trajectory if self.place else None

    async def load(self, place: Place) -> None:
        """Read the trajectory and show it."""
        trajectory = await read_steps(place)
        if not self.is_current_place(place):
            return
        self._trajectory = trajectory
        if trajectory is None or not (trajectory.steps or trajectory.error):
            self.show_nothing(_why_none(place))
            return
        lines = await asyncio.to_thread(StepLines, trajectory)
        if self.is_current_place(place):
            self.steps.show_trajectory(trajectory, lines)
            self.search(self._search_text)

    def search(self, text: str) -> None:
        """Look in all texts of all steps, in a thread."""
        pattern = compile_pattern(text) if text else None
        self._search_text = text
        if pattern is None or self._trajectory is None:
            self.steps.find(None, None)
            self.say_status(self.summary())
            return
        self.set_timer(SEARCH_DELAY_SECONDS, partial(self._search_soon, self._trajectory, pattern))

    def _search_soon(self, trajectory: Trajectory, pattern: re.Pattern[str]) -> None:
        """Search unless one has typed on."""
        if pattern.pattern == self._search_text:
            self.host.perform(self._search(trajectory, pattern))

    async def _search(self, trajectory: Trajectory, pattern: re.Pattern[str]) -> None:
        found = await asyncio.to_thread(lambda: list(trajectory.search(pattern)))
        if trajectory is self._trajectory and pattern.pattern == self._search_text:
            self.steps.find(found, pattern)
            self.say_status(self.summary_with_hits())

    def summary_with_hits(self) -> Cell:
        """Return the steps in numbers, or during a search how many are found."""
        if not self._search_text:
            return self.summary()
        hit, hits = self.steps.found
        words = f"step {hit}/{count(hits)} found" if hits else "nothing found"
        return Span(f"/{self._search_text}  ", "dim"), Span(words, "look")

    def summary(self) -> Cell:
        """Return steps, time, tokens and cost."""
        return summary(self._trajectory) if self._trajectory else ""


def _why_none(place: Place) -> str:
    if not place.attempt.state.is_over:
        return "no trajectory yet: it comes with the phase collect; the Log tab shows the agent at work"
    return "the attempt left no trajectory: the Log tab shows why, r retries"
