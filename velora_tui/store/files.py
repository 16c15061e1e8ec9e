"""Files written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from velora_tui.errors import NotWritten, StoreError


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old or the new file. Blocks; raises NotWritten."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotWritten(
            f"{path} cannot be written: {error.strerror}", hint="check its rights and free space"
        ) from None


def write_json(path: Path, document: Any) -> None:
    """Write `document` as indented JSON, atomically. Blocks; raises NotWritten."""
    write_atomically(path, json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write text for other people to `path`, piece by piece, with their rights. Blocks; raises NotWritten."""
    if not path.parent.is_dir():
        raise NotWritten(f"{path} cannot be written: there is no folder {path.parent}", hint="make it first")
    try:
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise NotWritten(
            f"{path} cannot be written: {error.strerror}", hint="check its rights and free space"
        ) from None


def read_limited(path: Path, limit: int) -> bytes:
    """Return the file's bytes. Blocks; raises StoreError where it is missing or longer than `limit` bytes."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise StoreError(f"{path} is too large: {size:,} bytes, at most {limit:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
