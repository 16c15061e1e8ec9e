"""The checks of Docker against a real daemon: answering, asked for an image and its disk use, and stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dockerd import Dockerd
from tests.dockerd import dockerd as running_dockerd
from tests.readiness.conftest import Machine
from tests.readiness.test_broken import TASK
from velora_tui.domain.image import image_tags

pytestmark = [pytest.mark.sshd, pytest.mark.docker]

CHECKS = ("docker", "cached", "docker-disk")


@pytest.fixture
def dockerd() -> Iterator[Dockerd]:
    with running_dockerd() as daemon:
        yield daemon


async def test_a_real_daemon(machine: Machine, dockerd: Dockerd) -> None:
    (machine.home / ".local/bin/docker").unlink()
    machine.changes["docker_socket"] = dockerd.socket

    before = await machine.ask(*CHECKS, task=TASK)
    assert before["docker"].status == "ok"
    assert before["docker"].detail.startswith("answers, version ")
    assert (before["cached"].status, before["docker-disk"].status) == ("warn", "ok"), before

    dockerd.image(image_tags(TASK)[0])
    loaded = await machine.ask(*CHECKS, task=TASK)
    assert (loaded["cached"].status, loaded["docker-disk"].status) == ("ok", "ok"), loaded

    dockerd.stop()
    stopped = await machine.ask(*CHECKS, task=TASK)
    assert (stopped["docker"].status, stopped["docker"].detail) == ("fail", "the Docker daemon does not run")
    assert (stopped["cached"].status, stopped["docker-disk"].status) == ("unknown", "unknown")
