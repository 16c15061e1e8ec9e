"""Read large files in a process of their own.

The C scanners of JSON hold up all threads for as long as one value takes, seconds for the largest; in a child they hold
up nobody, their memory has a bound, and one that is no longer wanted can be ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path
from typing import IO

import velora_tui
from velora_tui.pipeline import child_main

SMALL_BYTES = 4 * 1024 * 1024  # decoding one value of this size holds up the loop for a few milliseconds
LARGEST_BYTES = 256 * 1024 * 1024
MEMORY_LIMIT = 3 * 1024**3  # the text of a file of LARGEST_BYTES with wide characters, and its largest value
_SECONDS = 300.0
_ROOT = Path(velora_tui.__file__).parents[1]
_START = "import sys; sys.path.append(sys.argv[1]); from velora_tui.pipeline import child_main as m; m.main(sys.argv)"


class Refused(ValueError):
    """The child could not read the file; `kind` names the class of its error."""

    def __init__(self, words: str, kind: str = "") -> None:
        super().__init__(words)
        self.kind = kind


class TooLarge(Refused):
    """The file is larger than what is read, or takes more memory."""


def check_size(size_bytes: int) -> None:
    """Raise TooLarge for a file that is not read at all."""
    if size_bytes > LARGEST_BYTES:
        raise TooLarge(f"it has {size_bytes / 1024**2:,.0f} MiB, at most {LARGEST_BYTES // 1024**2} are read")


async def read_in_child(module: str, path: Path, to: IO[bytes] | None = None) -> bytes:
    """Return what `read(path)` of `module` prints in a child, or have it written `to` a file.

    The module may use the standard library only. Raises Refused, and TooLarge.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _START, str(_ROOT), module, str(path), str(MEMORY_LIMIT)),
        stdin=DEVNULL,
        stdout=PIPE if to is None else to,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, reason = await child.communicate()
    except TimeoutError:
        raise Refused(f"it could not be read within {_SECONDS:.0f} s") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode != 0:
        raise _refusal(reason, child.returncode or 0)
    return said or b""


def _refusal(reason: bytes, status: int) -> Refused:
    try:
        kind, words = json.loads(reason)
    except ValueError:
        return Refused(reason.decode("utf-8", "replace")[-300:] or f"reading it ended with status {status}")
    return TooLarge(words, kind) if kind == child_main.NO_MEMORY else Refused(words, kind)
