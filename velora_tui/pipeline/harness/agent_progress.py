"""How far the agent is, from the log where it tells, else from the files that hold the LLM's answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from velora_tui.grading.log import clean
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.job import root, started_path
from velora_tui.pipeline.harness.progress import LOOKED_AT, POLL_LIMIT_SECONDS, last_match
from velora_tui.pipeline.phase import PhaseContext

_PIECE_BYTES = 256 * 1024
_BODY_BYTES = 4096
_BODY_LINES = 4  # the heading, the action's kind, what kind of argument follows, and that

_COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
_ACTION = re.compile(rb"\d\d:\d\d:\d\d" + _COLOUR + rb" - " + _COLOUR + rb"ACTION\b")
_STEP = re.compile(rb"\bGLOBAL STEP (\d{1,6})\b")
_COST = re.compile(rb"Accumulated Cost: \$?([\d.]{1,20})")
_TOKENS = re.compile(rb"Input tokens: (\d{1,12}) \| Output tokens: (\d{1,12})")
_BODY = re.compile(r"- ACTION\s*\n+\s*(?:\*\*)?(\w+)[^\n]*\n(?:(?:COMMAND|CODE|THOUGHT|PATH)[^\n]*\n)?\s*([^\n]*)")

# Prints the use of each answer behind the first `seen`, in the order of their times, which end their names. The figures
# are looked for without reading the JSON: a text inside it can't hold `"cost": 1`, whose quotes would be escaped there.
# Files that are just being written wait for the next time.
_ANSWERS = r"""
cd -- "$root" 2>/dev/null || exit 0
folders=$(find evaluation/evaluation_outputs -type d -path "*/llm_completions/$task" -newer "$started" 2>/dev/null)
folder=$(printf '%s\n' "$folders" | grep -F "$attempt" | head -n 1)
cd -- "${folder:-$(printf '%s\n' "$folders" | head -n 1)}" 2>/dev/null || exit 0
find . -maxdepth 1 -name '*.json' ! -newermt '1 second ago' -printf '%P\n' | sort | tail -n "+$((seen + 1))" |
    head -n 500 | while IFS= read -r file; do
        grep -aoE '"(prompt_tokens|completion_tokens|cost)": ?[0-9.eE+-]+' -- "$file" | awk -F '[": ]+' '
            !($2 in value) { value[$2] = $3 }
            END { printf "%d %d %.6f\n", value["prompt_tokens"], value["completion_tokens"], value["cost"] }'
    done
"""


@dataclass(frozen=True)
class LlmUse:
    """What answers of the LLM took: tokens, and dollars."""

    prompt: int = 0
    completion: int = 0
    cost: float = 0.0

    def __add__(self, other: LlmUse) -> LlmUse:
        return LlmUse(self.prompt + other.prompt, self.completion + other.completion, self.cost + other.cost)

    def in_words(self) -> dict[str, str]:
        """Return cost and tokens, as far as there are any."""
        words = {"cost": f"${self.cost:.2f}"} if self.cost else {}
        if self.prompt or self.completion:
            words["tokens"] = f"{self.prompt:,} + {self.completion:,} tokens"
        return words


class TrajectoryWatcher:
    """Tells the agent's iteration, its last action, and what it has cost."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""
        self._actions = 0
        self._step = 0
        self._action = ""
        self._spent: dict[str, str] = {}
        self._answers = 0
        self._answered = LlmUse()

    def __call__(self, data: bytes) -> None:
        if self._take(data):
            self._tell()

    def read_back(self, log: Path) -> None:
        """Take what came of the log before this process followed it. Blocks."""
        with log.open("rb") as file:
            while data := file.read(_PIECE_BYTES):
                self._take(data)

    def _take(self, data: bytes) -> bool:
        data = self._tail + data
        end = _settled(data)
        news, self._tail = data[:end], data[end:][-LOOKED_AT:]
        self._actions += sum(1 for _ in _ACTION.finditer(news))
        return self._read(news[-LOOKED_AT:])

    async def poll(self) -> None:
        """Read the LLM's new answers where the log does not tell what they cost. Raises HostErrors."""
        if "cost" in self._spent:
            return
        new = await answers(self._ctx, self._answers)
        self._answers += len(new)
        for answer in new:
            self._answered += answer
        if new:
            self._tell()

    def _read(self, news: bytes) -> bool:
        before = (self._actions, self._step, self._action, dict(self._spent))
        if match := last_match(_STEP, news):
            self._step = int(match[1])
        if match := last_match(_COST, news):
            self._spent["cost"] = f"${match[1].decode()}"
        if match := last_match(_TOKENS, news):
            self._spent["tokens"] = f"{int(match[1]):,} + {int(match[2]):,} tokens"
        if match := last_match(_ACTION, news):
            self._action = _words(clean(news[match.start() :])) or self._action
            return True
        return before != (self._actions, self._step, self._action, self._spent)

    def _tell(self) -> None:
        done = self._step or self._actions or self._answers
        spent = {**self._answered.in_words(), **self._spent}
        detail = " · ".join(part for part in (self._action, *spent.values()) if part)
        self._ctx.progress(done, self._ctx.run.max_iterations, "steps", detail)


def _settled(data: bytes) -> int:
    """Return where whole lines end; an action whose first lines are yet to come belongs to what follows."""
    end = data.rfind(b"\n") + 1
    begin = max(end - _BODY_BYTES, 0)
    latest = last_match(_ACTION, data[begin:end])
    if latest is None or data.count(b"\n", begin + latest.start(), end) >= _BODY_LINES:
        return end
    return begin + latest.start()


async def answers(ctx: PhaseContext, seen: int) -> list[LlmUse]:
    """Return what the LLM's answers behind the first `seen` took, of this run. Raises HostErrors."""
    command = assign(task=ctx.task.instance_id, attempt=f"{ctx.run.run}.{ctx.attempt}", seen=seen)
    command += f"root={quote_path(root(ctx))}\nstarted={quote_path(started_path(ctx))}\n{_ANSWERS}"
    result = await ctx.host.run(command, timeout_seconds=POLL_LIMIT_SECONDS, check=False)
    rows = [line.split() for line in result.text.splitlines()]
    return [LlmUse(int(row[0]), int(row[1]), float(row[2])) for row in rows if len(row) == 3]


def _words(text: str) -> str:
    """Return an action's kind and what it is about: `CmdRunAction: ls -la`."""
    match = _BODY.search(text)
    return f"{match[1].removesuffix('Action')}: {match[2].strip()}"[:80].rstrip(": ") if match else ""
