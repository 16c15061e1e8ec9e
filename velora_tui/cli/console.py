"""Where a command writes: data on standard output, words on standard error."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from shutil import get_terminal_size
from typing import Any, TextIO

from velora_tui.errors import OutputLost
from velora_tui.view.cells import Cell
from velora_tui.view.cli_text import paint
from velora_tui.view.text import clean_text, cut

_ERASE_LINE = "\r\x1b[2K"


class Console:
    """Writes one command's output. What is printed from a loop goes through `emit`: a slow reader holds up no run.

    Raises OutputLost where standard output cannot be written, and BrokenPipeError where nobody reads it.
    """

    def __init__(self) -> None:
        self._transient = False

    @property
    def width(self) -> int | None:
        """How many cells a line of data has room for; None where it goes to no terminal."""
        return get_terminal_size().columns if sys.stdout.isatty() else None

    # --- data

    def lines(self, lines: Iterable[Cell]) -> None:
        """Print lines of data; colours only on a terminal and without NO_COLOR."""
        colour = has_colour(sys.stdout)
        self._put(sys.stdout, "".join(f"{paint(line, colour)}\n" for line in lines))

    def document(self, document: Mapping[str, Any]) -> None:
        """Print one JSON document."""
        self._put(sys.stdout, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def text(self, pieces: Iterable[str]) -> None:
        """Print text as it is, such as a file for another tool."""
        for piece in pieces:
            self._put(sys.stdout, piece)

    async def emit(self, line: Cell) -> None:
        """Print one line of data from a loop."""
        await asyncio.to_thread(self.lines, (line,))

    async def record(self, record: Mapping[str, Any]) -> None:
        """Print one JSON object on a line from a loop."""
        await asyncio.to_thread(self._put, sys.stdout, json.dumps(record, ensure_ascii=False) + "\n")

    # --- words

    def say(self, words: str) -> None:
        """Say one line to the operator."""
        self._put(sys.stderr, f"{words}\n")

    def complain(self, words: str) -> None:
        """Say what went wrong, in one line."""
        self.say(f"velora: {clean_text(words)}")

    def tell(self, words: str) -> None:
        """Show a line that the next output replaces; nothing where nobody watches a terminal."""
        if sys.stderr.isatty():
            width = _terminal_width()
            sys.stderr.write(_ERASE_LINE + cut(clean_text(words), width - 1))
            sys.stderr.flush()
            self._transient = True

    def _put(self, stream: TextIO, text: str) -> None:
        if self._transient:
            self._transient = False
            sys.stderr.write(_ERASE_LINE)
            sys.stderr.flush()
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            raise  # nobody reads any more: that ends a command quietly
        except OSError as error:
            if stream is sys.stdout:
                raise OutputLost(f"standard output cannot be written: {error.strerror}") from None
            raise


def has_colour(stream: TextIO) -> bool:
    """Tell whether colours may be written to `stream`."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80
