"""Machines for the harness's tests: this one, and one behind a real sshd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.bench import Bench
from tests.sshd import Sshd, make_sshd, why_not


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The harness on this machine."""
    home = tmp_path / "home"
    home.mkdir()
    made = Bench(tmp_path, home, {"host": "local", "home": home})
    made.install()
    return made


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def far_bench(sshd: Sshd, tmp_path: Path) -> Bench:
    """The harness behind SSH."""
    target = sshd.target()
    reach = {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "identity_file": target.identity_file,
        "known_hosts": target.known_hosts,
        "ssh_config": target.ssh_config,
    }
    made = Bench(tmp_path, sshd.home, reach)
    if not made.root.exists():
        made.install()
    return made
