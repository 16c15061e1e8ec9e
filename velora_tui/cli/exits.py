"""Exit statuses: a stable contract."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    OK = 0  # done; for a run: finished, whatever its outcome
    PROBLEM = 1  # it could not be done; for `check`: not all ready
    USAGE = 2  # the request itself is wrong
    FAILED = 3  # a run failed, or did not start
    STOPPED = 4  # a run was stopped
    DETACHED = 5  # we let go; the runs go on


def interrupted(signal_number: int) -> int:
    """Return the status of a command that a signal ended, as shells count it."""
    return 128 + signal_number
