"""The trajectory in an output.jsonl of any size: a small file in memory, of a large one only a line of each step.

A child reads a large file and writes what was thought, done and seen, step by step, to a file without a name; the view
reads from it the steps that one unfolds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import accumulate, islice, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from weakref import finalize

from velora_tui.errors import StoreError
from velora_tui.garbage import collection_held
from velora_tui.pipeline import child
from velora_tui.pipeline.child import SMALL_BYTES, check_size
from velora_tui.view.trajectory import Step, Trajectory, read_trajectory

MOST_STEPS = 10_000
_LONGEST_ERROR_CHARACTERS = 4_000
_TEXTS = ("thought", "action", "observation")


async def read_trajectory_file(path: Path) -> Trajectory:
    """Return the trajectory in the output.jsonl at `path`.

    Raises StoreError where it can't be read, and ValueError, as TooLarge, where it is no trajectory.
    """
    try:
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        check_size(size_bytes)
        if size_bytes <= SMALL_BYTES:
            return await asyncio.to_thread(lambda: read_trajectory(path.read_bytes()))
        return await _read_large(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None


async def _read_large(path: Path) -> Trajectory:
    with await asyncio.to_thread(TemporaryFile) as file:
        await child.read_in_child(__name__, path, to=file)
        return await asyncio.to_thread(_opened, file)


@dataclass(frozen=True)
class _Bodies:
    """The texts of steps in a file; `ends` has for each where its thought, action and observation end.

    The file's descriptor is closed with the last reference to this.
    """

    descriptor: int
    ends: tuple[tuple[int, int, int], ...]
    start: int

    def __call__(self, place: int) -> dict[str, str]:
        begin = self.ends[place - 1][-1] if place else self.start
        bounds = (begin, *self.ends[place])
        data = os.pread(self.descriptor, bounds[-1] - begin, begin)
        pieces = (data[left - begin : right - begin] for left, right in pairwise(bounds))
        return dict(zip(_TEXTS, (piece.decode("utf-8", "replace") for piece in pieces), strict=True))


@collection_held()
def _opened(file: IO[bytes]) -> Trajectory:
    """Return what `read` wrote. Blocks."""
    file.seek(0)
    head = json.loads(file.readline())
    heads = [json.loads(file.readline()) for _ in range(head.pop("count"))]
    sizes = [one.pop("sizes") for one in heads]
    start = file.tell()
    ends = list(accumulate((size for three in sizes for size in three), initial=start))[1:]
    bodies = _Bodies(os.dup(file.fileno()), tuple(zip(*([iter(ends)] * 3), strict=True)), start)
    finalize(bodies, os.close, bodies.descriptor)
    return Trajectory(tuple(_step(one) for one in heads), **{**head, "tokens": _pair(head["tokens"])}, body_of=bodies)


def _step(head: dict[str, Any]) -> Step:
    at = datetime.fromisoformat(head["at"]) if head["at"] else None
    return Step(**{**head, "at": at, "tokens": _pair(head["tokens"])})


def _pair(tokens: list[int] | None) -> tuple[int, int] | None:
    return (tokens[0], tokens[1]) if tokens else None


def read(path: str) -> None:
    """Print the trajectory in the file at `path` as `_opened` reads it: for a child process."""
    for piece in _packed(read_trajectory(Path(path).read_bytes())):
        sys.stdout.buffer.write(piece)


def _packed(trajectory: Trajectory) -> Iterator[bytes]:
    steps = _limited(trajectory.steps)
    head = {
        "count": len(steps),
        "error": trajectory.error[:_LONGEST_ERROR_CHARACTERS],
        "cost": trajectory.cost,
        "tokens": trajectory.tokens,
        "seconds": trajectory.seconds,
        "left_out": trajectory.count - Trajectory(steps).count,
    }
    yield json.dumps(head).encode() + b"\n"
    for step in steps:
        sizes = [len(_encoded(getattr(step, name))) for name in _TEXTS]
        fields = asdict(replace(step, thought="", action="", observation=""))
        yield json.dumps({**fields, "at": step.at and step.at.isoformat(), "sizes": sizes}).encode() + b"\n"
    for step in steps:
        for name in _TEXTS:
            yield _encoded(getattr(step, name))


def _limited(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    left_out = len(steps) - MOST_STEPS
    if left_out <= 0:
        return steps
    words = f"{left_out:,} more steps are not shown: e opens the file"
    return (*islice(steps, MOST_STEPS), Step(0, "…", words))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
