"""Two hundred instances and one process."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Operator
from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.hosts.ssh_connect import CONNECT_BUDGET

INSTANCES = 200

pytestmark = pytest.mark.sshd


@pytest.fixture
def talking_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server with OpenSSH's own limit on logins at once, which tells of each."""
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path / "sshd", "MaxStartups 10:30:100", "LogLevel VERBOSE")
    yield server
    server.stop()


async def test_all_are_checked_and_no_more_than_the_budget_connect_at_once(talking_sshd: Sshd, tmp_path: Path) -> None:
    target = talking_sshd.target()
    instances = "".join(f'[[instances]]\nname = "eval{number}"\nhost = "127.0.0.1"\n' for number in range(INSTANCES))
    every = f'port = {talking_sshd.port}\nidentity_file = "{target.identity_file}"\nmax_disk_percent = 100\n'
    folder = tmp_path / "operator"
    folder.mkdir()
    (folder / "velora.toml").write_text(
        f'[defaults]\nuser = "{target.user}"\nssh_config = "{target.ssh_config}"\n'
        f'known_hosts = "{target.known_hosts}"\n\n'
        + instances.replace('host = "127.0.0.1"\n', f'host = "127.0.0.1"\n{every}\n')
    )
    log = talking_sshd.folder / "sshd.log"
    said_before = len(log.read_text())  # of the connection that waited for the server
    checking = Operator(folder).start("check", "--json")
    status = await asyncio.to_thread(checking.wait, 90)
    found = json.loads(checking.out)["instances"]
    assert [instance["name"] for instance in found] == [f"eval{number}" for number in range(INSTANCES)]
    assert [instance for instance in found if not instance["ready"]] == []
    assert status == 0, checking.err
    assert 1 < most_logins_at_once(log.read_text()[said_before:]) <= CONNECT_BUDGET


def most_logins_at_once(log: str) -> int:
    """Return how many connections at most had begun and not logged in yet."""
    pending: set[str] = set()
    most = 0
    for found in re.finditer(r"^(Connection from|Accepted publickey for) .*? port (\d+) ", log, re.MULTILINE):
        (pending.add if found[1] == "Connection from" else pending.discard)(found[2])
        most = max(most, len(pending))
    return most
