"""Containers of a run that was ended, with a real Docker daemon and a script that ignores SIGTERM."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dockerd import Dockerd, dockerd
from tests.engine.following import ended, until
from tests.harness.bench import Bench
from velora_tui.domain.events import AttemptState, LogGrew
from velora_tui.domain.run import Run
from velora_tui.engine.engine import Engine
from velora_tui.pipeline.harness.job import SCRIPT

pytestmark = pytest.mark.docker

STUBBORN = """\
#!/bin/sh
trap '' TERM
docker run -d --network none --name openhands-runtime-$$ {image} /bin/sh -c 'sleep 600' || exit 1
exec python3 "$0.py" "$@"
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[Dockerd]:
    with dockerd() as daemon:
        yield daemon


@pytest.fixture
def bench(docker: Dockerd, tmp_path: Path) -> Bench:
    """The harness on this machine; its script starts a container."""
    home = tmp_path / "home"
    home.mkdir()
    made = Bench(tmp_path, home, {"host": "local", "home": home})
    made.install()
    script = made.root / SCRIPT
    script.rename(f"{script}.py")
    script.write_text(STUBBORN.format(image=docker.image("velora-test:1")))
    script.chmod(0o755)
    return made


async def stop(engine: Engine, run: Run, spool: Path) -> None:
    await engine.stop(run.run)


async def lose(engine: Engine, run: Run, spool: Path) -> None:
    os.kill(int((spool / "pid").read_text().split()[0]), signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "state", "signature"),
    [(stop, AttemptState.STOPPED, None), (lose, AttemptState.FAILED, "job-lost")],
    ids=["stopped", "lost"],
)
async def test_the_containers_of_an_ended_run_go_and_no_others(
    docker: Dockerd, bench: Bench, end: Callable[..., object], state: AttemptState, signature: str | None
) -> None:
    docker("run", "-d", "--network", "none", "--name", "openhands-runtime-older", "velora-test:1", "/bin/sleep", "600")
    env = {"STANDIN_GATES": str(bench.gates), "DOCKER_HOST": f"unix://{docker.socket}"}
    try:
        async with bench.engine("resolved", env=env) as engine:
            with engine.observe() as subscription:
                run = await engine.start(bench.request())
                await until(subscription, lambda event: isinstance(event, LogGrew) and event.size > 1000)
                docker("run", "-d", "--network", "none", "--name", "somebodys", "velora-test:1", "/bin/sleep", "600")
                assert len(docker("ps", "-q").split()) == 3
                await end(engine, run, bench.spool(run))
                (attempt,) = await ended(engine, subscription, [run])
        assert (attempt.state, attempt.failure and attempt.failure.signature) == (state, signature)
        assert sorted(docker("ps", "-a", "--format", "{{.Names}}").split()) == ["openhands-runtime-older", "somebodys"]
        said = (bench.spool(run) / ("log" if end is stop else "cleanup.log")).read_text()
        assert "velora: removed container openhands-runtime-" in said
    finally:
        docker("rm", "-f", *docker("ps", "-aq").split())
