"""How far the image and the evaluation are, from the log where it tells, else from what grows on the instance."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from velora_tui.domain.image import S3Object, image_source
from velora_tui.errors import HostError, VeloraError
from velora_tui.grading.log import clean
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.job import root, started_path
from velora_tui.pipeline.phase import PhaseContext

POLL_SECONDS = 10.0
POLL_LIMIT_SECONDS = 20
LOOKED_AT = 64 * 1024  # of what has come, how much is searched for the latest words

_COPIED = re.compile(rb"Completed ([\d.]+) (\w+)/~?([\d.]+) (\w+)")
_UNITS = {b"Bytes": 1, b"KiB": 1024, b"MiB": 1024**2, b"GiB": 1024**3, b"TiB": 1024**4}

# aws writes to a name of its own, NAME.tar.XXXXXXXX, until the object is whole.
_TAR_SIZE = r"""
cd -- "$root" 2>/dev/null || exit 0
for file in "$tar" "$tar".????????; do
    if [ "$file" -nt "$started" ]; then stat -c %s -- "$file"; fi
done 2>/dev/null | sort -n | tail -n 1
"""

_LOGGED = re.compile(rb" - (?:DEBUG|INFO|WARNING|ERROR) - ([^\r\n]+)")
_PARSED = re.compile(rb"Parsed (\d{1,9}) test results")
_TESTED = re.compile(rb"^(?:\S+::\S+ )?(?:PASSED|FAILED|ERROR)(?= )|^\S+::\S+ (?:PASSED|FAILED|ERROR)\b", re.MULTILINE)


@asynccontextmanager
async def polling(poll: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Await `poll()` now and then while the body runs; an instance that does not answer is asked again later."""

    async def ask() -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with suppress(HostError):
                await poll()

    asking = asyncio.create_task(ask())
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.wait({asking})


class ImageWatcher:
    """Reads the download's progress, which aws prints as one long line of carriage returns, or which the tar shows."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""
        self._told = False
        self._total: int | None = None
        self._asked = False

    def __call__(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-LOOKED_AT:]
        if match := last_match(_COPIED, self._tail):
            done, total = (_bytes(match[number], match[number + 1]) for number in (1, 3))
            self._told = True
            self._ctx.progress(done, total, "bytes", "")
            self._tail = self._tail[match.end() :]

    async def poll(self) -> None:
        """Look how large the tar is where the log tells of no download. Raises HostErrors."""
        source = image_source(self._ctx.task, self._ctx.fleet.s3.images)
        if self._told or not isinstance(source, S3Object):
            return
        paths = f"root={quote_path(root(self._ctx))}\nstarted={quote_path(started_path(self._ctx))}\n"
        command = paths + assign(tar=source.file_name) + _TAR_SIZE
        text = (await self._ctx.host.run(command, timeout_seconds=POLL_LIMIT_SECONDS, check=False)).text.strip()
        if text.isdigit():
            self._ctx.progress(int(text), await self._size(source), "bytes", "")

    async def _size(self, image: S3Object) -> int | None:
        """Return the object's size, if we may know it; asked once."""
        if not self._asked:
            self._asked = True
            with suppress(VeloraError):
                self._total = (await self._ctx.images.offer(image, valid_seconds=60)).size
        return self._total


class EvaluationWatcher:
    """Tells the grader's last words, and how many tests it has seen."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""
        self._tests = 0
        self._words = ""

    def __call__(self, data: bytes) -> None:
        data = self._tail + data
        end = data.rfind(b"\n") + 1
        news, self._tail = data[:end], data[end:][-LOOKED_AT:]
        before = (self._tests, self._words)
        self._tests += sum(1 for _ in _TESTED.finditer(news))
        if match := last_match(_PARSED, news):
            self._tests = int(match[1])
        if match := last_match(_LOGGED, news[-LOOKED_AT:]):
            self._words = clean(match[1]).strip()[:80]
        if before != (self._tests, self._words):
            self._ctx.progress(self._tests, None, "tests", self._words)


def last_match(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    """Return the last match of `pattern` in `data`."""
    return next(iter(deque(pattern.finditer(data), maxlen=1)), None)


def _bytes(number: bytes, unit: bytes) -> int:
    try:
        return int(float(number) * _UNITS.get(unit, 1))
    except ValueError:
        return 0
