"""Bring the records of a run's output to us: small ones in memory, large ones as a file that a child process reads."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from velora_tui.errors import CommandFailed, CommandTimeout, NotWritten
from velora_tui.hosts.files import read_file
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.harness import record
from velora_tui.pipeline.harness.place import METADATA_LIMIT, OutputPlace
from velora_tui.pipeline.harness.record import NotOneRecord, OutputRecord, parse_record, unpacked
from velora_tui.pipeline.phase import PhaseContext

RECORD_LIMIT = 256 * 1024 * 1024
SMALL_BYTES = 4 * 1024 * 1024  # decoding one value of this size holds up the loop for a few milliseconds
MEMORY_LIMIT = (
    3 * 1024**3
)  # of the child: the text of a file of RECORD_LIMIT with wide characters, and its largest value
_TRANSFER_SECONDS = 1800.0
_PARSE_SECONDS = 300.0
_PIECE_BYTES = 256 * 1024


class TooLarge(ValueError):
    """The file is larger than what is read."""


async def read_record(ctx: PhaseContext, place: OutputPlace, path: str) -> OutputRecord:
    """Return what the record file `path` of the output folder says.

    Raises ValueError: TooLarge, NotOneRecord, or no JSON; HostErrors; NotWritten where our own disk is full.
    """
    size = place.files[path]
    if size > RECORD_LIMIT:
        raise TooLarge(f"it has {size / 1024**2:,.0f} MiB, at most {RECORD_LIMIT // 1024**2} are read")
    if size <= SMALL_BYTES:
        data = await read_file(ctx.host, f"{place.folder}/{path}", SMALL_BYTES)
        try:
            return await asyncio.to_thread(parse_record, data)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    async with _copy_of(ctx, f"{place.folder}/{path}") as copy:
        return await read_in_child(copy)


async def read_in_child(path: Path) -> OutputRecord:
    """Return what the record file at `path`, on this machine, says. Raises ValueError as `read_record` does."""
    arguments = (sys.executable, "-I", "-S", record.__file__, str(path), str(MEMORY_LIMIT))
    child = await asyncio.create_subprocess_exec(
        *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        async with asyncio.timeout(_PARSE_SECONDS):
            said, reason = await child.communicate()
    except TimeoutError:
        raise ValueError(f"it could not be read within {_PARSE_SECONDS:.0f} s") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return await asyncio.to_thread(unpacked, said)
    words = reason.decode("utf-8", "replace") or f"reading it ended with status {child.returncode}"
    kinds = {record.SEVERAL: NotOneRecord, record.TOO_LARGE: TooLarge}
    raise kinds.get(child.returncode or 0, ValueError)(words)


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
