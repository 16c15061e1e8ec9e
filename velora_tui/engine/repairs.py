"""Repairs across the fleet: shown first, then made while nobody can start there, and journalled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from ulid import ULID

from velora_tui.domain.events import CommandRan, RepairEnded, RepairStarted
from velora_tui.domain.fleet import HARNESS
from velora_tui.domain.readiness import REPAIR_LEASE_PREFIX, CheckResult, Holder
from velora_tui.domain.repair import RepairPlan, RepairResult, RepairStep
from velora_tui.engine import leases
from velora_tui.engine.admission import running_elsewhere
from velora_tui.engine.checkup import Scope
from velora_tui.engine.driver import Workshop
from velora_tui.engine.foreign import is_hand_started
from velora_tui.errors import CommandFailed, HostError, InstanceBusy, StoreError, UnknownName, UsageError, VeloraError
from velora_tui.hosts import lease
from velora_tui.hosts.host import Host
from velora_tui.hosts.lease import LeaseOwner, operator
from velora_tui.readiness.checks import BUSY, fleet_checks
from velora_tui.readiness.repairs import repair_of, repairs_of
from velora_tui.readiness.repairs.carry_out import carry_out, free_bytes, gained_bytes
from velora_tui.readiness.repairs.kill_stray import KILL_STRAY
from velora_tui.readiness.repairs.repair import Beside, Repair, Site

_SPOOLS = "~/.velora/repairs"  # a repair has no jobs: the lease lives as long as its operator's process
_RELEASE_SECONDS = 20.0


class Repairs:
    """Plans and makes repairs. One instance that fails takes no other with it."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop

    async def plan(self, instances: Iterable[str], name: str) -> tuple[RepairPlan, ...]:
        """Return what the repair, or the one that mends the check, called `name` would do on each instance.

        Without instances, on all. Raises UnknownName, UsageError where nothing mends the check, and StoreError.
        """
        shop = self._shop
        chosen = [shop.machines.instance(instance).name for instance in instances]
        self._require_known(name)
        every = chosen or [instance.name for instance in shop.fleet.instances]
        return tuple(await asyncio.gather(*(self._plan(instance, name) for instance in every)))

    async def carry_out(self, plan: RepairPlan) -> RepairResult:
        """Do what `plan` says, and nothing where the instance has changed since. Raises UnknownName and StoreError."""
        repair = repair_of(self._shop.fleet, plan.repair)
        if not plan.steps:
            return await self._left_alone(plan)
        ids = {"instance": plan.instance, "repair": plan.repair, "check": plan.check}
        steps = tuple(step.what for step in plan.steps)
        await self._shop.ledger.record(RepairStarted(**ids, steps=steps, affected=plan.affected, by=operator()))
        work = _Work(self._shop, repair, plan)
        try:
            result = await work.result()
        except BaseException as failure:
            words = "it was interrupted" if isinstance(failure, asyncio.CancelledError) else f"it broke: {failure!r}"
            await self._record_end(work.told(words))
            raise
        await self._record_end(result)
        return result

    # --- how it is done

    def _require_known(self, name: str) -> None:
        repairs = repairs_of(self._shop.fleet)
        checks = {check.id: check.repair for check in fleet_checks(self._shop.fleet)}
        if name not in repairs and name not in checks:
            raise UnknownName.of("check or repair", name, [*checks, *repairs])
        if name not in repairs and checks[name] is None:
            mended = ", ".join(check for check, repair in checks.items() if repair)
            raise UsageError(f"nothing of Velora's mends {name!r}", hint=f"there are repairs for {mended}")

    async def _plan(self, instance: str, name: str) -> RepairPlan:
        repair, check = await self._chosen(instance, name)
        try:
            site = await _site(self._shop, instance)
            await _require_idle(self._shop, repair, instance)
            if repair.beside is not Beside.RUNS and (holder := await self._taken(site.host)):
                return _theirs(_refusal(repair, instance, check, str(holder)), holder)
            return await repair.plan(site, check)
        except (InstanceBusy, HostError) as error:
            return _refusal(repair, instance, check, _words(error))

    async def _chosen(self, instance: str, name: str) -> tuple[Repair, str | None]:
        """Return the repair that is meant on that instance, and the check that it is for."""
        fleet = self._shop.fleet
        table = {check.id: check.repair for check in fleet_checks(fleet)}
        if name in table and name not in repairs_of(fleet):
            result = await _checked(self._shop, instance, name)
            wanted = (result.repair if result else None) or table[name]
            assert wanted is not None
            return repair_of(fleet, wanted), name
        repair, known = repair_of(fleet, name), self._shop.ledger.readiness.get(instance)
        hurt = [check.id for check in known.checks if check.repair == name] if known else []
        return repair, repair.mends if repair.mends in hurt else next(iter(hurt), repair.mends)

    async def _taken(self, host: Host) -> Holder | None:
        """Return who has the instance, so that nothing may be done there now; None where nobody has."""
        holder = await leases.holder_of(host, self._shop.ledger)
        return holder if holder and not holder.stale else None

    async def _left_alone(self, plan: RepairPlan) -> RepairResult:
        """Say why nothing is done, and how the check stands."""
        now = await _checked(self._shop, plan.instance, plan.check)
        check = plan.check if now else None
        return RepairResult(
            instance=plan.instance, repair=plan.repair, check=check, before=now, after=now, error=plan.refused
        )

    async def _record_end(self, result: RepairResult) -> None:
        ended = RepairEnded(**dict(result), mended=result.mended, by=operator())
        await self._shop.ledger.record(ended)


