"""What is said when one leaves."""

from __future__ import annotations

from velora_tui.domain.events import AttemptState
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.view.cells import plain
from velora_tui.view.header import judged
from velora_tui.view.states import run_state
from velora_tui.view.text import count


def going_on(snapshot: FleetSnapshot, come_back: str) -> str:
    """Return "6 runs go on on their instances; come back with `velora`", or "" where none is active.

    Without `come_back` the fleet ends with the dashboard.
    """
    active = [run for run in snapshot.runs.values() if run.is_active]
    running = sum(1 for run in active if run.attempt and run.attempt.state is AttemptState.RUNNING)
    waiting = len(active) - running
    if active and not come_back:
        return f"{count(len(active))} {'run ends' if len(active) == 1 else 'runs end'} with the embedded fleet"
    parts = []
    if running:
        parts.append(f"{count(running)} {'run goes' if running == 1 else 'runs go'} on on "
                     f"{'its instance' if running == 1 else 'their instances'}")  # fmt: skip
    if waiting:
        parts.append(f"{count(waiting)} {'waits' if waiting == 1 else 'wait'} in the queue until you are back")
    return f"{', '.join(parts)}; come back with `{come_back}`" if parts else ""


def farewell(snapshot: FleetSnapshot, come_back: str) -> str:
    """Return the summary that stays on the normal screen, some lines."""
    lines = [line for line in (going_on(snapshot, come_back),) if line]
    for row in snapshot.instances:
        if row.is_busy and row.run is not None:
            state = plain(run_state(row.run).spans)
            lines.append(f"  {row.instance.name}  {state}  {row.run.repo} {row.run.task}  {row.run.model}")
    resolved, known = judged(snapshot.runs.values())
    if known:
        lines.append(f"{count(resolved)} of {count(known)} runs resolved")
    return "\n".join(lines)
