"""SSH servers that stand for machines: real `/bin/sh` processes and SFTP in a home folder of their own.

Run as `python -m velora_tui.demo.ssh_server`: reads its configuration as one JSON line on standard input, prints one
line `{"ports": {name: port}}` once every server listens, and ends when standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import asyncssh
from asyncssh.channel import SSHChannel

from velora_tui.demo.leftovers import MARKER, end_leftovers
from velora_tui.demo.server_config import LOOPBACK, Machine, Machines

MAX_SESSIONS = 10  # OpenSSH's default
SFTP_VERSION = 3
READ_SIZE = 64 * 1024
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LARGEST_CONFIG = 1024 * 1024


def command_environment(machine: Machine, marker: str) -> dict[str, str]:
    """Return the environment of a login on `machine`: nothing of the operator's own comes through."""
    return {
        "HOME": str(machine.home),
        "USER": machine.user,
        "LOGNAME": machine.user,
        "SHELL": "/bin/sh",
        "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
        "LANG": "C.UTF-8",
        MARKER: marker,
    }


class CommandSession(asyncssh.SSHServerProcess[bytes]):
    """One session: a shell command with its three streams, or SFTP. A lost channel hangs up the foreground group."""

    def __init__(self, machine: Machine, environment: Mapping[str, str]) -> None:
        home = str(machine.home)
        super().__init__(self._serve, _sftp_in(home), SFTP_VERSION, allow_scp=False)
        self._home = home
        self._environment = environment
        self._is_started = self._is_lost = False
        self._shell: asyncio.subprocess.Process | None = None
        self._early_signals: list[signal.Signals] = []

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command
        words = ["/bin/sh"] if command is None else ["/bin/sh", "-c", command]
        pipe = asyncio.subprocess.PIPE
        self._shell = await asyncio.create_subprocess_exec(
            *words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=self._home,
            env=self._environment,
            start_new_session=True,
        )
        for number in self._early_signals:
            self._signal_group(number)
        try:
            self._exit_like(process, await self._pump(process, self._shell))
        except (asyncssh.Error, OSError):
            self._signal_group(signal.SIGHUP)  # the client went away in the middle of its output
            await self._shell.wait()

    async def _pump(self, process: asyncssh.SSHServerProcess[bytes], shell: asyncio.subprocess.Process) -> int:
        assert shell.stdin is not None
        assert shell.stdout is not None
        assert shell.stderr is not None
        feeding = asyncio.create_task(_feed(process.stdin, shell.stdin))
        try:
            async with asyncio.TaskGroup() as outputs:
                outputs.create_task(_drain(shell.stdout, process.stdout))
                outputs.create_task(_drain(shell.stderr, process.stderr))
            return await shell.wait()  # a command may close its outputs long before it has read its input
        except* (asyncssh.Error, OSError) as group:
            raise BrokenPipeError(str(group.exceptions[0])) from None
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    @staticmethod
    def _exit_like(process: asyncssh.SSHServerProcess[bytes], status: int) -> None:
        if status >= 0:
            process.exit(status)
        else:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))

    @property
    def is_over(self) -> bool:
        """Whether it no longer counts; so as soon as its end is on the way to the client, who may open the next."""
        return self._is_lost or (self._is_started and self.is_closing())

    def session_started(self) -> None:
        self._is_started = True
        super().session_started()

    def signal_received(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if number is not None:
            self._signal_group(number)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._signal_group(signal.SIGHUP)
        super().connection_lost(exc)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._shell is None:
            self._early_signals.append(number)
        elif self._shell.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, number)


def _sftp_in(home: str) -> Callable[[SSHChannel[bytes]], asyncssh.SFTPServer]:
    def factory(channel: SSHChannel[bytes]) -> asyncssh.SFTPServer:
        assert isinstance(channel, asyncssh.SSHServerChannel)
        return asyncssh.SFTPServer(channel, chroot=home.encode())

    return factory


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    """Copy the client's input to the command; a command that stops reading is no error."""
    try:
        with contextlib.suppress(asyncssh.Error, OSError):
            while data := await source.read(READ_SIZE):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()


async def _drain(source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes]) -> None:
    while data := await source.read(READ_SIZE):
        sink.write(data)
        await sink.drain()


class MachineServer(asyncssh.SSHServer):
    """One connection to a machine: public key only, one user only, and as many sessions as OpenSSH allows."""

    def __init__(self, machine: Machine, environment: Mapping[str, str]) -> None:
        self._machine = machine
        self._environment = environment
        self._connection: asyncssh.SSHServerConnection | None = None
        self._sessions: list[CommandSession] = []

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        if username == self._machine.user and self._connection is not None:
            self._connection.set_authorized_keys(str(self._machine.authorized_keys))
        return True

    def session_requested(self) -> CommandSession | bool:
        self._sessions = [session for session in self._sessions if not session.is_over]
        if len(self._sessions) >= MAX_SESSIONS:
            return False
        session = CommandSession(self._machine, self._environment)
        self._sessions.append(session)
        return session


async def listen(machine: Machine, marker: str) -> asyncssh.SSHAcceptor:
    """Start the server of `machine` on a free loopback port."""
    environment = command_environment(machine, marker)
    return await asyncssh.listen(
        LOOPBACK,
        0,
        server_factory=lambda: MachineServer(machine, environment),
        server_host_keys=[str(machine.host_key)],
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
        encoding=None,
        line_editor=False,
        agent_forwarding=False,
        reuse_address=True,
    )


async def serve(config: Machines, stdin: asyncio.StreamReader) -> None:
    """Serve every machine until `stdin` ends, then end what the machines' commands left running."""
    acceptors: dict[str, asyncssh.SSHAcceptor] = {}
    try:
        for machine in config.machines:
            acceptors[machine.name] = await listen(machine, config.marker)
        ports = {name: acceptor.get_port() for name, acceptor in acceptors.items()}
        print(json.dumps({"ports": ports}), flush=True)
        await stdin.read()
    finally:
        for acceptor in acceptors.values():
            acceptor.close()
        await asyncio.to_thread(end_leftovers, config.marker)


async def _main() -> None:
    stdin = asyncio.StreamReader(limit=LARGEST_CONFIG)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin
    )
    try:
        if line := await stdin.readline():
            await serve(Machines.from_json(line.decode()), stdin)
    finally:
        transport.close()


def main() -> None:
    """Run the server process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the parent, which then closes our input
    asyncio.run(_main())


if __name__ == "__main__":
    main()
