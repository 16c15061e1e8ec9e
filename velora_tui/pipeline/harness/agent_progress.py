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

_COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
# A heading and the whole line below it. What prepares the container and reads its patch is logged like the agent's
# actions, but has no source.
_ACTION = re.compile(
    rb"\d\d:\d\d:\d\d" + _COLOUR + rb" - " + _COLOUR + rb"ACTION\b" + _COLOUR + rb"[ \r]*\n"
    rb"(?!" + _COLOUR + rb"\*\*\w+ \(source=None\b)(?=[^\n]*\n)"
)
_STEP = re.compile(rb"GLOBAL STEP (\d{1,6})\b")
_COST = re.compile(rb"Accumulated Cost: \$?([\d.]{1,20})")
_BODY = re.compile(
    r"- ACTION\s*\n\s*(?:\[Agent Controller [^\]\n]*\] )?(?:\*\*)?(\w+)(.*?)(?=\n\d\d:\d\d:\d\d - |\Z)", re.DOTALL
)
# What an action is about: the first of these that it has.
_ABOUT = (
    re.compile(r"^(?:COMMAND|CODE):\s*(\S.*)", re.MULTILINE),
    re.compile(r"^(?:Path: \[|NAME: |CONTENT: )([^\]\n]+)", re.MULTILINE),
    re.compile(r"\b(?:path|thought)=['\"]([^'\"\n]+)"),
    re.compile(r"^(?:THOUGHT|Thought): (.+)", re.MULTILINE),
)

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

    def in_words(self, cost: str) -> list[str]:
        """Return cost and tokens, as far as there are any; `cost` is what the log says of it."""
        cost = cost or (f"${self.cost:.2f}" if self.cost else "")
        return [cost, f"{self.prompt:,} + {self.completion:,} tokens" if self.prompt or self.completion else ""]


class TrajectoryWatcher:
    """Tells the agent's iteration, its last action, and what it has cost."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._tail = b""
        self._settled = 0  # actions that can't change any more
        self._actions = 0
        self._step = 0
        self._action = ""
        self._cost = ""
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
        """Take what has come, and tell whether it says anything new. The last action waits for the rest of its body."""
        data = self._tail + data
        end = data.rfind(b"\n") + 1
        heads = [match.start() for match in _ACTION.finditer(data, 0, end)] if b"ACTION" in data else []
        is_open = bool(heads) and len(data) - heads[-1] <= _BODY_BYTES
        last_line = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
        self._tail = data[heads[-1] if is_open else last_line :][-LOOKED_AT:]
        before = (self._actions, self._step, self._action, self._cost)
        self._settled += len(heads) - is_open
        self._actions = self._settled + is_open
        if heads:
            self._action = _words(clean(data[heads[-1] : end][:_BODY_BYTES])) or self._action
        self._read(data[:end][-LOOKED_AT:])
        return before != (self._actions, self._step, self._action, self._cost)

    async def poll(self) -> None:
        """Read the LLM's new answers: the log tells what they took only at level DEBUG. Raises HostErrors."""
        new = await answers(self._ctx, self._answers)
        self._answers += len(new)
        for answer in new:
            self._answered += answer
        if new:
            self._tell()

    def _read(self, news: bytes) -> None:
        if match := last_match(_STEP, news):
            self._step = int(match[1])
        if match := last_match(_COST, news):
            self._cost = f"${match[1].decode()}"

    def _tell(self) -> None:
        done = self._step or self._actions or self._answers
        detail = " · ".join(part for part in (self._action, *self._answered.in_words(self._cost)) if part)
        self._ctx.progress(done, self._ctx.run.max_iterations, "steps", detail)


async def answers(ctx: PhaseContext, seen: int) -> list[LlmUse]:
    """Return what the LLM's answers behind the first `seen` took, of this run. Raises HostErrors."""
    command = assign(task=ctx.task.instance_id, attempt=f"{ctx.run.run}.{ctx.attempt}", seen=seen)
    command += f"root={quote_path(root(ctx))}\nstarted={quote_path(started_path(ctx))}\n{_ANSWERS}"
    result = await ctx.host.run(command, timeout_seconds=POLL_LIMIT_SECONDS, check=False)
    rows = [line.split() for line in result.text.splitlines()]
    return [LlmUse(int(row[0]), int(row[1]), float(row[2])) for row in rows if len(row) == 3]


def _words(text: str) -> str:
    """Return an action's kind and what it is about: `CmdRun: ls -la`."""
    body = _BODY.search(text)
    if body is None:
        return ""
    about = next((found[1].strip() for pattern in _ABOUT if (found := pattern.search(body[2]))), "")
    return f"{body[1].removesuffix('Action')}: {about}"[:80].rstrip(": ")