class _Work:
    """One repair on one instance, from the first look to the last; it knows at any moment how far it has come."""

    def __init__(self, shop: Workshop, repair: Repair, plan: RepairPlan) -> None:
        self._shop = shop
        self._repair = repair
        self._plan = plan
        self._before: CheckResult | None = None
        self._after: CheckResult | None = None
        self._done: list[str] = []
        self._freed: int | None = None

    def told(self, error: str = "") -> RepairResult:
        """Return how far it has come."""
        plan = self._plan
        return RepairResult(
            instance=plan.instance,
            repair=plan.repair,
            check=plan.check if self._before or self._after else None,
            before=self._before,
            after=self._after,
            done=tuple(self._done),
            freed_bytes=self._freed,
            error=error,
        )

    async def result(self) -> RepairResult:
        """Do it, and have its check made again, whatever came of it. Raises StoreError."""
        error = ""
        self._before = await _checked(self._shop, self._plan.instance, self._plan.check)
        try:
            site = await _site(self._shop, self._plan.instance)
            async with _held(self._shop, self._repair, site.host):
                await self._mend(site)
        except StoreError:
            raise
        except (VeloraError, OSError) as failure:
            error = _words(failure) if isinstance(failure, VeloraError) else str(failure)
        self._after = await _checked(self._shop, self._plan.instance, self._plan.check)
        return self.told(error)

    async def _mend(self, site: Site) -> None:
        free = await free_bytes(site) if self._repair.frees else None
        try:
            await carry_out(self._repair, site, self._plan, self._note, self._tick)
        finally:
            if free is not None:
                with suppress(HostError):
                    self._freed = gained_bytes(free, await free_bytes(site))

    async def _note(self, step: RepairStep) -> None:
        """Journal a command before it runs: what was begun must be known, however it ends."""
        ran = CommandRan(
            instance=self._plan.instance,
            purpose=f"{self._plan.repair}: {step.what}",
            command=step.command,
            by=operator(),
        )
        await self._shop.ledger.record(ran)

    async def _tick(self, step: RepairStep) -> None:
        self._done.append(step.what)


def _words(error: VeloraError) -> str:
    """Return what happened and the next step; which instance it was on is known."""
    return f"{error.message} — {error.hint}" if error.hint else error.message


def _refusal(repair: Repair, instance: str, check: str | None, why: str) -> RepairPlan:
    return RepairPlan(instance=instance, repair=repair.id, title=repair.title, check=check, refused=why)


def _theirs(plan: RepairPlan, holder: Holder) -> RepairPlan:
    """Return the refused `plan` of an instance that `holder` has, in words for one who wanted that run away."""
    if plan.repair != KILL_STRAY.id or holder.is_repair:
        return plan
    refused = f"{plan.refused}. It was not started by hand, and is not yours to end: wait, or ask them to stop it"
    return plan.model_copy(update={"title": "free the instance of somebody's run", "refused": refused})


async def _site(shop: Workshop, instance: str) -> Site:
    return Site(
        host=await shop.machines.host(instance),
        instance=shop.machines.instance(instance),
        fleet=shop.fleet,
        may_remove=lambda report: leases.is_left_behind(report, shop.ledger),
    )


async def _checked(shop: Workshop, instance: str, check: str | None) -> CheckResult | None:
    """Return the answer of a check that is asked from now on; None where there is none."""
    if check is None:
        return None
    scope = Scope(only=frozenset({check}), recipe=HARNESS)
    if instance in shop.machines.checking:
        await shop.machines.check(instance, scope)  # it may have begun before now
    return (await shop.machines.check(instance, scope)).check(check)


async def _require_idle(shop: Workshop, repair: Repair, instance: str) -> None:
    """Raise InstanceBusy where a run goes on that the repair could hurt: one of ours, or one started by hand."""
    if repair.beside is not Beside.RUNS and (run := running_elsewhere(shop, instance)) is not None:
        raise InstanceBusy(f"run {run} of yours is at work there: stop it, or wait for its end", instance=instance)
    if repair.beside is not Beside.NOTHING:
        return
    busy = await _checked(shop, instance, BUSY)
    if busy is not None and is_hand_started(busy):
        raise InstanceBusy(f"{busy.detail}: end it first, with kill-stray", instance=instance)


@asynccontextmanager
async def _held(shop: Workshop, repair: Repair, host: Host) -> AsyncIterator[None]:
    """Keep everybody from starting on the instance meanwhile. Raises InstanceBusy and HostErrors."""
    await _require_idle(shop, repair, host.name)
    owner = LeaseOwner.here(f"{REPAIR_LEASE_PREFIX}{repair.id}-{ULID()}", 1, _SPOOLS)
    if repair.beside is Beside.RUNS or not await _take(shop, repair, host, owner):
        yield
        return
    keeping = asyncio.create_task(leases.keep(host, owner.token))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        await _give_back(host, owner)


async def _give_back(host: Host, owner: LeaseOwner) -> None:
    with suppress(HostError, TimeoutError):  # a lease that stays behind is stale when this process ends
        async with asyncio.timeout(_RELEASE_SECONDS):
            await lease.release(host, owner.token)


async def _take(shop: Workshop, repair: Repair, host: Host, owner: LeaseOwner) -> bool:
    """Take the lease; False where the disk has no room for it, nobody has it, and the repair is there to make room."""
    try:
        await leases.take(host, shop.ledger, owner)
    except CommandFailed:
        if not repair.on_a_full_disk or await lease.read_lease(host) is not None:
            raise
        return False
    except InstanceBusy:
        raise
    except BaseException:  # interrupted, or not journalled: by then it may have been taken
        await _give_back(host, owner)
        raise
    return True
