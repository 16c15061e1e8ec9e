"""What the job's log says of the run: where it wrote, what was graded, how far the script came."""

from __future__ import annotations

import asyncio
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from velora_tui.pipeline.harness.banners import COMPLETE, LOCATING, NO_PATCH
from velora_tui.pipeline.harness.log_follow import earlier_logs
from velora_tui.pipeline.phase import PhaseContext

_OUTPUTS_KEPT = 8

# The grader and the agent print through Python's logging: their words stand behind a time and a level.
_FACTS = re.compile(
    rb"(?:^|\r)={44}\n(?P<banner>[A-Z][^\r\n]{0,100})\n={44}$"
    rb"|(?:^|\r)### OUTPUT FILE: (?P<output>[^\r\n]{1,4096}) ###[ \r]*$"
    rb"|^Found output directory: (?P<folder>[^\r\n]{1,4096})"
    rb"|^(?:Found output file at|Output file): (?P<file>[^\r\n]{1,4096})"
    rb"|Results saved to: *(?P<saved>[^\r\n]{0,4096})"
    rb"|^Git patch size: (?P<patch>\d{1,12}) bytes"
    rb"|Parsed (?P<tests>\d{1,9}) test results"
    rb"|(?P<no_agent>Remaining instances: 0\b)"
    rb"|(?P<no_container>Failed to start container)"
    rb"|^Instance ID: (?P<dataset_read>\S)"
    rb"|(?P<cached>Docker image already loaded)",
    re.MULTILINE,
)
_FLAGS = {
    "no_agent": "no_agent",
    "no_container": "no_container",
    "dataset_read": "read_dataset",
    "cached": "image_cached",
}


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
    banner: str | None = None  # the last one
    patch_bytes: int | None = None
    tests: int | None = None
    read_dataset: bool = False
    image_cached: bool = False
    no_agent: bool = False  # nothing was left to do for the agent
    no_patch: bool = False
    no_container: bool = False
    complete: bool = False


async def read_facts(ctx: PhaseContext) -> LogFacts:
    """Return what the log says up to now."""
    return await asyncio.to_thread(log_facts, (*earlier_logs(ctx), ctx.log.path))


def log_facts(logs: Iterable[Path]) -> LogFacts:
    """Return what the parts of a log say, in their order. Blocks."""
    facts = LogFacts()
    for log in logs:
        for match in _matches(log):
            assert match.lastgroup
            value = match[match.lastgroup].decode("utf-8", "replace").strip()
            place = Place(log, match.start(), match[0].decode("utf-8", "replace").strip()[:300])
            _take(facts, match.lastgroup, value, place)
    return facts


def _matches(log: Path) -> Iterator[re.Match[bytes]]:
    if log.exists() and log.stat().st_size:
        with log.open("rb") as file:
            yield from _FACTS.finditer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _take(facts: LogFacts, kind: str, value: str, place: Place) -> None:
    match kind:
        case "banner":
            _take_banner(facts, value)
        case "output" if value not in facts.outputs:
            facts.outputs = (*facts.outputs, value)[-_OUTPUTS_KEPT:]
        case "folder" | "file":
            facts.graded = value if kind == "file" else f"{value}/output.jsonl"
            facts.graded_at = place
        case "saved":
            facts.saved = value
        case "patch":
            facts.patch_bytes = int(value)
        case "tests":
            facts.tests = int(value)
        case _ if kind in _FLAGS:
            setattr(facts, _FLAGS[kind], True)


def _take_banner(facts: LogFacts, title: str) -> None:
    facts.banner = title
    if title == LOCATING:
        # What looked like the script's words before this were the agent's.
        facts.graded = facts.graded_at = facts.saved = facts.patch_bytes = facts.tests = None
        facts.no_patch = facts.no_container = facts.complete = False
    elif title == NO_PATCH:
        facts.no_patch = True
    elif title == COMPLETE:
        facts.complete = True
