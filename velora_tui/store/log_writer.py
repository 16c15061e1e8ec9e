"""The local copy of one phase's log, appended byte for byte."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from velora_tui.errors import NotWritten

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LogWriter:
    """Appends to `path`, made with its folders where missing; `size` is the offset from which to fetch more.

    Tiny and synchronous: every call blocks for one write to the local disk; the caller decides on threads. One writer
    per file. Raises NotWritten where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _store_error(path, error) from None
        self.size = os.fstat(self._fd).st_size

    def append(self, data: bytes) -> int:
        """Write all of `data` and return the new size in bytes; on NotWritten nothing of it is left in the file."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self._take_back()
            raise _store_error(self.path, error) from None
        self.size += len(data)
        return self.size

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes, for a source that began anew; raises NotWritten."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise _store_error(self.path, error) from None
        self.size = size

    def _take_back(self) -> None:
        """Remove what a failed append left behind; where even that fails the size on disk is the truth."""
        with suppress(OSError):
            os.ftruncate(self._fd, self.size)
        with suppress(OSError):
            self.size = os.fstat(self._fd).st_size

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _store_error(path: Path, error: OSError) -> NotWritten:
    if error.errno in _NO_SPACE:
        return NotWritten(
            f"the log {path} cannot grow: {error.strerror}",
            hint="free space on this machine; the job goes on and its log is fetched from where it stopped",
        )
    return NotWritten(f"the log {path} cannot be written: {error.strerror}", hint="check the rights of its folder")
