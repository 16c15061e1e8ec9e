"""From errors and logs to classified failures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandTimeout,
    ConnectionLost,
    DatasetError,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    ImageError,
    InstanceBusy,
    InstanceNotReady,
    StorageError,
    StoreError,
    UnknownName,
    Unreachable,
    VeloraError,
)
from velora_tui.grading.diagnose import diagnose, diagnose_error, unexplained
from velora_tui.pipeline.phase import PhaseFailed
from velora_tui.store.log_file import LogFile
from velora_tui.view.text import clean_line

_TAIL_LINES = 5000
_LINE_BYTES = 4096
_NO_SPACE = "No space left on device"

_INFRA, _TASK, _OPERATOR = FailureClass.INFRASTRUCTURE, FailureClass.TASK, FailureClass.OPERATOR

# The most specific class stands first.
_BY_ERROR: tuple[tuple[type[VeloraError], FailureClass, str], ...] = (
    (Unreachable, _INFRA, "ssh-unreachable"),
    (AuthenticationFailed, _INFRA, "ssh-authentication"),
    (HostKeyUnknown, _INFRA, "ssh-host-key-unknown"),
    (HostKeyChanged, _INFRA, "ssh-host-key-changed"),
    (ConnectionLost, _INFRA, "ssh-connection-lost"),
    (CommandTimeout, _INFRA, "command-timeout"),
    (CommandFailed, _INFRA, "command-failed"),
    (HostError, _INFRA, "instance-error"),
    (StorageError, _INFRA, "s3-error"),
    (ImageError, _TASK, "image-missing"),
    (DatasetError, _TASK, "dataset"),
    (UnknownName, _TASK, "unknown-name"),
    (InstanceBusy, _OPERATOR, "instance-busy"),
    (InstanceNotReady, _OPERATOR, "instance-not-ready"),
    (StoreError, _OPERATOR, "operator-disk"),
)


def failure_of(error: VeloraError, phase: str | None) -> Failure:
    """Return the classified failure for an error that ended a phase."""
    if isinstance(error, PhaseFailed):
        return error.failure
    if isinstance(error, CommandFailed) and _NO_SPACE in (error.output or ""):
        return full_disk_failure(phase, error.message)
    failure_class, signature = next(
        (row[1:] for row in _BY_ERROR if isinstance(error, row[0])), (FailureClass.OPERATOR, "refused")
    )
    return Failure(
        failure_class=failure_class,
        signature=signature,
        message=error.message,
        remedy=error.hint or "read the phase's log, then retry",
        phase=phase,
        evidence=error.output,
    )


def full_disk_failure(phase: str | None, evidence: str) -> Failure:
    """Return the failure of an instance that has no room left."""
    return Failure(
        failure_class=_INFRA,
        signature="disk-full",
        message="the instance's disk is full",
        remedy="free disk space, then retry",
        repair="free-disk",
        phase=phase,
        evidence=evidence,
    )


def time_limit_failure(phase: str, seconds: float) -> Failure:
    """Return the failure of a phase that took longer than it may."""
    return Failure(
        failure_class=_INFRA if phase != "trajectory" else FailureClass.AGENT,
        signature="time-limit",
        message=f"{phase} did not end within {seconds:,.0f} s",
        remedy=f"raise timeouts.{phase} in the fleet file, or retry",
        phase=phase,
    )


def bug_failure(phase: str | None, error: BaseException) -> Failure:
    """Return the failure for an exception that should not have happened; its traceback is in the log."""
    return Failure(
        failure_class=FailureClass.BUG,
        signature="bug",
        message=f"Velora has a bug: {type(error).__name__}: {error}",
        remedy="the traceback is at the end of the phase's log: please report it, then retry",
        phase=phase,
    )


def agent_failure(error: str) -> Failure:
    """Return the failure that the `error` of an output.jsonl shows; no line of the log is known."""
    known = diagnose_error(error)
    if known is not None:
        return known.model_copy(update={"line": None})
    return Failure(
        failure_class=FailureClass.AGENT,
        signature="agent-error",
        message=f"the agent gave up: {error[:200]}",
        remedy="read the last steps of the trajectory, then retry",
        phase="trajectory",
        evidence=error[:300],
    )


async def failure_from_log(phase: str, log: Path, fallback: str) -> Failure:
    """Return the failure that the end of a phase's log shows; `fallback` says what is known without it."""
    return await asyncio.to_thread(diagnose_log, phase, log, fallback)


def diagnose_log(phase: str, log: Path, fallback: str) -> Failure:
    """Return the same. Blocks."""
    return diagnose(phase, _tail(log, _TAIL_LINES), fallback)


async def failure_at_end(phase: str, log: Path, message: str) -> Failure:
    """Return a failure that says `message`, with the end of the phase's log as its evidence."""
    return await asyncio.to_thread(lambda: unexplained(phase, _tail(log, _TAIL_LINES), message))


def lost_failure(phase: str) -> Failure:
    """Return the failure of a job that is gone without an exit status."""
    return Failure(
        failure_class=_INFRA,
        signature="job-lost",
        message=f"the {phase} job vanished without an exit status: killed, or the instance was rebooted",
        remedy="check the instance, then retry",
        phase=phase,
    )


def _tail(log: Path, lines: int) -> Iterator[tuple[int, str]]:
    file = LogFile(log)
    file.refresh()
    for line in file.lines(max(1, file.line_count - lines), lines + 1, _LINE_BYTES):
        yield line.number, clean_line(line.data, _LINE_BYTES)
