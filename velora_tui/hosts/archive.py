"""Unpack a tar stream from a machine that is not trusted, and pack one for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import os
import tarfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar, cast

from velora_tui.errors import CommandFailed, ConnectionLost
from velora_tui.hosts.host import RemoteProcess

_READ_BYTES = 256 * 1024
# A long name or an extended header is read into memory whole.
_HEADER_LIMIT_BYTES = 1024 * 1024
_HEADERS = frozenset({tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE})
_PLAIN = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE})
T = TypeVar("T")


def relative_path(name: str) -> str:
    """Return `name` without a leading "./" if it stays inside its folder on any system; raise ValueError otherwise."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name or "\\" in name:
        raise ValueError(f"{name[:120]!r} does not stay inside the folder")
    return str(path)


class _PlainMember(tarfile.TarInfo):
    """A member that is a file or a folder; links, devices and oversized headers are refused as they are read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _PlainMember:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in _PLAIN | _HEADERS:
            raise ValueError(f"the archive holds {member.name[:120]!r}, which is neither a file nor a folder")
        if member.type in _HEADERS and member.size > _HEADER_LIMIT_BYTES:
            raise ValueError(f"the archive has a header of {member.size} bytes")
        return member


class Puller:
    """A file for a thread, whose bytes come from a process that the loop reads; gunzips them on the way."""

    def __init__(self, process: RemoteProcess, *, gzipped: bool) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._gunzip = zlib.decompressobj(wbits=31) if gzipped else None
        self._waiting: concurrent.futures.Future[bytes] | None = None
        self._stopped = False
        self._began = 0.0
        self._timed_bytes = 0
        self.bytes_per_second = 0.0

    def read(self, size: int = _READ_BYTES) -> bytes:
        """Return some bytes, at most `size`; b"" at the end. Raises HostErrors."""
        if self._gunzip is None:
            return self._pull(size)
        while not self._gunzip.eof:
            packed = self._gunzip.unconsumed_tail or self._pull(_READ_BYTES)
            if not packed:
                break
            if data := self._gunzip.decompress(packed, size):
                return data
        return b""

    def _pull(self, size: int) -> bytes:
        if self._stopped:
            raise ConnectionLost("reading was given up")
        self._waiting = asyncio.run_coroutine_threadsafe(self._process.read(size), self._loop)
        try:
            data = self._waiting.result()
        except concurrent.futures.CancelledError:
            raise ConnectionLost("reading was given up") from None
        self._measure(len(data))
        return data

    def _measure(self, size: int) -> None:
        # From the first bytes on: how long the other side took to begin says nothing about the link.
        now = time.monotonic()
        if not self._began:
            self._began = now
        else:
            self._timed_bytes += size
            self.bytes_per_second = self._timed_bytes / max(now - self._began, 1e-6)

    async def feed(self, work: Callable[[Puller], T]) -> T:
        """Run `work(self)` in a thread; cancelling waits until the thread has let go."""
        running = asyncio.ensure_future(asyncio.to_thread(work, self))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._stopped = True
            if self._waiting is not None:
                self._waiting.cancel()
            await asyncio.wait([running])
            raise


def unpack(stream: Puller, folder: Path, sizes: Mapping[str, int], on_file: Callable[[int], None]) -> dict[str, str]:
    """Unpack the files that `sizes` announces (bytes by path) into `folder`; return the SHA-256 of each by path.

    A file appears under its name only when it is whole. Raises CommandFailed for a stream that holds anything else,
    OSError for the local disk, and HostErrors.
    """
    digests: dict[str, str] = {}
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=_READ_BYTES, tarinfo=_PlainMember
        ) as archive:
            for member in archive:
                if member.isfile():
                    path = _announced(member, sizes)
                    digests[path] = _write(archive, member, folder / path)
                    on_file(member.size)
    except (tarfile.TarError, ValueError, zlib.error, EOFError) as error:
        raise CommandFailed(f"the archive from the instance is damaged or unsafe: {error}") from error
    return digests


def _announced(member: tarfile.TarInfo, sizes: Mapping[str, int]) -> str:
    path = relative_path(member.name)
    if path not in sizes:
        raise ValueError(f"{path[:120]!r} was not asked for")
    if member.issparse() or member.size > sizes[path]:
        raise ValueError(f"{path[:120]!r} is not the size that was announced")
    return path


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    source = archive.extractfile(member)
    assert source is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    growing = target.with_name(f".{target.name[:200]}.part")
    digest = hashlib.sha256()
    with growing.open("wb") as file:
        while data := source.read(_READ_BYTES):
            digest.update(data)
            file.write(data)
    growing.chmod(0o755 if member.mode & 0o100 else 0o644)
    os.utime(growing, (member.mtime, member.mtime))
    growing.replace(target)
    return digest.hexdigest()


def pack(folder: Path, target: IO[bytes]) -> int:
    """Write the files and folders under `folder`, without links and devices, as a tar; return the number of files."""
    files = 0

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        nonlocal files
        files += member.isfile()
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member if member.isfile() or member.isdir() else None

    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, arcname=".", filter=plain)
    return files


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
