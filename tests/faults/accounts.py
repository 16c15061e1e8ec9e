"""Accounts that this machine does not have, for one sshd: its own passwd file, in a mount namespace, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

HOME = "/mnt"  # where the account's home folder is bound to: it may lie where only root may go
_ENTER = 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/home" /mnt && exec "$@"'


def why_not() -> str | None:
    """Return why there can be no such accounts here; None where there can."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "an account of its own needs root and unshare"
    probe = subprocess.run(["unshare", "--mount", "true"], check=False, timeout=20, capture_output=True)
    return None if probe.returncode == 0 else "mount namespaces are not allowed here"


def account(folder: Path, *, uid: int, login_shell: str = "/bin/sh") -> tuple[str, ...]:
    """Describe the user `velora` in `folder`; return the launcher of an sshd whose home folder is `folder`/home."""
    folder.mkdir(parents=True)
    entry = f"velora:x:{uid}:{uid}::{HOME}:{login_shell}\n"
    (folder / "passwd").write_text(entry + Path("/etc/passwd").read_text())
    return ("unshare", "--mount", "sh", "-c", _ENTER, str(folder))
