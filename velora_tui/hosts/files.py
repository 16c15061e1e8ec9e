"""Move files and whole folders between this machine and an instance, over the one primitive."""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from velora_tui.errors import CommandFailed
from velora_tui.hosts.archive import pack
from velora_tui.hosts.command import command_failed, run_command
from velora_tui.hosts.host import Host
from velora_tui.hosts.shell import assign, quote_path

_PIECE_BYTES = 256 * 1024
_NOT_A_FILE = 66
_TRANSFER_SECONDS = 3600.0

UNFINISHED_UPLOADS = ".upload.??????"
"""What is not yet whole, or was left by an upload that died; a pattern of names for `find`."""

_UPLOAD = """
set -e
mkdir -p -- "$folder"
new=$(mktemp -- "$folder/.upload.XXXXXX")
trap 'rm -f -- "$new"' EXIT
trap 'exit 143' TERM HUP
cat >"$new"
[ "$(stat -c %s "$new")" = "$size" ] || { echo "the file arrived incomplete" >&2; exit 74; }
chmod "$mode" "$new"
mv -fT -- "$new" "$target"
"""

_UPLOAD_TREE = """
set -e
mkdir -p -- "$folder"
new=$(mktemp -d -- "$folder/.upload.XXXXXX")
trap 'rm -rf -- "$new" "$new.old"' EXIT
trap 'exit 143' TERM HUP
tar -xf - -C "$new"
[ "$(find "$new" -type f -printf x | wc -c)" = "$count" ] || { echo "the folder arrived incomplete" >&2; exit 74; }
chmod 755 "$new"
if [ -e "$target" ] || [ -L "$target" ]; then mv -T -- "$target" "$new.old"; fi
mv -T -- "$new" "$target"
"""

_READ = """
[ -f "$target" ] || { echo "there is no such file" >&2; exit 66; }
head -c "$limit" -- "$target"
"""


async def upload(
    host: Host,
    data: bytes | Path,
    remote_path: str,
    mode: int = 0o644,
    *,
    timeout_seconds: float = _TRANSFER_SECONDS,
) -> None:
    """Put `data`, or the local file that it names, at `remote_path`: whole or not at all. Parent folders are made.

    Raises HostErrors, and OSError where the local file can't be read.
    """
    if isinstance(data, bytes):
        await _send_file(host, _pieces(data), len(data), remote_path, mode, timeout_seconds)
        return
    with await asyncio.to_thread(data.open, "rb") as file:
        size = await asyncio.to_thread(file.seek, 0, 2)
        await asyncio.to_thread(file.seek, 0)
        await _send_file(host, _read_pieces(file), size, remote_path, mode, timeout_seconds)


async def upload_tree(
    host: Host, local_dir: Path, remote_dir: str, *, timeout_seconds: float = _TRANSFER_SECONDS
) -> int:
    """Put a copy of `local_dir`, without links, in place of `remote_dir`; return the number of files.

    Raises HostErrors, and OSError where something local can't be read.
    """
    with await asyncio.to_thread(tempfile.TemporaryFile) as archive:
        count = await asyncio.to_thread(pack, local_dir, archive)
        await asyncio.to_thread(archive.seek, 0)
        command = _target(remote_dir) + assign(count=count) + _UPLOAD_TREE
        await run_command(host, command, stdin=_read_pieces(archive), timeout_seconds=timeout_seconds)
    return count


async def read_file(host: Host, path: str, limit: int = _PIECE_BYTES, *, timeout_seconds: float = 60.0) -> bytes:
    """Return a file of at most `limit` bytes. Raises CommandFailed where it is missing or larger, and HostErrors."""
    command = _target(path) + assign(limit=limit + 1) + _READ
    result = await run_command(host, command, timeout_seconds=timeout_seconds, check=False, output_limit=limit + 1)
    if result.exit_status == _NOT_A_FILE:
        raise CommandFailed(f"there is no file {path}", instance=host.name, exit_status=_NOT_A_FILE)
    if result.exit_status != 0:
        raise command_failed(host.name, command, result)
    if len(result.stdout) > limit:
        raise CommandFailed(f"{path} is larger than {limit} bytes", instance=host.name)
    return result.stdout


async def _send_file(
    host: Host, pieces: AsyncIterator[bytes], size: int, remote_path: str, mode: int, timeout_seconds: float
) -> None:
    command = _target(remote_path) + assign(size=size, mode=f"{mode:o}") + _UPLOAD
    await run_command(host, command, stdin=pieces, timeout_seconds=timeout_seconds)


def _target(path: str) -> str:
    """Return assignments of `target` and of `folder`, its parent."""
    trimmed = path.rstrip("/") or path
    folder = posixpath.dirname(trimmed) or "~"
    return f"target={quote_path(trimmed)}\nfolder={quote_path(folder)}\n"


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


async def _read_pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while data := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield data
