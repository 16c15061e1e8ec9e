"""A server of the embedded fleet in a process of its own, ended by closing its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from velora_tui.errors import Unreachable

READY_SECONDS = 20.0
END_SECONDS = 5.0

# The operator's proxies, credentials and test runners must not change what the demo does.
FOREIGN_PREFIXES = ("AWS_", "PYTEST_", "COV_", "COVERAGE_", "MOTO_")
FOREIGN_SUFFIXES = ("_PROXY",)


class ServerProcess:
    """`python -m MODULE`: told its configuration on standard input, ready when it prints a line of JSON."""

    def __init__(self, module: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._module = module
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, module: str, log: Path) -> ServerProcess:
        """Start the process; what it says on standard error goes to `log`."""
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=server_environment(),
                start_new_session=True,
            )
        return cls(module, process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def configure(self, configuration: str) -> None:
        """Send the one line of configuration. Raises Unreachable."""
        assert self._process.stdin
        try:
            self._process.stdin.write(configuration.encode() + b"\n")
            await self._process.stdin.drain()
        except OSError:
            raise self._failed() from None

    async def ready(self) -> dict[str, Any]:
        """Return what the process says when it serves. Raises Unreachable."""
        assert self._process.stdout
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), READY_SECONDS)
            answer: dict[str, Any] = json.loads(line)
        except (TimeoutError, ValueError):
            raise self._failed() from None
        return answer

    async def stop(self) -> None:
        """Close its input and wait for its end; kill it where it does not end."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _failed(self) -> Unreachable:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()
        reason = said.rpartition("\n")[2] or "it said nothing"
        return Unreachable(f"{self._module} did not start: {reason}", hint=f"see {self._log}", output=said)


def server_environment() -> dict[str, str]:
    """Return this process's environment without what is foreign to the demo."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and not name.upper().endswith(FOREIGN_SUFFIXES)
    }
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
