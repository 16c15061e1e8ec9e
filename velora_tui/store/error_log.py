"""Where the details of what should not have happened are kept; screens show only the file's name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def report_bug(path: Path, details: str) -> None:
    """Append `details` to the error log at `path`. Blocks; a log that cannot be written is no further error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"--- {datetime.now(UTC).isoformat()}\n{details.rstrip()}\n")
    except OSError:
        return
