"""Asking before a start takes over what another operator left behind."""

from __future__ import annotations

from typing import Any

from textual.app import App

from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.ui.screens.confirm import ConfirmScreen, Question
from velora_tui.view.cells import Span
from velora_tui.view.holders import since, stale_lease_of_another


async def may_take_over(app: App[Any], snapshot: FleetSnapshot, instance: str | None) -> bool:
    """Return whether a start on `instance` may go ahead: at once, or after a yes to taking over a dead lease."""
    holder = stale_lease_of_another(snapshot, instance) if instance is not None else None
    if holder is None:
        return True
    question = Question(
        f"Take over {instance}?",
        "take over and start",
        notes=(
            (Span("lease of   ", "dim"), Span(holder.operator, "strong")),
            (Span("since      ", "dim"), Span(since(holder.since, snapshot.at))),
            (Span("for        ", "dim"), Span(f"run {holder.run}, attempt {holder.attempt}")),
            (Span("dead       ", "dim"), Span(holder.reason or "nothing of it runs", "look")),
            "",
            Span("Their run gets no further on this instance; what it wrote there stays.", "dim"),
        ),
    )
    return await app.push_screen_wait(ConfirmScreen(question)) is True
