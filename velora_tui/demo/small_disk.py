"""A small disk for one instance, nearly full of an old image tar: the demo's check that fails, and can be mended."""

from __future__ import annotations

import os
import time
from pathlib import Path

MAX_DISK_PERCENT = 80
HARNESS = "SWETEs7/OpenHands"
OLD_TAR = f"{HARNESS}/older_task-4f2a91c.tar"
_TAR_BYTES = 24 * 1024 * 1024
_TAR_AGE_SECONDS = 30 * 24 * 3600
_DISK_KIB = 64 * 1024
_SYSTEM_KIB = 36 * 1024

# Stands before the machine's own `df` for checks and repairs; the tars below the harness's root fill the disk it tells.
_DF = f"""\
#!/bin/sh
tars=$(cat ~/{HARNESS}/*.tar 2>/dev/null | wc -c)
used=$(({_SYSTEM_KIB} + tars / 1024))
echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'
echo "/dev/demo {_DISK_KIB} $used $(({_DISK_KIB} - used)) $((100 * used / {_DISK_KIB}))% /"
"""


def fill_disk(home: Path) -> None:
    """Give the instance with that home its disk, and put the old tar on it."""
    df = home / ".local" / "bin" / "df"
    df.parent.mkdir(parents=True, exist_ok=True)
    df.write_text(_DF, encoding="ascii")
    df.chmod(0o755)
    tar = home / OLD_TAR
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tar.open("wb") as file:
        file.truncate(_TAR_BYTES)
    written = time.time() - _TAR_AGE_SECONDS
    os.utime(tar, (written, written))
