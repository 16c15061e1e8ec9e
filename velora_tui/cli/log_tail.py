"""Pump what is new in a log to standard output: as bytes, as clean lines, or as JSON. Blocks; memory is bounded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Protocol

from velora_tui.errors import StoreError
from velora_tui.store.log_file import LogFile, LogLine
from velora_tui.view.text import clean_line, count

_BLOCK_BYTES = 256 * 1024
_LINES_AT_ONCE = 1000
_INDEXED_AT_ONCE_BYTES = 16 * 1024 * 1024


class LogTail(Protocol):
    """Knows how far a log has been printed."""

    def pump(self, final: bool) -> bool:
        """Print some of what is new and tell whether there was anything; `final`: an open last line too.

        Raises StoreError.
        """


class ByteTail:
    """Every byte as it is, for files and pipes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def pump(self, final: bool) -> bool:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                block = file.read(_BLOCK_BYTES)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"the log {self._path} cannot be read: {error.strerror}") from None
        self._offset += len(block)
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return bool(block)


class LineTail:
    """Line by line: clean text for a terminal, or JSON with `head` in each object."""

    def __init__(self, path: Path, head: dict[str, Any] | None) -> None:
        self._file = LogFile(path)
        self._head = head
        self._printed = 0  # lines

    def pump(self, final: bool) -> bool:
        grew = self._file.refresh(_INDEXED_AT_ONCE_BYTES)
        lines = [line for line in self._file.lines(self._printed + 1, _LINES_AT_ONCE) if final or self._is_whole(line)]
        self._printed += len(lines)
        sys.stdout.write("".join(f"{self._shown(line)}\n" for line in lines))
        sys.stdout.flush()
        return grew or bool(lines)

    def _is_whole(self, line: LogLine) -> bool:
        return line.offset + line.length < self._file.size

    def _shown(self, line: LogLine) -> str:
        text = clean_line(line.data)
        if self._head is None:
            return f"{text} … (+{count(line.length - len(line.data))} bytes)" if line.is_cut else text
        cut = {"length": line.length} if line.is_cut else {}
        return json.dumps({**self._head, "line": line.number, "text": text, **cut}, ensure_ascii=False)
