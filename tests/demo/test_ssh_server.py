"""The demo's SSH servers behave like the real thing, seen by an ordinary client."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import psutil
import pytest
import pytest_asyncio

from tests.demo.client import DEADLINE_SECONDS, connect, home_of, instance_of, until
from velora_tui.demo.fleet import DemoFleet, demo_fleet
from velora_tui.demo.ssh_server import MAX_SESSIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN = {"VIRTUAL_ENV": "/nowhere", "PYTEST_ADDOPTS": "--bad", "COV_CORE_SOURCE": "x", "VELORA_SECRET": "hidden"}


@pytest.fixture(scope="module")
def operator_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FOREIGN.items():
            patch.setenv(name, value)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory, operator_environment: None) -> AsyncIterator[DemoFleet]:
    async with demo_fleet(tmp_path_factory.mktemp("demo"), instances=2, speed=100) as running:
        yield running


async def test_ten_megabytes_come_back_as_they_were_sent(fleet: DemoFleet) -> None:
    data = os.urandom(10_000_000)

    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run("cat", input=data, encoding=None)

    assert finished.exit_status == 0
    assert finished.stdout == data


async def test_a_command_that_closes_its_outputs_still_gets_its_input(fleet: DemoFleet) -> None:
    data = os.urandom(3_000_000)

    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run("exec >/dev/null 2>&1; sleep 0.2; cat > received", input=data, encoding=None)

    assert finished.exit_status == 0
    assert (home_of(fleet.fleet_file) / "received").read_bytes() == data


async def test_both_streams_carry_bytes(fleet: DemoFleet) -> None:
    script = r"printf '\000\377\r\n'; head -c 1000000 /dev/zero >&2"

    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run(script, encoding=None)

    assert finished.stdout == b"\x00\xff\r\n"
    assert finished.stderr == bytes(1_000_000)


@pytest.mark.parametrize(
    ("command", "status"), [("true", 0), ("exit 3", 3), ("no-such-command", 127), ("exit 255", 255)]
)
async def test_exit_statuses(fleet: DemoFleet, command: str, status: int) -> None:
    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run(command)

    assert finished.exit_status == status


async def test_an_end_by_signal_is_told(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run("kill -9 $$")

    assert finished.exit_signal is not None
    assert finished.exit_signal[0] == "KILL"


@pytest.mark.parametrize("wait_for_start", [True, False], ids=["running", "just started"])
async def test_the_client_can_end_a_command(fleet: DemoFleet, wait_for_start: bool) -> None:
    async with connect(fleet.fleet_file) as connection:
        process = await connection.create_process("echo started; exec sleep 300")
        if wait_for_start:
            await process.stdout.readline()
        process.terminate()
        finished = await process.wait(timeout=DEADLINE_SECONDS)

    assert finished.exit_signal is not None
    assert finished.exit_signal[0] == "TERM"


async def test_input_that_nobody_reads_is_no_error(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run("head -c 1 >/dev/null; exit 7", input=bytes(3_000_000), encoding=None)

    assert finished.exit_status == 7


async def test_commands_start_at_home_with_a_clean_environment(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as connection:
        finished = await connection.run("pwd; env", check=True)

    folder, *lines = str(finished.stdout).splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    home = str(home_of(fleet.fleet_file))
    assert folder == environment["HOME"] == home
    assert environment["PATH"].split(":")[0] == str(Path(sys.executable).parent)
    assert set(environment) - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "VELORA_DEMO_FLEET",
    }  # fmt: skip


async def test_a_detached_job_survives_a_broken_connection(fleet: DemoFleet) -> None:
    job = "sleep 0.3; echo done > survived"
    async with connect(fleet.fleet_file) as connection:
        await connection.run(f"setsid sh -c '{job}' </dev/null >/dev/null 2>&1 &", check=True)
        connection.abort()
        await connection.wait_closed()

    await until((home_of(fleet.fleet_file) / "survived").exists)


async def test_a_foreground_command_does_not(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as connection:
        process = await connection.create_process("echo $$; exec sleep 300")
        pid = int(await process.stdout.readline())
        assert psutil.pid_exists(pid)
        connection.abort()

    await until(lambda: not psutil.pid_exists(pid))


async def test_two_clients_do_not_disturb_each_other(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as one, connect(fleet.fleet_file) as other:
        slow = await one.create_process("cat; echo one")
        quick = await other.run("echo other", check=True)
        slow.stdin.write_eof()
        finished = await slow.wait(timeout=DEADLINE_SECONDS)

    assert (finished.stdout, quick.stdout) == ("one\n", "other\n")


async def test_no_more_sessions_than_openssh_allows(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file) as connection:
        open_sessions = [await connection.create_process("cat") for _ in range(MAX_SESSIONS)]
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("true")
        open_sessions[0].stdin.write_eof()
        await open_sessions[0].wait(timeout=DEADLINE_SECONDS)

        assert (await connection.run("echo again")).stdout == "again\n"


async def test_sftp_sees_the_home_folder_only(fleet: DemoFleet, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    (tmp_path / "file").write_bytes(data)

    async with connect(fleet.fleet_file) as connection, connection.start_sftp_client() as sftp:
        await sftp.put(str(tmp_path / "file"), "uploaded")
        await sftp.get("uploaded", str(tmp_path / "back"))
        assert await sftp.exists("agent/scripted_agent.py")
        assert not await sftp.exists("/etc/passwd")
        assert not await sftp.exists("../../../../etc/passwd")

    assert (tmp_path / "back").read_bytes() == (home_of(fleet.fleet_file) / "uploaded").read_bytes() == data


async def test_every_instance_has_a_home_of_its_own(fleet: DemoFleet) -> None:
    async with connect(fleet.fleet_file, "eval2") as connection:
        assert str((await connection.run("pwd")).stdout).strip() == str(home_of(fleet.fleet_file, "eval2"))


async def test_another_instances_key_is_refused(fleet: DemoFleet) -> None:
    wrong_key = str(instance_of(fleet.fleet_file, "eval2").identity_file)

    with pytest.raises(asyncssh.PermissionDenied):
        async with connect(fleet.fleet_file, client_keys=[wrong_key]):
            pass


async def test_another_user_is_refused(fleet: DemoFleet) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with connect(fleet.fleet_file, username="root"):
            pass


async def test_every_instance_has_a_host_key_of_its_own(fleet: DemoFleet) -> None:
    first, second = instance_of(fleet.fleet_file, "eval1"), instance_of(fleet.fleet_file, "eval2")

    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        async with connect(fleet.fleet_file, known_hosts=([], [], [])):
            pass
    keys = {await asyncssh.get_server_host_key("127.0.0.1", item.port, config=None) for item in (first, second)}
    assert len(keys) == 2
