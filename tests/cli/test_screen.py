"""`velora demo` on a terminal: opens on a fleet that works, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

import pyte

from tests.cli.conftest import Place, command

COLUMNS, LINES = 120, 36
LIMIT_SECONDS = 40.0


class Terminal:
    """A command on a terminal of its own, and what it shows."""

    def __init__(self, place: Place, *arguments: object) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command(*arguments),
            cwd=place.folder,
            env={**place.environment({}), "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, words: str) -> None:
        """Wait until the screen shows `words`."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} did not come up:\n{self.text}"
            assert self._read(), f"the command ended:\n{self.text}"

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read to the end and return the exit status."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=LIMIT_SECONDS)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], LIMIT_SECONDS)
        try:
            data = os.read(self._ours, 65536) if ready else b""
        except OSError:  # how Linux tells that the other side is closed
            return False
        self._stream.feed(data)
        return bool(data)


def test_the_demo_opens_on_runs_that_work_and_ends_without_a_trace(tmp_path: Path) -> None:
    terminal = Terminal(Place(tmp_path), "demo", "--instances", 4, "--speed", 1)
    try:
        terminal.until("1 not ready")
        terminal.until("▶ trajectory")
        terminal.press("q")
        terminal.until("Quit?")
        terminal.press("y")
        status = terminal.end()
    finally:
        terminal.process.kill()

    assert status == 0
    assert "with the embedded fleet" in terminal.text
    assert [path.name for path in tmp_path.iterdir()] == ["user"]
