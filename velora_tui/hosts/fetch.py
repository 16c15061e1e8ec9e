"""Bring a folder home from an instance: one compressed stream, resumable, verified, visible only when whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from velora_tui.errors import CommandFailed, StoreError
from velora_tui.hosts.archive import Puller, digest_of, relative_path, unpack
from velora_tui.hosts.command import last_line, run_command
from velora_tui.hosts.files import UNFINISHED_UPLOADS
from velora_tui.hosts.host import Host, RemoteProcess
from velora_tui.hosts.shell import assign, quote_path

_MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024
_PASSES = 3
_PROBE_BYTES = 1024 * 1024
# Bytes per second above which gzip would take longer than the bytes that it saves.
_FAST_LINK = 12_000_000.0
_DIGEST_LINE = re.compile(rb"\\?([0-9a-f]{64}) ")

_LIST = f"""
cd -- "$folder" || exit
find . -name '{UNFINISHED_UPLOADS}' -prune -o -type f -printf '%s %P\\0'
"""

# Standard input: the names of all files, then of those to send, each ended by NUL. The checksums of all go to standard
# error, in that order, while the stream is on its way.
_SEND = """
cd -- "$folder" || exit
lists=$(mktemp -d) || exit
trap 'rm -rf "$lists"' EXIT
head -c "$all_bytes" >"$lists/all" && cat >"$lists/wanted" || exit
xargs -0 -r sha256sum -- <"$lists/all" >&2 &
tar -c --no-recursion --owner=0 --group=0 --null -T "$lists/wanted" | $pack
wait
"""


@dataclass(frozen=True)
class FetchedFile:
    """A file that came home and is the same as on the instance."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FetchLimits:
    """How much of what an instance holds is taken at most."""

    total_bytes: int = 16 * 1024**3
    files: int = 200_000


async def fetch_tree(
    host: Host,
    remote_dir: str,
    local_dir: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    exclude: Iterable[str] = (),
    limits: FetchLimits = FetchLimits(),
    compress: bool | None = None,
    timeout_seconds: float = 3600.0,
) -> list[FetchedFile]:
    """Copy the regular files under `remote_dir` to `local_dir`, which appears when all are there and verified.

    Until then they are kept beside it, so that a call after a break goes on where the last one stopped. Files that
    change meanwhile are fetched again, a few times. Where `compress` is None, the speed of the link decides. `exclude`
    holds patterns such as `*.tar` or `cache/*`; `on_progress(done_bytes, total_bytes)` is called from a thread.
    Raises HostErrors, CommandFailed for what is unsafe or over the limits, StoreError for the local disk.
    """
    partial = local_dir.with_name(f".{local_dir.name}.partial")
    patterns = tuple(exclude)
    try:
        async with asyncio.timeout(timeout_seconds):
            for _ in range(_PASSES):
                sizes = await _list(host, remote_dir, patterns, limits)
                fetch = _Fetch(host, remote_dir, partial, sizes, on_progress, compress)
                if (files := await fetch.run()) is not None:
                    await asyncio.to_thread(_publish, partial, local_dir)
                    return files
    except OSError as error:  # TimeoutError is one
        if isinstance(error, TimeoutError):
            raise CommandFailed(f"{remote_dir} did not come within {timeout_seconds:g} s", instance=host.name) from None
        raise StoreError(f"cannot keep {local_dir}: {error}", hint="is the local disk full or read-only?") from error
    raise CommandFailed(f"{remote_dir} goes on changing while it is being fetched", instance=host.name)


