"""An agent that prints what logs must bear. Run: python flooding_agent.py KIND"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

LINE_BYTES = 50_000_000
STREAM_BYTES_PER_SECOND = 10_000_000
STREAM_SECONDS = 3
PROGRESS_BYTES = 700_000
CLOCK_LINES = 300
CLOCK_PAUSE_SECONDS = 0.02

_BURSTS_PER_SECOND = 20
_HOSTILE = (
    b"\xff\xfe invalid \xc3\x28 \xed\xa0\x80 \xf8\x88\n",
    b"a NUL \x00 and \x07 \x08 \x0b \x0c \x7f more\n",
    b"\x1b[2J\x1b[H\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07 escapes \x1b[31;1m that \x1bPq never end \x1b[9999",
    b"\n\x9b31m C1 \x90 \x85 and [/b] [red] t.py::t[param-1]\n",
    "\u202e right to left \u2066 and wide 漢字 and e\u0301\n".encode(),
    b"\r\n\r\r\n\n\x1b",
)


def line() -> Iterator[bytes]:
    """Yield one line of 50 MB."""
    piece = bytes(range(32, 127)) * 1000
    for start in range(0, LINE_BYTES, len(piece)):
        yield piece[: LINE_BYTES - start]
    yield b"\n"


def stream() -> Iterator[bytes]:
    """Yield 10 MB of short lines a second."""
    number, burst = 0, STREAM_BYTES_PER_SECOND // _BURSTS_PER_SECOND
    for _ in range(STREAM_SECONDS * _BURSTS_PER_SECOND):
        lines = []
        for _ in range(burst // 80):
            lines.append(b"12:00:00 %08d openhands:INFO: agent_controller.py:432 - the quick brown fox ju\n" % number)
            number += 1
        yield b"".join(lines)


def progress() -> Iterator[bytes]:
    """Yield one line of 700 KB that a progress bar redraws."""
    states = PROGRESS_BYTES // 70
    yield b"".join(b"\rDownloading: %5d/%5d [%-40s]" % (n, states, b"#" * (n * 40 // states)) for n in range(states))
    yield b"\n"


def hostile() -> Iterator[bytes]:
    """Yield what is no UTF-8, NULs and sequences that a terminal would obey."""
    for number in range(2000):
        yield _HOSTILE[number % len(_HOSTILE)]


def clock() -> Iterator[bytes]:
    """Yield the time now, line by line."""
    for _ in range(CLOCK_LINES):
        yield b"%d now\n" % time.time_ns()


KINDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "line": line,
    "stream": stream,
    "progress": progress,
    "hostile": hostile,
    "clock": clock,
}
_PAUSES = {"stream": 1 / _BURSTS_PER_SECOND, "clock": CLOCK_PAUSE_SECONDS}


def main(kind: str) -> None:
    due = time.monotonic()
    for data in KINDS[kind]():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if pause := _PAUSES.get(kind):
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1])
