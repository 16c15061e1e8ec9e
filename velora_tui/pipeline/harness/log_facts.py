"""What the job's log says of the run: where it wrote, what was graded, how far the script came."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.pipeline.harness.banners import COMPLETE, DRESS, LOCATING, NO_PATCH, PHASES, RULE
from velora_tui.pipeline.phase import PhaseContext

_OUTPUTS_KEPT = 8
_PIECE_BYTES = 256 * 1024
_LONGEST_FACT = 8 * 1024
_INDENT_BYTES = 32

# What may stand before words that begin a line: colours, blanks, marks such as ✓.
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_OTHER_WORDS = re.compile(rb"[\w#=\"'`(\[]", re.ASCII)


@dataclass(frozen=True)
class _Kind:
    """A fact: the words it begins with, whether they begin a line, and the rest of it with its value."""

    name: str
    words: bytes
    rest: re.Pattern[bytes]
    begins_line: bool = True


def _kind(name: str, words: str, rest: str, *, begins_line: bool = True) -> _Kind:
    return _Kind(name, words.encode(), re.compile(rest.encode()), begins_line)


_TITLE = rf"{DRESS}([A-Z][^\r\n\x1b]{{0,100}}){DRESS}\n{DRESS}{RULE}"
_RULE_ENDS = (("\n", ""), ("\r", rf"{DRESS}\n"), ("\x1b", rf"\[[0-9;]*m{DRESS}\n"))

# The grader and the agent print through Python's logging: their words stand behind a time and a level.
_KINDS = (
    *(_kind("banner", RULE + end, rest + _TITLE, begins_line=False) for end, rest in _RULE_ENDS),
    # Behind what a progress bar left in its line.
    _kind("output", "### OUTPUT FILE: ", r"([^\r\n]{1,4096}?) ###[ \r]*(?=\n|\Z)", begins_line=False),
    _kind("folder", "Found output directory: ", r"([^\r\n]{1,4096})"),
    _kind("file", "Found output file at: ", r"([^\r\n]{1,4096})"),
    _kind("trajectory_file", "Output file: ", r"([^\r\n]{1,4096})"),
    _kind("saved", "Results saved to:", r" *([^\r\n]{0,4096})", begins_line=False),
    _kind("patch", "Git patch size: ", r"(\d{1,12}) bytes"),
    _kind("tests", "Parsed ", r"(\d{1,9}) test results", begins_line=False),
    _kind("read_dataset", "Instance ID: ", r"(\S)"),
    _kind("no_agent", "Remaining instances: 0", r"()(?!\d)", begins_line=False),
    _kind("no_container", "Failed to start container", r"()", begins_line=False),
    _kind("over_limit", "velora: ", r"([a-z]{1,20} did not end within \d{1,9}) s(?=\n)"),
    _kind("image_cached", "Docker image already loaded", r"()", begins_line=False),
)
_FLAGS = frozenset({"read_dataset", "no_agent", "no_container", "image_cached"})


@dataclass(frozen=True)
class Place:
    """A line of the log: where its part lies, the byte at which it begins, its text."""

    log: Path
    offset: int
    text: str

    def line_number(self) -> int:
        """Return the line's 1-based number in its part of the log. Blocks."""
        with self.log.open("rb") as file:
            return file.read(self.offset).count(b"\n") + 1


@dataclass
class LogFacts:
    """Read from the log in its order. Paths are as the script printed them, and may be anything."""

    outputs: tuple[str, ...] = ()  # `### OUTPUT FILE`: where this run wrote
    graded: str | None = None  # the file that the script went on with
    graded_at: Place | None = None
    saved: str | None = None  # where the grader put its result
    over_limit: tuple[str, float] | None = None  # the phase that took longer than so many seconds
    banner: str | None = None  # the last one
    patch_bytes: int | None = None
    tests: int | None = None
    located: bool = False  # whether the script has gone on from the agent's work
    read_dataset: bool = False
    image_cached: bool = False
    no_agent: bool = False  # nothing was left to do for the agent
    no_patch: bool = False
    no_container: bool = False
    complete: bool = False