class _Fetch:
    """One pass: get what is missing, compare everything."""

    def __init__(
        self,
        host: Host,
        remote_dir: str,
        partial: Path,
        sizes: Mapping[str, int],
        on_progress: Callable[[int, int], None] | None,
        compress: bool | None,
    ) -> None:
        self._host = host
        self._remote_dir = remote_dir
        self._partial = partial
        self._sizes = sizes
        self._on_progress = on_progress
        self._compress = compress
        self._done_bytes = 0
        self._total_bytes = sum(sizes.values())
        self._expected: dict[str, str] = {}

    async def run(self) -> list[FetchedFile] | None:
        """Return the files if all are here and equal; None where some changed and another pass is needed."""
        have = await asyncio.to_thread(_held, self._partial, self._sizes)
        self._count(sum(self._sizes[path] for path in have))
        missing = [path for path in self._sizes if path not in have]
        if self._compress is None:
            probe = self._probe(missing)
            missing = missing[len(probe) :]
            arrived, bytes_per_second = await self._transfer([*have, *probe], probe, compress=False)
            have |= arrived
            if missing:
                have |= (await self._transfer(missing, missing, compress=bytes_per_second < _FAST_LINK))[0]
        else:
            have |= (await self._transfer(self._sizes, missing, compress=self._compress))[0]
        return await self._compare(have)

    def _probe(self, missing: list[str]) -> list[str]:
        """Return the first files, which go uncompressed and tell how fast the link is."""
        total = 0
        for number, path in enumerate(missing):
            if total >= _PROBE_BYTES:
                return missing[:number]
            total += self._sizes[path]
        return missing

    async def _transfer(
        self, compare: Iterable[str], wanted: Iterable[str], *, compress: bool
    ) -> tuple[dict[str, str], float]:
        """Get `wanted` and the checksums of `compare` from there; return the local checksums and bytes per second."""
        names = list(compare)
        sizes = {path: self._sizes[path] for path in wanted}
        announced = _names(names)
        command = (
            f"folder={quote_path(self._remote_dir)}\n"
            + assign(all_bytes=len(announced), pack="gzip -1" if compress else "cat")
            + _SEND
        )
        async with self._host.open(command) as process:
            puller = Puller(process, gzipped=compress)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_send(process, announced + _names(sizes)))
                    digests = group.create_task(_digests(process, self._host.name, self._remote_dir))
                    got = group.create_task(
                        puller.feed(lambda stream: unpack(stream, self._partial, sizes, self._count))
                    )
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
        self._expected |= zip(names, digests.result(), strict=False)
        return got.result(), puller.bytes_per_second

    async def _compare(self, have: Mapping[str, str]) -> list[FetchedFile] | None:
        changed = [path for path in self._sizes if have.get(path, "") != self._expected.get(path)]
        for path in changed:
            await asyncio.to_thread((self._partial / path).unlink, missing_ok=True)
        return None if changed else [FetchedFile(path, size, have[path]) for path, size in self._sizes.items()]

    def _count(self, size: int) -> None:
        self._done_bytes += size
        if self._on_progress is not None:
            self._on_progress(self._done_bytes, self._total_bytes)


async def _list(host: Host, remote_dir: str, exclude: tuple[str, ...], limits: FetchLimits) -> dict[str, int]:
    """Return the sizes of the regular files under `remote_dir` by path. Raises CommandFailed for too many."""
    command = f"folder={quote_path(remote_dir)}\n{_LIST}"
    result = await run_command(host, command, timeout_seconds=300, output_limit=_MANIFEST_LIMIT_BYTES)
    sizes: dict[str, int] = {}
    for entry in result.stdout.split(b"\0")[:-1]:
        size, _, name = entry.partition(b" ")
        try:
            path, size_bytes = relative_path(name.decode("utf-8", "surrogateescape")), int(size)
        except ValueError as error:
            raise CommandFailed(f"an unsafe file name: {error}", instance=host.name) from error
        if not any(fnmatch(path, pattern) for pattern in exclude):
            sizes[path] = size_bytes
    if len(sizes) > limits.files or sum(sizes.values()) > limits.total_bytes:
        raise CommandFailed(
            f"{remote_dir} is too large: {len(sizes)} files, {sum(sizes.values())} bytes",
            hint=f"at most {limits.files} files and {limits.total_bytes} bytes are fetched",
            instance=host.name,
        )
    return sizes


def _names(paths: Iterable[str]) -> bytes:
    # "./" keeps tar from taking a name for an option.
    return b"".join(b"./" + path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)


async def _send(process: RemoteProcess, names: bytes) -> None:
    await process.write(names)
    await process.write_eof()


async def _digests(process: RemoteProcess, instance: str, remote_dir: str) -> list[str]:
    """Return the checksums in the order of the names. Raises CommandFailed where the instance could not send."""
    digests: list[str] = []
    said = b""
    while line := await process.read_stderr_line():
        if found := _DIGEST_LINE.match(line):
            digests.append(found[1].decode())
        else:
            said = line
    if (status := await process.wait()) != 0:
        raise CommandFailed(f"cannot send {remote_dir}: {last_line(said)}", instance=instance, exit_status=status)
    return digests


def _held(partial: Path, sizes: Mapping[str, int]) -> dict[str, str]:
    """Return the SHA-256 of the files that an earlier call left whole, by path; remove what is no longer there."""
    held: dict[str, str] = {}
    partial.mkdir(parents=True, exist_ok=True)
    for file in [path for path in partial.rglob("*") if not path.is_dir()]:
        path = file.relative_to(partial).as_posix()
        if file.stat().st_size == sizes.get(path, -1):
            held[path] = digest_of(file)
        else:
            file.unlink()
    return held


def _publish(partial: Path, local_dir: Path) -> None:
    for folder in sorted((path for path in partial.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    if local_dir.is_dir() and not any(local_dir.iterdir()):
        local_dir.rmdir()
    if local_dir.exists():
        raise StoreError(f"{local_dir} exists already", hint="what was fetched before is never overwritten")
    partial.rename(local_dir)
