"""Leases of other operators on the instance."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.repairs.conftest import Bench
from velora_tui.hosts.lease import LeaseOwner, acquire
from velora_tui.hosts.ssh import SshHost


def owner(*, alive: bool) -> LeaseOwner:
    """Describe an owner on this machine whose process lives, or has gone."""
    here = LeaseOwner.here("01SOMEBODYS", 1, "~/.velora/runs/01SOMEBODYS.1")
    if alive:
        return here
    gone = subprocess.Popen(["true"])
    gone.wait()
    return here.model_copy(update={"pid": gone.pid, "process_start": "1"})


async def hold(bench: Bench, by: LeaseOwner) -> Path:
    host = SshHost(bench.sshd.target())
    try:
        await acquire(host, by)
    finally:
        await host.close()
    return bench.sshd.home / ".velora" / "lease"
