"""Warnings of libraries, and what Python itself would print, go to the error log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from velora_tui.store.error_log import report_bug


class ErrorLogHandler(logging.Handler):
    """Appends warnings and errors to the error log; its path is asked for when there is something to write."""

    def __init__(self, path: Callable[[], Path]) -> None:
        super().__init__(logging.WARNING)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        report_bug(self._path(), f"{record.name}: {self.format(record)}")
