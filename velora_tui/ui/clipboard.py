"""Copying over SSH: the terminal (OSC 52), then a local clipboard tool, and always a file one can find."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

from velora_tui.store.files import write_atomically

_TOOL_SECONDS = 2.0
_TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
)


async def copy_beside_terminal(text: str, file: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Give `text` to a local clipboard tool, or else write it to `file`; return which. Raises StoreError."""
    for variable, command in _TOOLS:
        if (not variable or environment.get(variable)) and shutil.which(command[0]) and await _fed(command, text):
            return command[0]
    await asyncio.to_thread(write_atomically, file, text.encode("utf-8", "surrogateescape"))
    return str(file)


async def _fed(command: tuple[str, ...], text: str) -> bool:
    """Return whether the tool took `text` in time."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), _TOOL_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0
