"""A program in a terminal of its own: what it paints, and when, as one who sits before it would see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte

COLUMNS, LINES = 120, 40
_READ_BYTES = 1 << 16


class Terminal:
    """Keeps every byte with the time it came; interpreting is put off, so that it slows nothing that is measured."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._master, program_side = pty.openpty()
        fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._waiting: list[tuple[float, bytes]] = []
        self.byte_count = 0
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
            stdin=program_side,
            stdout=program_side,
            stderr=program_side,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(program_side)

    def press(self, key: str) -> float:
        """Type `key` and return when."""
        now = time.perf_counter()
        os.write(self._master, key.encode())
        return now

    def listen(self, seconds: float) -> bool:
        """Take what comes in the next `seconds`; False where the program has ended."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return True
            try:
                data = os.read(self._master, _READ_BYTES)
            except OSError:
                return False
            self.byte_count += len(data)
            self._waiting.append((time.perf_counter(), data))
        return True

    def frames(self) -> Iterator[float]:
        """Interpret what came, piece by piece: `screen` is as it was at the time yielded."""
        waiting, self._waiting = self._waiting, []
        for moment, data in waiting:
            self._stream.feed(data)
            yield moment

    def wait_for(self, words: str, seconds: float) -> float:
        """Wait until `words` are on the screen and return when that was."""
        return self.wait_until(lambda: any(words in line for line in self.screen.display), words, seconds)

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float) -> float:
        """Wait until the screen is so and return when that was."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            alive = self.listen(0.01)
            for moment in self.frames():
                if holds():
                    return moment
            if not alive:
                break
        raise AssertionError(f"no {what!r} within {seconds} s:\n" + "\n".join(self.screen.display))

    def end_of_program(self, seconds: float) -> float:
        """Wait for the program's end and return when that was."""
        end = time.perf_counter() + seconds
        while self.listen(0.01):
            assert time.perf_counter() < end, f"not ended within {seconds} s:\n" + self._last_frame()
        self.process.wait(max(1, end - time.perf_counter()))
        return time.perf_counter()

    def _last_frame(self) -> str:
        for _ in self.frames():
            pass
        return "\n".join(self.screen.display)

    def text_after_end(self) -> str:
        """Return what the program left on the normal screen."""
        data = b"".join(data for _, data in self._waiting)
        return data.rpartition(b"\x1b[?1049l")[2].decode(errors="replace")

    def close(self) -> None:
        """End the program, whatever it does."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)


@contextmanager
def terminal(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run `command` in a terminal of 120 × 40 until the context is left."""
    shown = Terminal(command, folder, environment)
    try:
        yield shown
    finally:
        shown.close()
