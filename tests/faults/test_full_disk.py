"""An instance whose disk is full: before the upload, at the job's start, and while the script writes its log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.following import ended
from tests.harness.bench import Bench, Shown, joined_logs
from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.domain.events import AttemptState
from velora_tui.engine.engine import Engine

PAGE_BYTES = 4096
# From "not even the lease" to "the script can't write its first file".
PAGES_LEFT = (0, 1, 2, 3, 4, 6, 8, 10)

pytestmark = pytest.mark.sshd


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The harness behind SSH, in a home folder on a disk of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if reason := why_not():
        pytest.skip(reason)
    server = make_sshd(tmp_path / "sshd")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", server.home], check=True, timeout=20)
    try:
        made = Bench(tmp_path, server.home, reach(server))
        made.install()
        yield made
    finally:
        server.stop()
        subprocess.run(["umount", "--lazy", server.home], check=True, timeout=20)


def reach(server: Sshd) -> dict[str, object]:
    target = server.target()
    fields = ("host", "port", "user", "identity_file", "known_hosts", "ssh_config")
    return {field: getattr(target, field) for field in fields}


def fill(home: Path, pages_left: int) -> None:
    """Leave room for so many pages on the disk."""
    filler = home / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * PAGE_BYTES)
    os.truncate(filler, filler.stat().st_size - pages_left * PAGE_BYTES)


async def test_a_start_on_a_full_disk_fails_cleanly_and_can_be_tried_again(bench: Bench) -> None:
    async with bench.engine("resolved") as engine:
        with engine.observe() as subscription:
            run = None
            for pages in PAGES_LEFT:
                fill(bench.home, pages)
                run = await (engine.retry(run.run, force=True) if run else engine.start(bench.request()))
                (attempt,) = await ended(engine, subscription, [run])
                failure = Shown(engine, run, attempt).failure
                print(
                    f"\n{pages} pages left: {failure.phase} [{failure.signature}] {failure.message} — {failure.remedy}"
                )
                assert attempt.state is AttemptState.FAILED
                assert (failure.signature, failure.repair) == ("disk-full", "free-disk")
                assert failure.message == "the instance's disk is full"
                assert "Traceback" not in str(failure.evidence)
            (bench.home / "filler").unlink()
            assert run is not None
            await engine.retry(run.run, force=True)
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.state is AttemptState.FINISHED, attempt.failure
    assert not (bench.home / ".velora" / "lease").exists()


async def test_a_disk_that_fills_up_under_the_log_is_named(bench: Bench) -> None:
    async with bench.engine("resolved loud") as engine:
        shown = await run_on(engine, bench)
    print(f"\n[{shown.failure.signature}] {shown.failure.message} ({shown.failure.evidence}) — {shown.failure.remedy}")
    assert (shown.failure.signature, shown.failure.phase) == ("disk-full", "trajectory")
    assert "free" in shown.failure.remedy
    theirs = bench.job_log(shown)
    assert len(theirs) > 1_000_000
    assert joined_logs(shown) == theirs, "what had room came home, every byte once"
    spool = bench.spool(shown.run)
    assert (spool / "exit").read_text().strip() == "1", "there was room for the exit status"


async def run_on(engine: Engine, bench: Bench) -> Shown:
    with engine.observe() as subscription:
        run = await engine.start(bench.request())
        (attempt,) = await ended(engine, subscription, [run])
    return Shown(engine, engine.run(run.run), attempt)
