"""A terminal that is not read, or read slowly, in real pseudo-terminals."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks.terminal import Terminal, terminal
from velora_tui.ui.terminal_driver import MOST_WAITING_BYTES, TerminalWriter

LIMIT_SECONDS = 60.0
FRAME = b"x" * 10_000


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: the one that reads, the one that is written to."""
    reader, written = pty.openpty()
    tty.setraw(written)
    yield reader, written
    os.close(reader)
    os.close(written)


def read_for(reader: int, seconds: float) -> bytes:
    """What comes within that time: none where the writer has nothing more to say."""
    ready, _, _ = select.select([reader], [], [], seconds)
    return os.read(reader, 65536) if ready else b""


def read_until(reader: int, words: bytes) -> bytes:
    data = b""
    while words not in data:
        data += os.read(reader, 65536)
    return data


def test_frames_are_dropped_whole_and_it_is_told_when_the_terminal_reads_again(pair: tuple[int, int]) -> None:
    reader, written = pair
    caught_up = threading.Event()
    writer = TerminalWriter(written, caught_up.set)
    writer.start()
    for number in range(200):
        writer.write(b"<%d " % number + FRAME + b" %d>" % number)
    assert not caught_up.is_set()
    data = b""
    while not caught_up.is_set():
        data += read_for(reader, 0.05)
    writer.write(b"all anew")
    data += read_until(reader, b"all anew")
    *frames, last = data.split(b">")
    assert [frame[-3:].split(b" ")[-1] for frame in frames] == [b"%d" % number for number in range(len(frames))]
    assert last == b"all anew"
    assert MOST_WAITING_BYTES < len(data) < MOST_WAITING_BYTES + 3 * len(FRAME)
    writer.leave()
    writer.write(b"good bye")
    writer.close()
    assert read_until(reader, b"good bye")


def test_an_end_that_nobody_reads(pair: tuple[int, int]) -> None:
    reader, written = pair
    writer = TerminalWriter(written, lambda: None)
    writer.start()
    for _ in range(200):
        writer.write(FRAME)
    writer.leave()
    writer.write(b"good bye")
    writer.close()
    assert not writer.is_alive()
    assert read_until(reader, b"good bye").endswith(b"good bye")


def test_a_terminal_that_is_gone(pair: tuple[int, int]) -> None:
    reader, written = pty.openpty()
    writer = TerminalWriter(written, lambda: None)
    writer.start()
    os.close(reader)
    for _ in range(200):
        writer.write(FRAME)
    writer.leave()
    writer.close()
    assert not writer.is_alive()
    os.close(written)


def results(folder: Path) -> int:
    """How many runs ended with a result."""
    return len(list(folder.glob("demo/results/*/*/*/*/velora.json")))


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Terminal]:
    """The demo on a terminal, at work."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(tmp_path)}
    command = (sys.executable, "-m", "velora_tui", "demo", "--instances", "4", "--speed", "4", "--state", "demo")
    with terminal(command, tmp_path, environment) as shown:
        shown.wait_for("▶ trajectory", LIMIT_SECONDS)
        yield shown
        if shown.process.poll() is None:
            shown.process.terminate()
            shown.end_of_program(LIMIT_SECONDS)


def test_runs_go_on_while_nobody_reads_and_all_is_right_afterwards(shown: Terminal, tmp_path: Path) -> None:
    until(lambda: results(tmp_path) >= 4, "the runs did not end while nobody read")
    shown.wait_for("5/5 runs over", LIMIT_SECONDS)
    shown.press("2")
    shown.wait_for("READY", LIMIT_SECONDS)
    assert shown.screen.display[0].startswith(" Velora")


def test_the_program_ends_though_nobody_reads(shown: Terminal, tmp_path: Path) -> None:
    until(lambda: results(tmp_path) > 0, "no run ended")
    shown.process.send_signal(signal.SIGTERM)
    assert shown.process.wait(LIMIT_SECONDS) == 0
