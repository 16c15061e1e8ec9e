"""What a dead process can't take with it: a job's clean-up runs once, after everything that the job started is dead."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.hosts.test_jobs import SPOOL, read_log, runs
from velora_tui.hosts.jobs import DetachedJobs

# Ignores SIGTERM, and so does its child, which has left the group.
STUBBORN = """
trap '' TERM
setsid sh -c 'echo $$ >~/stray; while :; do sleep 0.2; done' &
until [ -s ~/stray ]; do sleep 0.02; done
echo up
while :; do sleep 0.2; done
"""
CLEANUP = """
state=$(cut -d ' ' -f 3 "/proc/$(cat ~/stray)/stat" 2>/dev/null)
if [ "${state:-Z}" != Z ]; then echo "the stray lives"; fi
echo "removed container $NAME in $PWD" | tee -a ~/cleaned
"""


async def at_work(jobs: DetachedJobs, script: str = STUBBORN, **limits: float) -> int:
    """Start a job with a clean-up, wait until it says so, and return the process of its leader."""
    state = await jobs.start(SPOOL, script, {"NAME": "openhands-1"}, cleanup=CLEANUP, **limits)
    async with jobs.follow(SPOOL) as stream:
        assert await anext(stream) == b"up\n"
    assert state.pid is not None
    return state.pid


async def test_a_stop_cleans_up_after_jobs_that_ignore_sigterm(jobs: DetachedJobs, home: Path) -> None:
    await at_work(jobs)
    following = asyncio.create_task(read_log(jobs))
    report = await jobs.stop(SPOOL, grace_seconds=1)
    assert (report.state.kind, report.killed, report.left) == ("exited", True, ())
    assert not runs(int((home / "stray").read_text()))
    said = f"removed container openhands-1 in {home}\n"
    log, end = await following
    assert log.decode().endswith(said), "who watches the run sees what was removed"
    assert "the stray lives" not in log.decode()
    assert end.log_size == len(log)
    await jobs.stop(SPOOL)
    assert (home / "cleaned").read_text() == said, "once"


async def test_a_time_limit_cleans_up(jobs: DetachedJobs, home: Path) -> None:
    await at_work(jobs, time_limit_seconds=0.5, grace_seconds=0.2)
    log, end = await read_log(jobs)
    assert end.exit_status == 124
    assert log.decode().endswith(f"removed container openhands-1 in {home}\n")
    assert "the stray lives" not in log.decode()


async def test_a_stop_cleans_up_after_a_lost_job(jobs: DetachedJobs, home: Path) -> None:
    leader = await at_work(jobs)
    os.kill(leader, signal.SIGKILL)
    log, end = await read_log(jobs)
    assert (log, end.exit_status) == (b"up\n", None)
    report = await jobs.stop(SPOOL, grace_seconds=0)
    assert (report.state.kind, report.left) == ("lost", ())
    assert (home / "cleaned").read_text() == f"removed container openhands-1 in {home}\n"
    assert (await jobs.state(SPOOL)).log_size == len(log), "the log of a lost job is over"


@pytest.mark.parametrize(("ending", "cleans"), [("exit 0", False), ("exit 3", False), ("kill -9 $$", True)])
async def test_a_job_that_ends_by_itself_is_not_cleaned_up(
    jobs: DetachedJobs, home: Path, ending: str, cleans: bool
) -> None:
    await jobs.start(SPOOL, ending, {"NAME": "x"}, cleanup=CLEANUP)
    log, _ = await read_log(jobs)
    assert (b"removed container" in log) == cleans
    await jobs.stop(SPOOL)
    assert (home / "cleaned").exists() == cleans


async def test_a_clean_up_that_fails_is_seen_and_the_status_is_kept(jobs: DetachedJobs) -> None:
    await jobs.start(SPOOL, "echo up; sleep 600", cleanup="echo 'no docker here' >&2; exit 1")
    async with jobs.follow(SPOOL) as stream:
        assert await anext(stream) == b"up\n"
    report = await jobs.stop(SPOOL)
    assert (report.state.kind, report.state.exit_status) == ("exited", 143)
    assert (await read_log(jobs))[0] == b"up\nTerminated\nno docker here\n"
