"""The terminal that the dashboard is painted on; one that is not read holds up nothing."""

from __future__ import annotations

import os
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

MOST_WAITING_BYTES = 128 * 1024  # a few frames
LEAVE_SECONDS = 1.0
MOST_LAST_WORDS_BYTES = 1024
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.001, 0.05


class TerminalWriter(threading.Thread):
    """Writes to a terminal in the order given; while too much waits, what comes is dropped.

    `on_caught_up` is called, in this thread, when all that waited is written and something was dropped before.
    """

    def __init__(self, descriptor: int, on_caught_up: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="velora-terminal")
        self._descriptor = descriptor
        self._own = _opened(descriptor)
        self._on_caught_up = on_caught_up
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_dropped = False
        self._is_leaving = False
        self._gives_up = threading.Event()
        self._is_gone = False
        self._changed = threading.Condition()

    def write(self, data: bytes) -> None:
        """Have `data` written whole, or drop it; never waits."""
        with self._changed:
            if self._is_gone:
                return
            # From the first frame dropped on, none is whole before everything is painted anew.
            if not self._is_leaving and (self._has_dropped or self._waiting_bytes > MOST_WAITING_BYTES):
                self._has_dropped = True
                return
            self._pieces.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify()

    def leave(self) -> None:
        """Forget the frames that wait, and drop nothing from now on: what comes restores the terminal."""
        with self._changed:
            self._is_leaving = True
            self._forget()

    def close(self) -> None:
        """Write what waits and end; what nobody takes within a second is thrown away. Blocks."""
        with self._changed:
            self._is_leaving = True
            self._pieces.append(b"")
            self._changed.notify()
        self.join(LEAVE_SECONDS)
        if self.is_alive():
            self._gives_up.set()
            with suppress(termios.error):  # makes room for the last words
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
            self.join(LEAVE_SECONDS)

    def run(self) -> None:
        """Write until `close`, or until the terminal is gone."""
        try:
            while data := self._next():
                self._write_whole(data)
                self._written(len(data))
        except OSError:
            with self._changed:
                self._is_gone = True
                self._forget()
        finally:
            os.close(self._own)

    def _next(self) -> bytes:
        with self._changed:
            while not self._pieces:
                self._changed.wait()
            return self._pieces.popleft()

    def _write_whole(self, data: bytes) -> None:
        rest, pause = memoryview(data), _SHORTEST_PAUSE_SECONDS
        while rest and not (self._gives_up.is_set() and len(data) > MOST_LAST_WORDS_BYTES):
            try:
                rest, pause = rest[os.write(self._own, rest) :], _SHORTEST_PAUSE_SECONDS
            except BlockingIOError:  # polling tells "writable" of terminals that take nothing
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _written(self, size_bytes: int) -> None:
        with self._changed:
            self._waiting_bytes -= size_bytes
            has_caught_up = self._has_dropped and not self._pieces and not self._is_leaving
            if has_caught_up:
                self._has_dropped = False
        if has_caught_up:
            self._on_caught_up()

    def _forget(self) -> None:
        """Forget what is not yet being written."""
        self._waiting_bytes -= sum(map(len, self._pieces))
        self._pieces.clear()


def _opened(descriptor: int) -> int:
    """Open the terminal once more, so that writing never blocks here and still does for all who share `descriptor`."""
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(descriptor)


class TerminalDriver(LinuxDriver):
    """Textual's driver, whose own queue would hold up the event loop once thirty writes wait to be read.

    Frames that a slow or stopped terminal does not take are dropped; when it reads again, all is painted anew.
    """

    _writer: TerminalWriter | None = None

    def write(self, data: str) -> None:
        """Write to the terminal; never waits."""
        assert self._writer is not None, "the driver is not in application mode"
        self._writer.write(data.encode("utf-8", "replace"))

    def start_application_mode(self) -> None:
        """Take the terminal."""
        assert self._file is not None
        self._writer = TerminalWriter(self._file.fileno(), self._caught_up)
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        if self._writer is not None:
            self._writer.leave()
        super().stop_application_mode()

    def close(self) -> None:
        """Write the last words. Blocks, two seconds at most."""
        if self._writer is not None:
            self._writer.close()
        super().close()

    def _caught_up(self) -> None:
        app: App[object] = self._app
        app.call_later(app.refresh)
