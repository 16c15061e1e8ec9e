"""How far the image and the agent are, from the log where it tells, else from the files of the LLM's answers."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import suppress

from velora_tui.errors import HostError
from velora_tui.grading.log import clean
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.job import root, started_path
from velora_tui.pipeline.phase import PhaseContext

POLL_SECONDS = 10.0
_LOOKED_AT = 64 * 1024  # of what has come, how much is searched for the latest words
_COUNT_SECONDS = 20

_COPIED = re.compile(rb"Completed ([\d.]+) (\w+)/~?([\d.]+) (\w+)")
_UNITS = {b"Bytes": 1, b"KiB": 1024, b"MiB": 1024**2, b"GiB": 1024**3, b"TiB": 1024**4}

_COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
_ACTION = re.compile(rb"\d\d:\d\d:\d\d" + _COLOUR + rb" - " + _COLOUR + rb"ACTION\b")
_STEP = re.compile(rb"\bGLOBAL STEP (\d{1,6})\b")
_COST = re.compile(rb"Accumulated Cost: \$?([\d.]{1,20})")
_TOKENS = re.compile(rb"Input tokens: (\d{1,12}) \| Output tokens: (\d{1,12})")
_BODY = re.compile(r"- ACTION\s*\n+\s*(?:\*\*)?(\w+)[^\n]*\n(?:(?:COMMAND|CODE|THOUGHT|PATH)[^\n]*\n)?\s*([^\n]*)")

_COUNT = r"""
cd -- "$root" 2>/dev/null || exit 0
find evaluation/evaluation_outputs -type d -path "*/llm_completions/$task" -newer "$started" 2>/dev/null |
    head -n 1 | while IFS= read -r folder; do find "$folder" -maxdepth 1 -name '*.json' | head -n 100000 | wc -l; done
"""


class ImageWatcher:
    """Reads the download's progress, which aws prints as one long line of carriage returns."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""

    def __call__(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_LOOKED_AT:]
        if match := _last(_COPIED, self._tail):
            done, total = (_bytes(match[number], match[number + 1]) for number in (1, 3))
            self._ctx.progress(done, total, "bytes", "")
            self._tail = self._tail[match.end() :]


class TrajectoryWatcher:
    """Tells the agent's iteration, its last action, and what it has cost."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""
        self._actions = 0
        self._step = 0
        self._action = ""
        self._spent: dict[str, str] = {}
        self._told = False

    def __call__(self, data: bytes) -> None:
        data = self._tail + data
        end = data.rfind(b"\n") + 1
        news, self._tail = data[:end], data[end:][-_LOOKED_AT:]
        self._actions += sum(1 for _ in _ACTION.finditer(news))
        if self._read(news[-_LOOKED_AT:]):
            self._told = True
            self._tell(max(self._step, self._actions if not self._step else 0))

    async def poll(self) -> None:
        """Count the LLM's answers now and then while the log does not tell, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            told, self._told = self._told, False
            if not told:
                with suppress(HostError):
                    if count := await completions(self._ctx):
                        self._tell(max(count, self._step))

    def _read(self, news: bytes) -> bool:
        before = (self._actions, self._step, self._action, dict(self._spent))
        if match := _last(_STEP, news):
            self._step = int(match[1])
        if match := _last(_COST, news):
            self._spent["cost"] = f"${match[1].decode()}"
        if match := _last(_TOKENS, news):
            self._spent["tokens"] = f"{int(match[1]):,} + {int(match[2]):,} tokens"
        if match := _last(_ACTION, news):
            self._action = _words(clean(news[match.start() :])) or self._action
            return True
        return before != (self._actions, self._step, self._action, self._spent)

    def _tell(self, done: int) -> None:
        detail = " · ".join(part for part in (self._action, *self._spent.values()) if part)
        self._ctx.progress(done, self._ctx.run.max_iterations, "steps", detail)


async def completions(ctx: PhaseContext) -> int:
    """Return how many answers of the LLM this run has stored on the instance. Raises HostErrors."""
    command = assign(task=ctx.task.instance_id)
    command += f"root={quote_path(root(ctx))}\nstarted={quote_path(started_path(ctx))}\n{_COUNT}"
    text = (await ctx.host.run(command, timeout_seconds=_COUNT_SECONDS, check=False)).text.strip()
    return int(text) if text.isdigit() else 0


def _last(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    return next(iter(deque(pattern.finditer(data), maxlen=1)), None)


def _bytes(number: bytes, unit: bytes) -> int:
    try:
        return int(float(number) * _UNITS.get(unit, 1))
    except ValueError:
        return 0


def _words(text: str) -> str:
    """Return an action's kind and what it is about: `CmdRunAction: ls -la`."""
    match = _BODY.search(text)
    return f"{match[1].removesuffix('Action')}: {match[2].strip()}"[:80].rstrip(": ") if match else ""
