"""Jobs that outlive the operator: started once, watched from any byte, stopped with all their children.

A job's spool on the instance holds job.sh, env (0600), log, pid (pid, start time, boot id) and, last of all, exit;
cleanup.sh, where there is one, until it has run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from velora_tui.errors import CommandFailed, UsageError
from velora_tui.hosts.command import command_failed
from velora_tui.hosts.follow import LogSource, LogStream, follow_log
from velora_tui.hosts.host import CommandResult, Host
from velora_tui.hosts.scripts import script_text
from velora_tui.hosts.shell import assign, quote_path

# What util-linux's setsid and our own scripts use for "something this needs is not installed" (sysexits.h).
_UNAVAILABLE = 69
_LAUNCH_SECONDS = 30
_TURN_SECONDS = 5
# How long a clean-up may take before it is ended.
_CLEANUP_SECONDS = 60
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

JobKind = Literal["absent", "running", "exited", "lost"]


@dataclass(frozen=True)
class JobState:
    """What a spool tells about its job. Times are those of the operator's clock.

    `lost`: its process is gone and there is no exit file, as after a reboot or SIGKILL.
    """

    kind: JobKind
    exit_status: int | None = None
    log_size: int = 0
    pid: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    log_changed_at: datetime | None = None


@dataclass(frozen=True)
class StopReport:
    """How a job ended: whether SIGKILL was needed, and the processes that even that did not end."""

    state: JobState
    killed: bool
    left: tuple[int, ...]


class JobRunner(LogSource, Protocol):
    """Where jobs run: `setsid` on one machine here, a batch system elsewhere. All raise HostErrors."""

    async def start(
        self,
        spool: str,
        script: str,
        env: Mapping[str, str] = ...,
        *,
        time_limit_seconds: float | None = None,
        cleanup: str = ...,
    ) -> JobState:
        """Start `script` once and only once for this spool, and return its state."""

    async def state(self, spool: str) -> JobState:
        """Return what is known of the job."""

    async def stop(self, spool: str, grace_seconds: float = 10.0) -> StopReport:
        """End the job and every process that it started; an ended job stays as it is."""


class DetachedJobs:
    """Jobs as detached process groups on `host`, which needs sh, coreutils, grep and util-linux's setsid."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def start(
        self,
        spool: str,
        script: str,
        env: Mapping[str, str] | None = None,
        *,
        time_limit_seconds: float | None = None,
        grace_seconds: float = 10.0,
        cleanup: str = "",
    ) -> JobState:
        """Start `script` with `sh` in the home folder; a spool that has been started is left as it is.

        `env` goes through a 0600 file. After the time limit the job gets SIGTERM, then SIGKILL, and exits with 124.
        `cleanup` is a script for what a dead process can't take with it, such as containers. It runs once, with the
        job's environment and for at most 60 s, when the job did not end by itself (stop, time limit, a signal) and all
        its processes are dead. Its output goes to the log; that of a lost job, which `stop` cleans up, to cleanup.log.
        Raises UsageError for a bad variable and CommandFailed where the instance can't start jobs.
        """
        wrapper = _wrapper(time_limit_seconds, grace_seconds)
        parts = (_env_file(env or {}), wrapper.encode(), cleanup.encode(), script.encode())
        names = ("env_bytes", "wrapper_bytes", "cleanup_bytes", "job_bytes")
        command = assign(**dict(zip(names, map(len, parts), strict=True))) + _script("job_start.sh", spool)
        result = await self.host.run(command, stdin=b"".join(parts), timeout_seconds=_LAUNCH_SECONDS + 60, check=False)
        if result.exit_status == _UNAVAILABLE:
            raise command_failed(self.host.name, command, result, hint="install util-linux, which has setsid")
        return self._read(command, result)[0]

    async def state(self, spool: str) -> JobState:
        """Return what is known of the job."""
        command = _script("job_state.sh", spool)
        return self._read(command, await self.host.run(command, check=False))[0]

    def follow(self, spool: str, offset: int = 0) -> AbstractAsyncContextManager[LogStream]:
        """Stream the log's bytes from `offset` on; see LogStream."""
        return follow_log(self.host, assign(offset=offset) + _script("job_follow.sh", spool), offset)

    async def stop(self, spool: str, grace_seconds: float = 10.0) -> StopReport:
        """End the job's group and those who left it: SIGTERM first, after `grace_seconds` SIGKILL; then clean up."""
        command = assign(grace_seconds=int(grace_seconds)) + _script("job_stop.sh", spool)
        limit = grace_seconds + 2 * _CLEANUP_SECONDS + 30
        result = await self.host.run(command, timeout_seconds=limit, check=False)
        state, facts = self._read(command, result)
        left = tuple(int(pid) for pid in facts.get("left", "").split() if pid.isdigit())
        return StopReport(state, facts.get("killed") == "yes", left)

    def _read(self, command: str, result: CommandResult) -> tuple[JobState, dict[str, str]]:
        facts = dict(line.partition(" ")[::2] for line in result.text.splitlines())
        if result.exit_status != 0:
            raise command_failed(self.host.name, command, result)
        try:
            return _state(facts), facts
        except (ValueError, LookupError, OverflowError) as error:
            raise CommandFailed(
                f"the instance's answer about a job makes no sense: {error}",
                instance=self.host.name,
                output=result.text[-4096:],
            ) from error


def _script(name: str, spool: str) -> str:
    values = assign(cleanup_seconds=_CLEANUP_SECONDS)
    return f"spool={quote_path(spool)}\n{values}{script_text('job_lib.sh')}{script_text(name)}"


def _wrapper(time_limit_seconds: float | None, grace_seconds: float) -> str:
    values = assign(limited="no", cleanup_seconds=_CLEANUP_SECONDS)
    if time_limit_seconds is not None:
        turns, first_turn_seconds = divmod(time_limit_seconds, _TURN_SECONDS)
        values += assign(
            limited="yes",
            turns=int(turns),
            first_turn_seconds=f"{first_turn_seconds:.3f}",
            grace_seconds=f"{grace_seconds:.3f}",
        )
    return f"{values}{script_text('job_lib.sh')}{script_text('job_wrapper.sh')}"


def _env_file(env: Mapping[str, str]) -> bytes:
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise UsageError(f"{name[:80]!r} cannot be an environment variable")
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in env.items()).encode()


def _state(facts: Mapping[str, str]) -> JobState:
    # The instance's clock may be wrong: every time is told by its distance from the instance's own "now".
    here = datetime.now(UTC)
    there = float(facts.get("now", 0))

    def moment(name: str) -> datetime | None:
        stat = facts.get(f"file_{name}", "").split()
        return here - timedelta(seconds=there - float(stat[1])) if stat else None

    launched = moment("started")
    kind = facts["kind"]
    if kind == "launched":
        kind = "running" if launched and here - launched < timedelta(seconds=_LAUNCH_SECONDS) else "lost"
    return JobState(
        kind=_KINDS[kind],
        exit_status=int(facts["exit_status"]) if facts.get("exit_status", "").strip() else None,
        log_size=int(facts.get("file_log", "0").split()[0]),
        pid=int(facts["pid"]) if "pid" in facts else None,
        started_at=launched,
        ended_at=moment("exit"),
        log_changed_at=moment("log"),
    )


_KINDS: dict[str, JobKind] = {"absent": "absent", "running": "running", "exited": "exited", "lost": "lost"}
