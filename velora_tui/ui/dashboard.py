"""Open the dashboard on a fleet, and say on the normal screen what goes on without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout
from velora_tui.ui.app import VeloraApp
from velora_tui.view.farewell import farewell


def run_dashboard(
    fleet: Fleet,
    layout: Layout,
    *,
    read_only: bool = False,
    theme: str | None = None,
    ascii_only: bool = False,
    opening: Sequence[RunRequest] = (),
    datasets: Sequence[Path] = (),
    come_back: str = "velora",
) -> int:
    """Show the dashboard until one quits, then print what goes on; return the exit status.

    `come_back` is the command that takes it up again; "" says that the fleet ends with the dashboard.
    """
    app = VeloraApp(
        Engine(fleet, layout, read_only=read_only, keep_checking=True),
        theme=theme,
        ascii_only=ascii_only,
        opening=opening,
        datasets=datasets,
        come_back=come_back,
    )
    app.run()
    words = farewell(app.engine.snapshot(), come_back)
    if words:
        print(words)
    return app.return_code or 0
