"""What a repair is: a look at the instance that changes nothing, and the steps that follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.repair import Affected, RepairPlan, RepairStep
from velora_tui.errors import CommandFailed
from velora_tui.hosts.host import CommandResult, Host
from velora_tui.hosts.lease import LeaseReport
from velora_tui.hosts.shell import quote_path
from velora_tui.readiness.environment import exports


def _is_stale(report: LeaseReport) -> bool:
    return report.state == "stale"


@dataclass(frozen=True)
class Site:
    """An instance to be mended. `may_remove` tells which leases have been left behind; `check` is what is mended."""

    host: Host
    instance: Instance
    fleet: Fleet
    may_remove: Callable[[LeaseReport], bool] = _is_stale
    check: str | None = None

    @property
    def harness(self) -> str:
        return self.instance.harness or self.fleet.defaults.harness

    def harness_path(self, path: str) -> str:
        """Return where a file of the harness lies on the instance."""
        return path if path.startswith(("/", "~/")) else f"{self.harness.rstrip('/')}/{path}"

    @property
    def head(self) -> str:
        """The shell assignment of `root`, the harness's folder."""
        return f"root={quote_path(self.harness)}\n"

    async def run(
        self, command: str, *, stdin: bytes = b"", time_limit_seconds: float = 60.0, check: bool = True
    ) -> CommandResult:
        """Run `command` with the environment that the fleet file gives the instance. Raises HostErrors.

        The variables go in on standard input: they may be secrets, and a command line is seen by everybody there.
        """
        variables = exports(self.instance).encode()
        command = f'eval "$(head -c {len(variables)})"\n{command}'
        return await self.host.run(command, stdin=variables + stdin, timeout_seconds=time_limit_seconds, check=check)


@dataclass(frozen=True)
class Findings:
    """What a look at the instance leads to: steps, or why there are none."""

    steps: tuple[RepairStep, ...] = ()
    affected: tuple[Affected, ...] = ()
    notes: tuple[str, ...] = ()
    nothing_to_do: str = ""
    refused: str = ""


class Beside(StrEnum):
    """What may go on at the instance meanwhile. Unless runs may, it is held by its lease."""

    NOTHING = "nothing"
    STRAYS = "strays"  # runs that were started by hand
    RUNS = "runs"


@dataclass(frozen=True)
class Repair:
    """One repair, for the check with the id `mends` first of all. `look` changes nothing.

    `on_a_full_disk` ones go on where the disk has no room for the lease; `frees` ones are there to make room.
    """

    id: str
    title: str
    look: Callable[[Site], Awaitable[Findings]]
    mends: str | None
    beside: Beside = Beside.NOTHING
    on_a_full_disk: bool = False
    frees: bool = False

    async def plan(self, site: Site, check: str | None = None) -> RepairPlan:
        """Return what the repair would do there now. Raises HostErrors."""
        try:
            found = await self.look(replace(site, check=check))
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise CommandFailed(f"its answer cannot be understood: {error!r}", instance=site.instance.name) from error
        steps = () if found.refused else found.steps
        return RepairPlan(
            instance=site.instance.name,
            repair=self.id,
            title=self.title,
            check=check,
            steps=steps,
            affected=found.affected,
            notes=found.notes,
            frees=self.frees,
            nothing_to_do=found.nothing_to_do or ("" if steps or found.refused else "there is nothing to mend"),
            refused=found.refused,
        )
