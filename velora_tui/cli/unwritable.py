"""A word on a state folder that may only be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from velora_tui.cli.console import Console

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine


def say_unwritable(engine: Engine, console: Console) -> None:
    """Say why nothing is recorded, where that is so."""
    if engine.unwritable is not None:
        console.say(f"{engine.unwritable} — this only looks, and records nothing")
