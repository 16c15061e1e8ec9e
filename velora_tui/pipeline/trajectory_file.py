"""The trajectory in an output.jsonl of any size: a small file in memory, of a large one only a line of each step.

A child reads a large file and writes what was thought, done and seen, step by step, to a file without a name; the view
reads from it the steps that one unfolds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import accumulate, islice, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from weakref import finalize

from velora_tui.errors import StoreError
from velora_tui.garbage import collection_held
from velora_tui.giving_way import giving_way
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
    """The texts of steps in a file; `bounds` has where each one's thought, action and observation begin, and the end.

    The file's descriptor is closed with the last reference to this.
    """

    descriptor: int
    bounds: Sequence[int]

    def __call__(self, place: int) -> dict[str, str]:
        first = place * len(_TEXTS)
        bounds = self.bounds[first : first + len(_TEXTS) + 1]
        begin = bounds[0]
        data = os.pread(self.descriptor, bounds[-1] - begin, begin)
        pieces = (data[left - begin : right - begin] for left, right in pairwise(bounds))
        return dict(zip(_TEXTS, (piece.decode("utf-8", "replace") for piece in pieces), strict=True))


@collection_held()
def _opened(file: IO[bytes]) -> Trajectory:
    """Return what `read` wrote. Blocks."""
    file.seek(0)
    head = json.loads(file.readline())
    sizes = array("Q")
    steps = tuple(_step(json.loads(file.readline()), sizes) for _ in giving_way(range(head.pop("count"))))
    bodies = _Bodies(os.dup(file.fileno()), array("Q", accumulate(sizes, initial=file.tell())))
    finalize(bodies, os.close, bodies.descriptor)
    return Trajectory(steps, **{**head, "tokens": _pair(head["tokens"])}, body_of=bodies)


def _step(head: dict[str, Any], sizes: array[int]) -> Step:
    """Return a step without its texts; how long these are is put behind `sizes`."""
    sizes.extend(head.pop("sizes"))
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
