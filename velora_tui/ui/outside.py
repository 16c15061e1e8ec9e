"""Leaves the terminal to the operator's own editor or pager for a while."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

from textual.app import App, SuspendNotSupported

from velora_tui.errors import Refused, StoreError

FALLBACK = "less"


def command_for(path: Path, environment: os._Environ[str] | dict[str, str]) -> list[str]:
    """Return the words that open `path`: $EDITOR, else $PAGER, else less."""
    words = next((words for name in ("EDITOR", "PAGER") if (words := shlex.split(environment.get(name, "")))), [])
    return [*(words or [FALLBACK]), str(path)]


async def open_outside(app: App[None], path: Path) -> None:
    """Open `path` outside and come back; runs and their logs go on meanwhile. Raises StoreError and Refused."""
    if not await asyncio.to_thread(path.exists):
        raise StoreError(f"{path} does not exist", hint="it comes when its phase has written it")
    command = command_for(path, os.environ)
    try:
        with app.batch_update(), app.suspend():
            process = await asyncio.create_subprocess_exec(*command)
            await process.wait()
    except SuspendNotSupported:
        raise Refused("this terminal cannot be left", hint=f"the file is {path}") from None
    except OSError as error:
        raise Refused(f"{command[0]} cannot be started: {error.strerror}", hint="set EDITOR or PAGER") from None
    app.refresh(layout=True)