async def read_facts(ctx: PhaseContext) -> LogFacts:
    """Return what the log says up to now."""
    return await asyncio.to_thread(log_facts, (*earlier_logs(ctx), ctx.log.path))


def earlier_logs(ctx: PhaseContext) -> list[Path]:
    """Return where the parts of the job's log lie that belong to earlier phases."""
    return [ctx.log.path.with_name(f"{name}.log") for name in PHASES[: PHASES.index(ctx.phase)]]


def log_facts(logs: Iterable[Path]) -> LogFacts:
    """Return what the parts of a log say, in their order. Blocks."""
    facts = LogFacts()
    for log in logs:
        for kind, offset, text, value in _found(log):
            words = text.decode("utf-8", "replace").strip()[:300]
            _take(facts, kind, value.decode("utf-8", "replace").strip(), Place(log, offset, words))
    return facts


def _found(log: Path) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield each fact's kind, offset, text and value, in order. Plain searches in pieces: one holds up all threads."""
    if not log.exists():
        return
    with log.open("rb") as file:
        base, window, searched = 0, b"", 0
        while True:
            data = file.read(_PIECE_BYTES)
            window += data
            settled = len(window) - _LONGEST_FACT if data else len(window)
            taken = searched
            for place, kind, match in sorted(_hits(window, searched, settled), key=lambda hit: hit[0]):
                if place >= taken:
                    yield kind, base + place, window[place : match.end()], match[1]
                    taken = match.end()
            if not data:
                return
            # What stands before the next search stays, to know whether a line begins there.
            done = max(taken, settled)
            kept = max(done - _INDENT_BYTES, 0)
            base, window, searched = base + kept, window[kept:], done - kept


def _hits(window: bytes, start: int, end: int) -> Iterator[tuple[int, str, re.Match[bytes]]]:
    for kind in _KINDS:
        place = window.find(kind.words, start)
        while 0 <= place < end:
            if not kind.begins_line or _begins_line(window, place):
                match = kind.rest.match(window, place + len(kind.words))
                if match:
                    yield place, kind.name, match
            place = window.find(kind.words, place + 1)


def _begins_line(window: bytes, place: int) -> bool:
    before = window[max(place - _INDENT_BYTES, 0) : place]
    start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    if start == 0 and place >= _INDENT_BYTES:
        return False
    return not _OTHER_WORDS.search(_COLOUR.sub(b"", before[start:]))


def _take(facts: LogFacts, kind: str, value: str, place: Place) -> None:
    match kind:
        case "banner":
            _take_banner(facts, value)
        case "output" if value not in facts.outputs:
            facts.outputs = (*facts.outputs[:1], *(*facts.outputs[1:], value)[1 - _OUTPUTS_KEPT :])
        case "folder" | "file" | "trajectory_file" if _names_trajectory(facts, kind, value):
            facts.graded = f"{value}/output.jsonl" if kind == "folder" else value
            facts.graded_at = place
        case "saved":
            facts.saved = value
        case "over_limit":
            phase, _, seconds = value.partition(" did not end within ")
            facts.over_limit = (phase, float(seconds))
        case "patch":
            facts.patch_bytes = int(value)
        case "tests":
            facts.tests = int(value)
        case _ if kind in _FLAGS:
            setattr(facts, kind, True)


def _names_trajectory(facts: LogFacts, kind: str, value: str) -> bool:
    """Tell whether a line names what the script goes on with: later sections name other files in the same words."""
    if facts.located:
        return facts.banner == LOCATING
    return kind != "trajectory_file" or value.endswith("/output.jsonl")


def _take_banner(facts: LogFacts, title: str) -> None:
    facts.banner = title
    if title == LOCATING:
        # What looked like the script's words before this were the agent's.
        facts.graded = facts.graded_at = facts.saved = facts.patch_bytes = facts.tests = None
        facts.no_patch = facts.no_container = facts.complete = False
        facts.located = True
    elif title == NO_PATCH:
        facts.no_patch = True
    elif title == COMPLETE:
        facts.complete = True
