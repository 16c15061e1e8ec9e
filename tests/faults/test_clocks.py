"""An operator whose clock is an hour off: limits, ages and elapsed times need no two clocks that agree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness.bench import ROOT, Bench
from tests.harness.conftest import far_bench, sshd
from velora_tui.domain.events import now
from velora_tui.engine.engine import Engine
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.ssh import SshHost
from velora_tui.hosts.ssh_connect import SshTarget
from velora_tui.store.layout import Layout

__all__ = ["far_bench", "sshd"]

FAKETIME = shutil.which("faketime")

pytestmark = pytest.mark.sshd


def write_fleet(bench: Bench, folder: Path) -> None:
    folder.mkdir()
    values = {"name": "eval1", "harness": f"~/{ROOT}", **bench.reach}
    lines = "".join(
        f"{key} = {json.dumps(value if isinstance(value, int) else str(value))}\n" for key, value in values.items()
    )
    (folder / "velora.toml").write_text(
        '[defaults]\nrecipe = "harness"\nmax_iterations = 30\n[defaults.timeouts]\ntrajectory = 60\n'
        f'[s3]\nimages = "s3://images/in/here"\n[models."llm.gpt"]\nlabel = "gpt"\n[[instances]]\n{lines}'
        f'env = {{ STANDIN_CASE = "resolved", STANDIN_GATES = "{bench.gates}" }}\n'
    )


@contextmanager
def velora(folder: Path, shift: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a command of Velora by a clock that is off; yield the process and the file of its output."""
    assert FAKETIME
    out = folder / f"{arguments[0]}.out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [FAKETIME, "-m", "--exclude-monotonic", "-f", shift, sys.executable, "-m", "velora_tui", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "VELORA_STATE": "state", "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            process_group=0,
        )
    try:
        yield process, out
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait(20)


def wait_for(condition: Callable[[], object], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@pytest.mark.parametrize("shift", ["+3600s", "-3600s"])
async def test_an_operator_whose_clock_is_an_hour_off(far_bench: Bench, tmp_path: Path, shift: str) -> None:
    if not FAKETIME:
        pytest.skip("faketime is not installed")
    folder = tmp_path / "operator"
    write_fleet(far_bench, folder)
    dataset = far_bench.request().dataset
    far_bench.open_gate("image")
    with velora(folder, shift, "run", "--json", "--force", "--dataset", dataset, "--model", "llm.gpt") as (_, out):
        wait_for(lambda: any(log.stat().st_size for log in folder.glob("state/logs/*/1/trajectory.log")), out.read_text)
        await look_on(far_bench, tmp_path / "other")
    # The operator was killed; the one who comes back, by the same clock, sees it to the end.
    with velora(folder, shift, "attach", "--json") as (process, out):
        wait_for(lambda: "attempt_attached" in out.read_text(), out.read_text)
        far_bench.open_gate("all")
        assert process.wait(60) == 0, out.read_text()
        end = json.loads(out.read_text().splitlines()[-1])
    assert (end["state"], end["outcome"]) == ("finished", "resolved")
    assert all(0 <= phase["seconds"] < 60 for phase in end["phases"]), end["phases"]


async def look_on(bench: Bench, state: Path) -> None:
    """As another operator, whose clock is right, see who has the instance since when, and how long the job runs."""
    fleet = bench.fleet("resolved", "january")
    async with Engine(fleet, Layout.under(state)) as engine:
        (readiness,) = await engine.check()
    holder = readiness.holder
    assert holder is not None
    assert holder.is_foreign
    assert abs(now() - holder.since) < timedelta(minutes=1), "it was taken a moment ago, by any clock"
    reach = {key: value for key, value in bench.reach.items() if key != "host"}
    host = SshHost(SshTarget(name="eval1", host=str(bench.reach["host"]), **reach))
    try:
        job = await DetachedJobs(host).state(f"~/.velora/runs/{holder.run}.{holder.attempt}/harness")
    finally:
        await host.close()
    assert job.kind == "running"
    assert job.started_at is not None
    assert timedelta(0) <= now() - job.started_at < timedelta(minutes=1)
