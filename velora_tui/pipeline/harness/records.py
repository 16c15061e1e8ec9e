"""Bring the records of a run's output to us: small ones in memory, large ones as a file that a child process reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from velora_tui.errors import CommandFailed, CommandTimeout, NotWritten
from velora_tui.hosts.files import read_file
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline import child
from velora_tui.pipeline.child import SMALL_BYTES, Refused, TooLarge, check_size
from velora_tui.pipeline.harness import record
from velora_tui.pipeline.harness.place import METADATA_LIMIT, OutputPlace
from velora_tui.pipeline.harness.record import NotOneRecord, OutputRecord, parse_record, unpacked
from velora_tui.pipeline.phase import PhaseContext

_TRANSFER_SECONDS = 1800.0
_PIECE_BYTES = 256 * 1024


async def read_record(ctx: PhaseContext, place: OutputPlace, path: str) -> OutputRecord:
    """Return what the record file `path` of the output folder says.

    Raises ValueError: TooLarge, NotOneRecord, or no JSON; HostErrors; NotWritten where our own disk is full.
    """
    return await read_record_file(ctx, f"{place.folder}/{path}", place.files[path])


async def read_record_file(ctx: PhaseContext, path: str, size_bytes: int) -> OutputRecord:
    """Return what the instance's record file at `path` says. Raises as `read_record` does."""
    check_size(size_bytes)
    if size_bytes <= SMALL_BYTES:
        data = await read_file(ctx.host, path, SMALL_BYTES)
        try:
            return await asyncio.to_thread(parse_record, data)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    async with _copy_of(ctx, path) as copy:
        return await read_in_child(copy)


async def read_in_child(path: Path) -> OutputRecord:
    """Return what the record file at `path`, on this machine, says. Raises ValueError as `read_record` does."""
    try:
        said = await child.read_in_child(record.__name__, path)
    except TooLarge:
        raise
    except Refused as error:
        raise (NotOneRecord if error.kind == NotOneRecord.__name__ else ValueError)(str(error)) from None
    return await asyncio.to_thread(unpacked, said)


async def read_metadata(ctx: PhaseContext, place: OutputPlace) -> dict[str, object]:
    """Return the run's metadata.json; empty where it is missing or no use, which validate tells. Raises HostErrors."""
    if "metadata.json" not in place.files:
        return {}
    try:
        data = await read_file(ctx.host, f"{place.folder}/metadata.json", METADATA_LIMIT)
        document = await asyncio.to_thread(json.loads, data)
    except (CommandFailed, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


@asynccontextmanager
async def _copy_of(ctx: PhaseContext, path: str) -> AsyncIterator[Path]:
    """Give a copy of the instance's file, which is removed in the end. Raises HostErrors and NotWritten."""
    try:
        await asyncio.to_thread(ctx.work.mkdir, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=ctx.work, prefix=".record-") as copy:
            async with asyncio.timeout(_TRANSFER_SECONDS) as limit, ctx.host.open(f"cat < {quote_path(path)}") as there:
                await there.write_eof()
                while data := await there.read(_PIECE_BYTES):
                    await asyncio.to_thread(copy.write, data)
                if (status := await there.wait()) != 0:
                    raise CommandFailed(f"{path} cannot be read", instance=ctx.host.name, exit_status=status)
            await asyncio.to_thread(copy.flush)
            yield Path(copy.name)
    except TimeoutError:
        if not limit.expired():
            raise
        raise CommandTimeout(f"{path} did not come within {_TRANSFER_SECONDS:.0f} s", instance=ctx.host.name) from None
    except OSError as error:
        raise NotWritten(f"{ctx.work} cannot be written: {error.strerror}", hint="free some disk space") from None
