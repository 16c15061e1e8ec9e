"""Which process drives an attempt: a file lock that the kernel frees when its process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from velora_tui.errors import StoreError


class DriverLock:
    """Held by the one process that drives a run; others only watch."""

    def __init__(self, folder: Path, run: str) -> None:
        self.path = folder / f"{run}.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock; False where another process holds it. Raises StoreError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+")
        except OSError as error:
            raise StoreError(f"{self.path} cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Free the lock; releasing twice is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None
