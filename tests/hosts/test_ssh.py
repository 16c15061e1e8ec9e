"""Connections to a real OpenSSH server: keys, trust, breaks, budgets."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hosts.conftest import give_up_eight_at_once, runs, until
from tests.hosts.wire import Wire, behind
from tests.sshd import Sshd, free_port, make_key, make_sshd
from velora_tui.errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandTimeout,
    ConnectionLost,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    Unreachable,
)
from velora_tui.hosts import ssh as ssh_module
from velora_tui.hosts.known_hosts import accept_new_host_key
from velora_tui.hosts.ssh import ConnectionState, SshHost
from velora_tui.hosts.ssh_connect import SshTarget

pytestmark = pytest.mark.sshd


async def refused(host: SshHost) -> HostError:
    """Return the error of a first command."""
    with pytest.raises(HostError) as caught:
        await host.run("true")
    await host.close()
    return caught.value


@pytest.mark.parametrize(
    "bashrc",
    [
        "echo welcome; echo noise >&2; printf 'no newline'",
        "set -x; false; cd /; export PATH=/nowhere:$PATH; unset_command_that_fails",
        "head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2",
        "trap 'echo bye' EXIT; PS1='$ '; stty -echo",
    ],
    ids=["banner", "failing", "chatty", "trap"],
)
async def test_what_the_start_up_files_print_does_not_matter(sshd: Sshd, ssh: SshHost, bashrc: str) -> None:
    (sshd.home / ".bashrc").write_text(f"{bashrc}\n")
    result = await ssh.run("echo out; echo err >&2; pwd; cat; exit 4", stdin=b"in\n", check=False)
    assert result.stdout == f"out\n{sshd.home}\nin\n".encode()
    assert (result.stderr, result.exit_status) == (b"err\n", 4)


async def test_a_start_up_file_that_ends_the_shell_is_named(sshd: Sshd, ssh: SshHost) -> None:
    (sshd.home / ".bashrc").write_text("echo 'no entry today'\nexit 3\n")
    with pytest.raises(CommandFailed, match="ended with status 3 before it ran a command: no entry today") as caught:
        await ssh.run("true")
    assert ".bashrc" in str(caught.value.hint)


async def test_a_start_up_file_that_hangs_is_given_up(
    sshd: Sshd, ssh: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_module, "_SHELL_START_SECONDS", 0.5)
    (sshd.home / ".bashrc").write_text("sleep 60\n")
    with pytest.raises(CommandTimeout, match="the login shell ran no command"):
        await ssh.run("true")


async def test_a_command_that_has_begun_unknown_to_us_is_ended_when_it_is_given_up(sshd: Sshd) -> None:
    (sshd.home / ".bashrc").write_text("touch ~/reached; while [ ! -e ~/go ]; do sleep 0.01; done\n")
    async with Wire(sshd.port) as wire:
        host = SshHost(behind(wire, sshd))
        running = asyncio.create_task(host.run("echo $$ >pid; sleep 600"))
        await until((sshd.home / "reached").exists)
        wire.hold_answers()
        (sshd.home / "go").touch()
        await until(lambda: (sshd.home / "pid").exists() and (sshd.home / "pid").read_text().endswith("\n"))
        running.cancel()
        await asyncio.wait([running], timeout=0.1)
        wire.let_answers_go()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not runs(int((sshd.home / "pid").read_text())))
        await host.close()


async def test_commands_given_up_at_any_moment_leave_nothing(sshd: Sshd, ssh: SshHost) -> None:
    await ssh.connect()
    moments = random.Random(1)
    for number in range(80):
        running = asyncio.create_task(ssh.run(f"echo $$ >pid{number}; sleep 600"))
        await asyncio.wait([running], timeout=moments.uniform(0, 0.04))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    pids = [int(path.read_text() or 0) for path in sshd.home.glob("pid*")]
    assert pids, "none was given up after it had begun"
    await until(lambda: not any(runs(pid) for pid in pids))


async def test_a_key_that_the_server_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    error = await refused(SshHost(sshd.target(identity_file=tmp_path / "stranger")))
    assert isinstance(error, AuthenticationFailed)
    assert "stranger" in str(error)


async def test_a_key_file_that_is_not_there(sshd: Sshd, tmp_path: Path) -> None:
    error = await refused(SshHost(sshd.target(identity_file=tmp_path / "nowhere")))
    assert isinstance(error, AuthenticationFailed)
    assert "No such file" in str(error)


async def test_a_key_with_a_passphrase_is_used_through_the_agent(
    sshd: Sshd, agent_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await refused(SshHost(sshd.target()))
    assert isinstance(error, AuthenticationFailed)
    assert "passphrase" in str(error.hint)

    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent_socket))
    for target in (sshd.target(), sshd.target(identity_file=None)):
        host = SshHost(target)
        assert (await host.run("echo in")).text == "in"
        await host.close()


@pytest.fixture
def agent_socket(sshd: Sshd, tmp_path: Path) -> Iterator[Path]:
    """An ssh-agent that holds the user's key, whose file has a passphrase."""
    socket, key = tmp_path / "agent", str(sshd.folder / "user_key")
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", key], env=environment, check=True, timeout=30)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", key], check=True, timeout=30)
        yield socket
        process.terminate()


