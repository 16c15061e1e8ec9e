"""The one error tree.

VeloraError
├── UsageError               the request itself is wrong (exit status 2)
│   ├── FleetFileError       the fleet file: file, line, key, what was expected
│   ├── DatasetError         a dataset file or one of its fields
│   ├── UnknownName          no such instance, task, model, run, phase, recipe or parser
│   └── ReadOnly             Velora was started with --readonly
├── Refused                  right, but not now
│   ├── InstanceBusy         another attempt, or another operator's lease, has the instance
│   ├── InstanceNotReady     a blocking readiness check fails
│   └── IllegalTransition    the event does not fit the state it would change
├── HostError                an instance did not do what was asked
│   ├── Unreachable          no answer: refused, timed out, no route, name unknown
│   ├── AuthenticationFailed the instance accepts none of our keys
│   ├── HostKeyUnknown       first contact: the key is in no known_hosts file
│   ├── HostKeyChanged       the key differs from known_hosts; never accepted
│   ├── ConnectionLost       the connection broke in the middle
│   ├── CommandFailed        a command ended with a status that is not 0
│   └── CommandTimeout       a command did not end in time
├── ImageError               an image is missing or its address is wrong
│   └── StorageError         S3 refuses us, fails, or does not answer
└── StoreError               the operator's own disk: journal, logs, results
    ├── NotWritten           what was to be kept could not be written: a full disk, or no rights
    └── OutputLost           standard output cannot be written, though somebody may still read it
"""

from __future__ import annotations

from difflib import get_close_matches

_LISTED = 8


class VeloraError(Exception):
    """A failure that is explained to people: what happened, where, and what to do next.

    `str(error)` is one line without the hint; `explain()` adds it.
    """

    title = "error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        instance: str | None = None,
        phase: str | None = None,
        command: str | None = None,
        exit_status: int | None = None,
        output: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.instance = instance
        self.phase = phase
        self.command = command
        self.exit_status = exit_status
        self.output = output

    def __str__(self) -> str:
        where = [part for part in (self.instance, self.phase) if part]
        return f"{' · '.join(where)}: {self.message}" if where else self.message

    def explain(self) -> str:
        """Return the message and, where there is one, the next step, as one line."""
        return f"{self} — {self.hint}" if self.hint else str(self)


class UsageError(VeloraError):
    title = "wrong request"


class FleetFileError(UsageError):
    """An error in the fleet file; the message names file, line, key and what was expected."""

    title = "fleet file"
    others: tuple[FleetFileError, ...] = ()  # what else is wrong in the same file


class DatasetError(UsageError):
    title = "dataset"


class UnknownName(UsageError):
    title = "unknown name"

    @classmethod
    def of(cls, kind: str, name: str, known: list[str]) -> UnknownName:
        """Build the error for a name that is not among `known`, offering those that are near, else the first ones."""
        if near := get_close_matches(name, known, n=3):
            hint = f"did you mean {', '.join(near)}?"
        elif known:
            hint = f"one of: {', '.join((*known[:_LISTED], *(['…'] if len(known) > _LISTED else [])))}"
        else:
            hint = f"there is no {kind} yet"
        return cls(f"unknown {kind} {name!r}", hint=hint)


class Refused(VeloraError):
    title = "refused"


class InstanceBusy(Refused):
    title = "busy"


class InstanceNotReady(Refused):
    title = "not ready"


class IllegalTransition(Refused):
    title = "illegal transition"


class ReadOnly(UsageError):
    title = "read-only"


class HostError(VeloraError):
    title = "instance"


class Unreachable(HostError):
    title = "unreachable"


class AuthenticationFailed(HostError):
    title = "authentication failed"


class HostKeyUnknown(HostError):
    title = "unknown host key"


class HostKeyChanged(HostError):
    title = "host key changed"


class ConnectionLost(HostError):
    title = "connection lost"


class CommandFailed(HostError):
    title = "command failed"


class CommandTimeout(HostError):
    title = "timed out"


class ImageError(VeloraError):
    title = "image"


class StorageError(ImageError):
    title = "S3"


class StoreError(VeloraError):
    title = "disk"


class NotWritten(StoreError):
    title = "disk"


class OutputLost(StoreError):
    title = "output"
