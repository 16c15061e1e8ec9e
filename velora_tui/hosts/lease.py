"""Who has an instance: a lease on the machine itself, which keeps operators who do not know each other apart."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import socket
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from velora_tui.errors import InstanceBusy
from velora_tui.hosts.host import Host
from velora_tui.hosts.scripts import script_text
from velora_tui.hosts.shell import assign, quote_path

DEFAULT_LEASE = "~/.velora/lease"
# A lease without an owner is either being made this moment or was left by a crash.
_FORMING_SECONDS = 10
# How long an operator elsewhere, of whom nothing can be asked, may hold an instance on which nothing happens.
_IDLE_SECONDS = 900

_AGES = re.compile(rb"(-?\d{1,12}) (-?\d{1,12})")

_Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


def operator() -> str:
    """Return who we are to other operators: user@machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class LeaseOwner(BaseModel):
    """Who has the instance, for which attempt, since when; `spools` is the folder of the attempt's jobs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: _Line
    attempt: int
    operator: _Line
    machine: _Line
    pid: int
    process_start: _Line
    since: datetime
    spools: _Line
    token: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

    @classmethod
    def here(cls, run_id: str, attempt: int, spools: str) -> LeaseOwner:
        """Describe this process as the owner, with a new token."""
        return cls(
            run_id=run_id,
            attempt=attempt,
            operator=operator(),
            machine=_this_machine(),
            pid=os.getpid(),
            process_start=_process_start(os.getpid()),
            since=datetime.now(UTC),
            spools=spools,
            token=secrets.token_hex(16),
        )

    def alive(self) -> bool | None:
        """Tell whether the owner's process lives; None where it is on another machine."""
        if self.machine != _this_machine():
            return None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return _process_start(self.pid) == self.process_start


class LeaseReport(BaseModel):
    """What is known of a lease that is taken: `stale` ones may be taken over; `owner` is None where it names nobody.

    `working` tells whether a job of the owner's attempt runs; `since` is when it was taken by our clock, which need
    agree with no other: it comes from how long ago that was.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal["held", "stale"]
    reason: str
    owner: LeaseOwner | None
    working: bool = False
    since: datetime | None = None


async def acquire(host: Host, owner: LeaseOwner, lease: str = DEFAULT_LEASE) -> None:
    """Take the instance for `owner`. Raises InstanceBusy, naming who has it since when, and HostErrors."""
    if await _claim(host, "lease_acquire.sh", owner, lease):
        return
    raise busy(host.name, await read_lease(host, lease))


async def take_over(host: Host, report: LeaseReport, owner: LeaseOwner, lease: str = DEFAULT_LEASE) -> None:
    """Replace the owner of a stale lease; of several who try one succeeds. Raises InstanceBusy and HostErrors.

    An attempt that takes its own lease again has had it all the time.
    """
    if report.state != "stale":
        raise busy(host.name, report)
    expected = report.owner.token if report.owner else ""
    same = report.owner is not None and (report.owner.run_id, report.owner.attempt) == (owner.run_id, owner.attempt)
    values = assign(expected=expected, forming_seconds=_FORMING_SECONDS, keep="yes" if same else "no")
    if not await _claim(host, "lease_take_over.sh", owner, lease, values + script_text("lease_lib.sh")):
        raise busy(host.name, await read_lease(host, lease))


async def release(host: Host, token: str, lease: str = DEFAULT_LEASE) -> bool:
    """Give the instance back; False where the lease is not (or no longer) the one of `token`. Raises HostErrors."""
    command = _head(lease) + assign(token=token) + script_text("lease_release.sh")
    return (await host.run(command)).text == "released"


async def renew(host: Host, token: str, lease: str = DEFAULT_LEASE) -> bool:
    """Show that the owner is still there; False where `token` has lost the lease. Raises HostErrors."""
    command = f'{_head(lease)}grep -qsF {token} "$lease/owner" && touch -c "$lease/owner"'
    return (await host.run(command, check=False)).exit_status == 0


async def read_lease(host: Host, lease: str = DEFAULT_LEASE) -> LeaseReport | None:
    """Return who has the instance; None where it is free. Raises HostErrors."""
    result = await host.run(_head(lease) + script_text("lease_read.sh"))
    ages, _, text = result.stdout.partition(b"\n")
    if not (told := _AGES.fullmatch(ages)):
        return None
    idle, held = int(told[1]), int(told[2])
    try:
        owner = LeaseOwner.model_validate_json(text)
    except ValidationError:
        forming = idle < _FORMING_SECONDS
        reason = "it is just being taken" if forming else "it names no owner: its maker crashed"
        return LeaseReport(state="held" if forming else "stale", reason=reason, owner=None)
    since = datetime.now(UTC) - timedelta(seconds=held)
    return (await _judge(host, owner, idle)).model_copy(update={"since": since})


def busy(instance: str, report: LeaseReport | None) -> InstanceBusy:
    """Build the refusal for an instance that somebody has."""
    if report is None or report.owner is None:
        return InstanceBusy("another operator is just taking it", hint="try again in a moment", instance=instance)
    owner = report.owner
    since = report.since or owner.since
    stale = report.state == "stale"
    return InstanceBusy(
        f"{owner.operator} has it since {since.astimezone():%Y-%m-%d %H:%M} for {owner.run_id}.{owner.attempt}"
        f" ({report.reason})",
        hint="the lease is stale: take it over" if stale else "wait, or choose another instance",
        instance=instance,
    )


async def _judge(host: Host, owner: LeaseOwner, touched_seconds: int) -> LeaseReport:
    command = f"spools={quote_path(owner.spools)}\n{script_text('job_lib.sh')}{script_text('lease_jobs.sh')}"
    facts = [line.partition(" ")[::2] for line in (await host.run(command)).text.splitlines()]
    if any(key == "running" for key, _ in facts):
        return LeaseReport(state="held", reason="its job is running", owner=owner, working=True)
    idle = min(
        [touched_seconds, *(int(value) for key, value in facts if key == "idle" and value.lstrip("-").isdigit())]
    )
    if owner.alive():
        return LeaseReport(state="held", reason="between two jobs", owner=owner)
    if owner.alive() is False:
        return LeaseReport(state="stale", reason="no job of it runs, and the Velora that took it is gone", owner=owner)
    state: Literal["held", "stale"] = "stale" if idle > _IDLE_SECONDS else "held"
    return LeaseReport(state=state, reason=f"no job of it runs, nothing happened for {idle / 60:.0f} min", owner=owner)


async def _claim(host: Host, script: str, owner: LeaseOwner, lease: str, values: str = "") -> bool:
    data = owner.model_dump_json().encode()
    command = _head(lease) + values + assign(token=owner.token, size=len(data)) + script_text(script)
    return (await host.run(command, stdin=data)).text == "won"


def _head(lease: str) -> str:
    return f"lease={quote_path(lease)}\n"


def _this_machine() -> str:
    """Return what tells this machine from others: laptops of one make come with the same name."""
    return f"{socket.gethostname()} {uuid.getnode():012x}"


def _process_start(pid: int) -> str:
    """Return what tells a process from a later one with its number (Linux; elsewhere "")."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