async def test_a_server_that_wants_a_password(tmp_path: Path) -> None:
    server = make_sshd(tmp_path / "password", "PubkeyAuthentication no", "PasswordAuthentication yes")
    try:
        error = await refused(SshHost(server.target()))
    finally:
        server.stop()
    assert isinstance(error, AuthenticationFailed)
    assert "password" in str(error)
    assert "ssh-copy-id" in str(error.hint)


async def test_an_unknown_host_key_is_shown_and_can_be_accepted(sshd: Sshd, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "known_hosts"
    host = SshHost(sshd.target(known_hosts=mine))
    error = await refused(host)
    assert isinstance(error, HostKeyUnknown)
    assert host.offered_key is not None
    assert host.offered_key.fingerprint in str(error)

    await accept_new_host_key(host.offered_key)
    await accept_new_host_key(host.offered_key)
    assert (await host.run("echo in")).text == "in"
    assert host.offered_key is None
    assert len(mine.read_text().splitlines()) == 1
    await host.close()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_a_changed_host_key_is_refused_and_cannot_be_accepted(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    make_key(tmp_path / "old", "-t", kind)
    public = (tmp_path / "old.pub").read_text().split()
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public[0]} {public[1]}\n")
    host = SshHost(sshd.target())
    error = await refused(host)
    assert isinstance(error, HostKeyChanged)
    assert host.offered_key is None
    command = f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {sshd.known_hosts}"
    assert str(error.hint).endswith(command)
    await asyncio.to_thread(subprocess.run, ["sh", "-c", command], check=True, capture_output=True, timeout=30)
    assert isinstance(await refused(host), HostKeyUnknown), "the advice does what it says"


async def test_a_revoked_host_key_is_refused(sshd: Sshd) -> None:
    sshd.known_hosts.write_text("@revoked " + sshd.known_hosts.read_text())
    assert isinstance(await refused(SshHost(sshd.target())), HostKeyChanged)


async def test_the_key_of_another_port_does_not_count_as_changed(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    sshd.known_hosts.write_text("127.0.0.1 " + (tmp_path / "other.pub").read_text())
    assert isinstance(await refused(SshHost(sshd.target())), HostKeyUnknown)


async def test_a_key_that_changed_while_the_operator_was_asked_is_not_added(sshd: Sshd, tmp_path: Path) -> None:
    host = SshHost(sshd.target(known_hosts=tmp_path / "mine"))
    await refused(host)
    make_key(tmp_path / "other")
    public = (tmp_path / "other.pub").read_text().split()
    (tmp_path / "mine").write_text(f"[127.0.0.1]:{sshd.port} {public[0]} {public[1]}\n")
    assert host.offered_key is not None
    with pytest.raises(HostKeyChanged):
        await accept_new_host_key(host.offered_key)


async def test_a_damaged_line_of_known_hosts_locks_nobody_out(sshd: Sshd, ssh: SshHost) -> None:
    sshd.known_hosts.write_text("rubbish\n@what is this\n" + sshd.known_hosts.read_text())
    assert (await ssh.run("echo in")).text == "in"


async def test_a_port_on_which_nobody_listens(sshd: Sshd) -> None:
    error = await refused(SshHost(sshd.target(port=free_port())))
    assert isinstance(error, Unreachable)
    assert "Connection refused" in str(error)


async def test_a_server_that_accepts_and_says_nothing(sshd: Sshd) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        error = await refused(SshHost(sshd.target(port=port, connect_timeout_seconds=0.5)))
    assert isinstance(error, Unreachable)
    assert "within 0.5 s" in str(error)


async def test_an_ssh_config_that_is_not_there(sshd: Sshd, tmp_path: Path) -> None:
    error = await refused(SshHost(sshd.target(ssh_config=tmp_path / "nowhere")))
    assert isinstance(error, Unreachable)
    assert "does not exist" in str(error)


def alias(sshd: Sshd, user: str = "") -> str:
    """Return the entry of an SSH config that leads to `sshd` by the name lancer1."""
    return (
        f"Host lancer1\n HostName 127.0.0.1\n Port {sshd.port}\n{f' User {user}' if user else ''}\n"
        f" IdentityFile {sshd.target().identity_file}\n UserKnownHostsFile {sshd.known_hosts}\n"
    )


@pytest.mark.parametrize("own", [True, False], ids=["own", "named"])
async def test_an_alias_of_the_ssh_config_is_enough(sshd: Sshd, operator_home: Path, own: bool) -> None:
    config = operator_home / ".ssh/config" if own else operator_home / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text(alias(sshd, sshd.user))
    target = SshTarget("eval1", "lancer1", default_user="nobody-there", ssh_config=None if own else config)
    host = SshHost(target)
    assert (await host.run("echo in")).text == "in"
    await host.close()


async def test_the_fleets_user_logs_in_where_the_ssh_config_names_none(sshd: Sshd, operator_home: Path) -> None:
    config = operator_home / "config"
    config.write_text(alias(sshd))
    host = SshHost(SshTarget("eval1", "lancer1", default_user=sshd.user, ssh_config=config))
    assert (await host.run("echo in")).text == "in"
    await host.close()
    error = await refused(SshHost(SshTarget("eval1", "lancer1", default_user="nobody-there", ssh_config=config)))
    assert isinstance(error, AuthenticationFailed)
    assert "lancer1 (127.0.0.1) does not accept" in error.message
    assert "user_key of the SSH config for nobody-there" in error.message


async def test_a_jump_host_from_the_fleet_file_or_from_the_ssh_config(sshd: Sshd, tmp_path: Path) -> None:
    bastion = make_sshd(tmp_path / "bastion")
    try:
        plain = sshd.target()
        known = tmp_path / "both"
        known.write_text(sshd.known_hosts.read_text() + bastion.known_hosts.read_text())
        config = tmp_path / "config"
        config.write_text(
            f"Host bastion\n HostName 127.0.0.1\n Port {bastion.port}\n IdentityFile {bastion.folder}/user_key\n"
            f"Host inner\n HostName 127.0.0.1\n Port {sshd.port}\n IdentityFile {plain.identity_file}\n"
            f" ProxyJump {plain.user}@bastion\n"
        )
        by_config = sshd.target(host="inner", port=None, identity_file=None, known_hosts=known, ssh_config=config)
        by_fleet = sshd.target(jump="bastion", known_hosts=known, ssh_config=config)
        for target in (by_config, by_fleet):
            host = SshHost(target)
            assert (await host.run("echo $SSH_CONNECTION; pwd")).text.endswith(str(sshd.home))
            assert len(psutil.Process(bastion._process.pid).children()) == 1  # type: ignore[union-attr]
            await host.close()
        error = await refused(SshHost(sshd.target(jump="bastion", ssh_config=config)))
        assert isinstance(error, HostKeyUnknown)
        assert str(bastion.port) in str(error)
    finally:
        bastion.stop()


async def test_a_broken_connection_is_noticed_and_the_next_command_connects_again(sshd: Sshd) -> None:
    states: list[ConnectionState] = []
    host = SshHost(sshd.target(), states.append)
    async with host.open("echo ready; cat") as process:
        assert await process.read() == b"ready\n"
        sshd.kill_sessions()
        with pytest.raises(ConnectionLost):
            await process.read()
        with pytest.raises(ConnectionLost):
            await process.wait()
    assert host.state.kind == "unreachable"
    assert "connection lost" in str(host.state.reason)
    assert (await host.run("echo again")).text == "again"
    await host.close()
    assert [state.kind for state in states] == [
        *("connecting", "connected", "unreachable", "connecting", "connected", "idle")
    ]


async def test_a_peer_that_went_silent_is_noticed(sshd: Sshd) -> None:
    host = SshHost(sshd.target(keepalive_seconds=0.3))
    async with host.open("echo ready; cat") as process:
        assert await process.read() == b"ready\n"
        assert sshd._process is not None
        sessions = psutil.Process(sshd._process.pid).children(recursive=True)
        for session in sessions:
            session.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(ConnectionLost):
            await process.read()
        assert time.monotonic() - began < 3
        for session in sessions:
            session.send_signal(signal.SIGCONT)
    await host.close()


async def test_more_commands_than_sessions_wait_for_their_turn(ssh: SshHost) -> None:
    results = await asyncio.gather(*(ssh.run(f"sleep 0.05; echo {number}") for number in range(40)))
    assert [result.text for result in results] == [str(number) for number in range(40)]


async def test_commands_are_ended_even_while_the_server_refuses_another_session(tmp_path: Path) -> None:
    server = make_sshd(tmp_path / "sshd", "MaxSessions 9")  # eight commands leave one for ending them
    host = SshHost(server.target())
    try:
        await give_up_eight_at_once(host, server.home)
    finally:
        await host.close()
        server.stop()


async def test_forty_hosts_connect_at_once(sshd: Sshd) -> None:
    hosts = [SshHost(sshd.target(f"eval{number}")) for number in range(40)]
    results = await asyncio.gather(*(host.run("echo up") for host in hosts))
    assert {result.text for result in results} == {"up"}
    await asyncio.gather(*(host.close() for host in hosts))


async def test_callers_share_one_attempt_to_connect(sshd: Sshd) -> None:
    states: list[ConnectionState] = []
    host = SshHost(sshd.target(port=free_port()), states.append)
    errors = await asyncio.gather(*(host.run("true") for _ in range(5)), return_exceptions=True)
    assert all(isinstance(error, Unreachable) for error in errors)
    assert [state.kind for state in states] == ["connecting", "unreachable"]
    await host.close()


async def test_closing_while_connecting_lets_go(sshd: Sshd) -> None:
    host = SshHost(sshd.target())
    running = asyncio.create_task(host.run("true"))
    await until(lambda: host.state.kind == "connecting")
    await host.close()
    with pytest.raises(ConnectionLost):
        await running
    assert host.state.kind == "idle"
