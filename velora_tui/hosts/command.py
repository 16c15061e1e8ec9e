"""Run a command to its end, on any host: what `Host.run` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from velora_tui.errors import CommandFailed, CommandTimeout
from velora_tui.hosts.host import OUTPUT_LIMIT, CommandResult, Host, RemoteProcess

_SHOWN_CHARACTERS = 500


async def run_command(
    host: Host,
    command: str,
    *,
    stdin: bytes | AsyncIterator[bytes] = b"",
    timeout_seconds: float = 60.0,
    check: bool = True,
    output_limit: int = OUTPUT_LIMIT,
) -> CommandResult:
    """Run `command` on `host` and collect its output; `stdin` may come in pieces. Raises as `Host.run`."""
    try:
        async with asyncio.timeout(timeout_seconds) as limit, host.open(command) as process:
            result = await _communicate(process, stdin, output_limit)
    except TimeoutError:
        if not limit.expired():
            raise
        raise CommandTimeout(
            f"no end after {timeout_seconds:g} s: {first_line(command)}", instance=host.name, command=command
        ) from None
    if check and result.exit_status != 0:
        raise command_failed(host.name, command, result)
    return result


def command_failed(instance: str, command: str, result: CommandResult, hint: str | None = None) -> CommandFailed:
    """Build the error for a command that ended with a status that is not 0."""
    said = last_line(result.stderr) or last_line(result.stdout)
    return CommandFailed(
        f"exit status {result.exit_status}: {said or first_line(command)}",
        hint=hint or _hint(result.stderr),
        instance=instance,
        command=command,
        exit_status=result.exit_status,
        output=(result.stderr or result.stdout)[-4096:].decode("utf-8", "replace"),
    )


def first_line(command: str) -> str:
    """Return the first line of `command`, shortened for people."""
    line = next(iter(command.strip().splitlines()), "")
    return line if len(line) <= 80 else line[:79] + "…"


def last_line(output: bytes) -> str:
    """Return the last line of `output` that says something."""
    lines = output[-_SHOWN_CHARACTERS:].decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _hint(stderr: bytes) -> str | None:
    if b"No space left on device" in stderr:
        return "the instance's disk is full: free some space there"
    if b"Permission denied" in stderr or b"Read-only file system" in stderr:
        return "the user may not write there: check the owner and the mode of the folder"
    if b"File exists" in stderr or b"Not a directory" in stderr:
        return "a file is where a folder should be (~/.velora is Velora's own): move it away"
    return None


async def _communicate(process: RemoteProcess, stdin: bytes | AsyncIterator[bytes], output_limit: int) -> CommandResult:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(process, stdin))
            stdout = group.create_task(_collect(process.read, output_limit))
            stderr = group.create_task(_collect(process.read_stderr_line, OUTPUT_LIMIT))
            status = group.create_task(process.wait())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return CommandResult(status.result(), stdout.result(), stderr.result())


async def _send(process: RemoteProcess, stdin: bytes | AsyncIterator[bytes]) -> None:
    if isinstance(stdin, bytes):
        await process.write(stdin)
    else:
        async for piece in stdin:
            await process.write(piece)
    await process.write_eof()


async def _collect(read: Callable[[], Awaitable[bytes]], limit: int) -> bytes:
    kept = bytearray()
    while data := await read():
        kept += data[: limit - len(kept)]
    return bytes(kept)
