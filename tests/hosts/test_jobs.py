"""Jobs that outlive the operator, on both kinds of host."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.hosts.conftest import runs, until
from tests.hosts.wire import Wire, behind
from tests.sshd import Sshd
from velora_tui.errors import CommandFailed, UsageError
from velora_tui.hosts.follow import JobEnd, follow_to_end
from velora_tui.hosts.host import Host
from velora_tui.hosts.jobs import DetachedJobs
from velora_tui.hosts.local import LocalHost
from velora_tui.hosts.ssh import SshHost

SPOOL = "~/.velora/runs/r1.1/trajectory"


async def read_log(jobs: DetachedJobs, spool: str = SPOOL, offset: int = 0) -> tuple[bytes, JobEnd]:
    """Follow a job to its end; return the bytes from `offset` on."""
    received = bytearray()

    async def keep(data: bytes) -> None:
        received.extend(data)

    end = await follow_to_end(jobs, spool, keep, offset=offset, patience_seconds=20)
    return bytes(received), end


async def test_a_job_runs_once_and_its_log_and_status_come_back(jobs: DetachedJobs, home: Path) -> None:
    state = await jobs.start(SPOOL, "echo out; echo err >&2; pwd; exit 7")
    assert state.kind in {"running", "exited"}
    log, end = await read_log(jobs)
    assert log == f"out\nerr\n{home}\n".encode()
    assert end == JobEnd(7, len(log))
    state = await jobs.state(SPOOL)
    assert (state.kind, state.exit_status, state.log_size) == ("exited", 7, len(log))
    assert state.started_at is not None
    assert state.ended_at is not None
    assert state.started_at <= state.ended_at
    assert end.seconds == pytest.approx((state.ended_at - state.started_at).total_seconds(), abs=1e-3)


async def test_nothing_is_known_of_a_spool_that_was_never_started(jobs: DetachedJobs) -> None:
    assert (await jobs.state(SPOOL)).kind == "absent"
    assert (await jobs.stop(SPOOL)).state.kind == "absent"
    with pytest.raises(CommandFailed, match="no job to follow"):
        await read_log(jobs)


async def test_a_second_start_launches_nothing(jobs: DetachedJobs, home: Path) -> None:
    await jobs.start(SPOOL, "echo one >>~/launched; sleep 600")
    first = await jobs.state(SPOOL)
    again = await jobs.start(SPOOL, "echo two >>~/launched")
    assert (again.kind, again.pid) == ("running", first.pid)
    await jobs.stop(SPOOL)
    assert (await jobs.start(SPOOL, "echo three >>~/launched")).kind == "exited"
    assert (home / "launched").read_text() == "one\n"


async def test_of_many_starts_at_once_one_launches(jobs: DetachedJobs, home: Path) -> None:
    for number in range(10):
        states = await asyncio.gather(
            *(jobs.start(f"~/spool{number}", f"echo {racer} >>~/launched{number}; sleep 600") for racer in range(4))
        )
        assert len({state.pid for state in states}) == 1
        assert all(state.kind == "running" for state in states)
        await jobs.stop(f"~/spool{number}")
        assert len((home / f"launched{number}").read_text().splitlines()) == 1


async def test_the_environment_goes_through_a_private_file(jobs: DetachedJobs, home: Path) -> None:
    secret = 'it\'s "$HOME" `id` \\ \n two lines'
    await jobs.start(SPOOL, 'printf %s "$API_KEY"; tr "\\0" " " </proc/$$/cmdline >~/cmdline', {"API_KEY": secret})
    log, _ = await read_log(jobs)
    assert log.decode() == secret
    assert "id" not in (home / "cmdline").read_text()
    spool = home / SPOOL.removeprefix("~/")
    assert (spool / "env").stat().st_mode & 0o777 == 0o600
    assert "id" not in (spool / "job.sh").read_text().replace("cmdline", "")


@pytest.mark.parametrize("name", ["A B", "1A", "A;id", ""])
async def test_a_bad_variable_is_refused(jobs: DetachedJobs, name: str) -> None:
    with pytest.raises(UsageError):
        await jobs.start(SPOOL, "true", {name: "x"})


async def test_following_goes_on_from_any_byte(jobs: DetachedJobs) -> None:
    await jobs.start(SPOOL, "printf 'a\\r\\n\\0\\377end'")
    whole, end = await read_log(jobs)
    assert whole == b"a\r\n\0\xffend"
    for offset in range(len(whole) + 1):
        assert await read_log(jobs, offset=offset) == (whole[offset:], end)


async def test_a_log_that_shrank_is_an_error(jobs: DetachedJobs, home: Path) -> None:
    await jobs.start(SPOOL, "echo something; sleep 600")
    await until(lambda: (home / SPOOL.removeprefix("~/") / "log").stat().st_size > 0)
    with pytest.raises(CommandFailed, match="shorter than the 1000 bytes"):
        await read_log(jobs, offset=1000)
    async with jobs.follow(SPOOL) as stream:
        assert await anext(stream) == b"something\n"
        os.truncate(home / SPOOL.removeprefix("~/") / "log", 0)
        with pytest.raises(CommandFailed, match="shorter"):
            await anext(stream)
    await jobs.stop(SPOOL)


async def test_lines_come_as_they_are_written(jobs: DetachedJobs) -> None:
    await jobs.start(SPOOL, "for n in 1 2 3; do date +%s.%N; sleep 0.2; done")
    delays: list[float] = []
    async with jobs.follow(SPOOL) as stream:
        async for line in stream:
            now = float((await LocalHost("clock").run("date +%s.%N")).text)
            delays += [now - float(written) for written in line.split()]
    assert len(delays) == 3
    assert sorted(delays)[1] < 0.15


async def test_a_line_of_fifty_megabytes_needs_little_memory(jobs: DetachedJobs) -> None:
    process = psutil.Process()
    await jobs.start(SPOOL, "head -c 50000000 /dev/zero | tr '\\0' x")
    before, peak, total = process.memory_info().rss, 0, 0
    async with jobs.follow(SPOOL) as stream:
        async for data in stream:
            total += len(data)
            peak = max(peak, process.memory_info().rss)
            assert data.count(b"x") == len(data)
    assert total == 50_000_000
    assert peak - before < 20_000_000


async def test_leaving_in_the_middle_leaves_nothing_on_the_instance(jobs: DetachedJobs, host: Host, home: Path) -> None:
    await jobs.start(SPOOL, "echo up; sleep 600")
    async with jobs.follow(SPOOL) as stream:
        assert await anext(stream) == b"up\n"
        assert processes_in(home, "tail")
    await until(lambda: not processes_in(home, "tail"))
    assert (await jobs.state(SPOOL)).kind == "running"
    await jobs.stop(SPOOL)


async def test_a_job_that_was_killed_is_lost(jobs: DetachedJobs, home: Path) -> None:
    state = await jobs.start(SPOOL, "echo up; sleep 600")
    assert state.pid is not None
    following = asyncio.create_task(read_log(jobs))
    log = home / SPOOL.removeprefix("~/") / "log"
    await until(lambda: log.read_bytes() == b"up\n")
    os.killpg(state.pid, signal.SIGKILL)
    assert await following == (b"up\n", JobEnd(None, 3))
    assert (await jobs.state(SPOOL)).kind == "lost"
    assert (await jobs.stop(SPOOL)).state.kind == "lost"


async def test_the_guard_of_a_killed_job_does_not_outlive_it_for_long(jobs: DetachedJobs, home: Path) -> None:
    state = await jobs.start(SPOOL, "echo $$ >~/worker; exec sleep 600", time_limit_seconds=600)
    await until(lambda: (home / "worker").exists() and (home / "worker").stat().st_size > 0)
    assert state.pid is not None
    for pid in (state.pid, int((home / "worker").read_text())):
        os.kill(pid, signal.SIGKILL)
    assert processes_in(home), "the guard sleeps in the spool"
    await until(lambda: not processes_in(home), timeout_seconds=60)


async def test_a_reboot_is_seen_although_the_number_runs_again(jobs: DetachedJobs, home: Path) -> None:
    state = await jobs.start(SPOOL, "sleep 600")
    pid_file = home / SPOOL.removeprefix("~/") / "pid"
    was = pid_file.read_text()
    pid, start, _ = was.split()
    pid_file.write_text(f"{pid} {start} another-boot\n")
    assert (await jobs.state(SPOOL)).kind == "lost"
    pid_file.write_text(was.replace(start, str(int(start) + 1)))
    assert (await jobs.state(SPOOL)).kind == "lost"
    pid_file.write_text(was)
    assert ((await jobs.state(SPOOL)).kind, (await jobs.state(SPOOL)).pid) == ("running", state.pid)
    await jobs.stop(SPOOL)


async def test_stop_asks_politely_first(jobs: DetachedJobs) -> None:
    await jobs.start(SPOOL, "trap 'echo cleaning up; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    async with jobs.follow(SPOOL) as stream:
        assert await anext(stream) == b"up\n"
    report = await jobs.stop(SPOOL)
    assert (report.state.kind, report.state.exit_status) == ("exited", 5)
    assert (report.killed, report.left) == (False, ())
    log, _ = await read_log(jobs)
    assert b"cleaning up" in log


async def test_stop_ends_children_that_left_the_group_and_ignore_sigterm(jobs: DetachedJobs, home: Path) -> None:
    child = "trap '' TERM; echo $$ >~/stray; while :; do sleep 1; done"
    await jobs.start(SPOOL, f'setsid sh -c "{child.replace("$", chr(92) + "$")}" & echo $$ >~/leader; sleep 600')
    await until(lambda: (home / "stray").exists() and (home / "stray").stat().st_size > 0)
    stray, leader = int((home / "stray").read_text()), int((home / "leader").read_text())
    assert os.getsid(stray) != os.getsid(leader)
    report = await jobs.stop(SPOOL, grace_seconds=0)
    assert report.killed
    assert report.left == ()
    assert report.state.kind == "exited"
    assert not runs(stray)
    assert not runs(leader)


async def test_stop_leaves_other_jobs_alone(jobs: DetachedJobs) -> None:
    await jobs.start("~/runs/image", "sleep 600")
    await jobs.start("~/runs/image2", "sleep 600")
    await jobs.stop("~/runs/image")
    assert (await jobs.state("~/runs/image2")).kind == "running"
    await jobs.stop("~/runs/image2")


async def test_stopping_a_lost_job_ends_what_is_left_of_it(jobs: DetachedJobs, home: Path) -> None:
    state = await jobs.start(SPOOL, "echo $$ >~/leader; sleep 600")
    await until(lambda: (home / "leader").exists() and (home / "leader").stat().st_size > 0)
    assert state.pid is not None
    os.kill(state.pid, signal.SIGKILL)
    assert (await jobs.state(SPOOL)).kind == "lost"
    leader = int((home / "leader").read_text())
    assert runs(leader)
    await jobs.stop(SPOOL, grace_seconds=1)
    assert not runs(leader)


async def test_a_time_limit_ends_the_job_with_124(jobs: DetachedJobs) -> None:
    await jobs.start(
        SPOOL, "trap '' TERM; echo up; while :; do sleep 5; done", time_limit_seconds=0.3, grace_seconds=0.2
    )
    log, end = await read_log(jobs)
    assert end.exit_status == 124
    assert log.startswith(b"up\n")


async def test_a_time_limit_leaves_a_shorter_job_alone(jobs: DetachedJobs, home: Path) -> None:
    for number in range(10):
        await jobs.start(f"~/spool{number}", "exit 3", time_limit_seconds=98765)
        assert await read_log(jobs, f"~/spool{number}") == (b"", JobEnd(3, 0))
    await until(lambda: not processes_in(home))


async def test_a_job_hears_sigint(jobs: DetachedJobs) -> None:
    await jobs.start(SPOOL, f"exec {sys.executable} -c 'import signal; print(signal.getsignal(2).__name__)'")
    log, _ = await read_log(jobs)
    assert log == b"default_int_handler\n"


async def test_a_machine_without_setsid_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for directory in ("/bin", "/usr/bin"):
        for tool in Path(directory).iterdir():
            if tool.name != "setsid" and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(CommandFailed, match="setsid is missing") as caught:
        await DetachedJobs(LocalHost("bare", tmp_path)).start("~/spool", "true")
    assert "util-linux" in str(caught.value.hint)


@pytest.mark.parametrize("answer", ["file_log x y", "pid abc", "exit_status 7x", "now never"])
async def test_an_instance_that_answers_nonsense_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "stat").write_text(f"#!/bin/sh\necho {answer}\n")
    (tools / "stat").chmod(0o755)
    (tmp_path / "spool").mkdir()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(CommandFailed, match="makes no sense"):
        await DetachedJobs(LocalHost("odd", tmp_path)).state("~/spool")


async def test_a_home_that_cannot_be_written_is_told_so(jobs: DetachedJobs, home: Path) -> None:
    (home / ".velora").write_text("a file where a folder should be")
    with pytest.raises(CommandFailed, match=r"File exists|Not a directory"):
        await jobs.start(SPOOL, "true")


async def test_a_job_whose_path_needs_quoting(jobs: DetachedJobs, home: Path) -> None:
    spool = '~/it\'s a "spool" $HOME;id/-x'
    await jobs.start(spool, "echo fine")
    log, _ = await read_log(jobs, spool)
    assert log == b"fine\n"
    assert (home / spool.removeprefix("~/") / "exit").exists()


@pytest.mark.sshd
async def test_no_byte_is_lost_or_repeated_when_the_connection_breaks(sshd: Sshd, ssh: SshHost) -> None:
    jobs = DetachedJobs(ssh)
    lines = 60_000
    await jobs.start(SPOOL, f"seq 1 {lines} | while read n; do echo line $n; done")
    received = bytearray()
    breaks = 0

    async def keep(data: bytes) -> None:
        nonlocal breaks
        received.extend(data)
        if len(received) > (breaks + 1) * 100_000 and breaks < 4:
            breaks += 1
            sshd.kill_sessions()

    end = await follow_to_end(jobs, SPOOL, keep, patience_seconds=30)
    assert breaks == 4
    assert bytes(received) == b"".join(b"line %d\n" % number for number in range(1, lines + 1))
    assert end == JobEnd(0, len(received))


@pytest.mark.sshd
async def test_a_cable_that_is_pulled_for_a_while_costs_no_byte(sshd: Sshd) -> None:
    async with Wire(sshd.port) as wire:
        host = SshHost(behind(wire, sshd, keepalive_seconds=0.3, connect_timeout_seconds=0.5))
        jobs = DetachedJobs(host)
        await jobs.start(SPOOL, "n=0; while [ ! -e ~/go ]; do n=$((n+1)); echo line $n; sleep 0.01; done; echo end $n")
        following = asyncio.create_task(read_log(jobs))
        await until(lambda: (sshd.home / SPOOL.removeprefix("~/") / "log").stat().st_size > 200)
        wire.cut()
        await until(lambda: host.state.kind == "unreachable")
        await until(lambda: "no answer" in str(host.state.reason))
        wire.mend()
        await until(lambda: host.state.kind == "connected")
        (sshd.home / "go").touch()
        log, end = await following
        await host.close()
    *lines, last = log.decode().splitlines()
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert last == f"end {len(lines)}"
    assert end == JobEnd(0, len(log))


@pytest.mark.sshd
async def test_following_goes_on_after_sshd_was_restarted(sshd: Sshd, ssh: SshHost) -> None:
    jobs = DetachedJobs(ssh)
    await jobs.start(SPOOL, "echo before; while [ ! -e ~/go ]; do sleep 0.02; done; echo after")
    following = asyncio.create_task(read_log(jobs))
    await until(lambda: ssh.state.kind == "connected")
    sshd.stop()
    await until(lambda: ssh.state.kind == "unreachable")
    (sshd.home / "go").touch()
    sshd.start()
    assert await following == (b"before\nafter\n", JobEnd(0, 13))


@pytest.mark.sshd
async def test_a_job_survives_the_death_of_its_operator(sshd: Sshd, ssh: SshHost, tmp_path: Path) -> None:
    operator = tmp_path / "other_velora.py"
    operator.write_text(
        "import asyncio\n"
        "from pathlib import Path\n"
        "from velora_tui.hosts.jobs import DetachedJobs\n"
        "from velora_tui.hosts.ssh import SshHost\n"
        "from velora_tui.hosts.ssh_connect import SshTarget\n"
        f"from pathlib import PosixPath\ntarget = {sshd.target()!r}\n"
        "async def main():\n"
        "    jobs = DetachedJobs(SshHost(target))\n"
        f"    await jobs.start({SPOOL!r}, 'echo $PPID; while [ ! -e ~/go ]; do sleep 0.02; done; echo done')\n"
        f"    async with jobs.follow({SPOOL!r}) as stream:\n"
        "        async for data in stream:\n"
        "            print(len(data), flush=True)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(operator), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20)
    process.kill()
    await process.wait()

    jobs = DetachedJobs(ssh)
    assert (await jobs.state(SPOOL)).kind == "running"
    await until(lambda: not processes_in(sshd.home, "tail"))
    (sshd.home / "go").touch()
    log, end = await read_log(jobs)
    assert log.endswith(b"done\n")
    assert end.exit_status == 0


def processes_in(home: Path, name: str = "") -> list[int]:
    """Return the processes that run in a spool under `home`, those of one name or all."""
    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        inside = str(process.info["cwd"]).startswith(str(home))
        if inside and name in {"", process.info["name"]} and runs(process.pid):
            found.append(process.pid)
    return found
