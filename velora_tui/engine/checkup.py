"""One check-up of an instance: its checks asked side by side, each answer told as it comes, the whole journalled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from velora_tui.domain.events import ChecksAnswered, InstanceChecked, now
from velora_tui.domain.image import RegistryImage, image_source
from velora_tui.domain.readiness import CheckResult, CheckStatus, Holder, Readiness
from velora_tui.domain.task import Task
from velora_tui.engine.leases import holder_of
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import AuthenticationFailed, HostError, HostKeyChanged, HostKeyUnknown, ImageError, StorageError
from velora_tui.hosts.host import Host
from velora_tui.images.s3 import ImageStore
from velora_tui.readiness.checks import BUSY, IMAGE, REMOVE_LEASE, SSH, Check, Subject, checks_for
from velora_tui.readiness.probe import ask, unanswered
from velora_tui.view.text import size

DUE_AFTER = timedelta(minutes=30)
_OFFER_SECONDS = 60


class Slow(StrEnum):
    """Which slow checks are asked: those that block and have no fresh good answer are due."""

    NONE = "none"
    DUE = "due"
    ALL = "all"


@dataclass(frozen=True)
class Scope:
    """What is asked and for what: `only` these checks, or all cheap ones and the `slow` ones.

    `routine` ones are journalled only where something changed. Without a recipe it is the fleet's.
    """

    slow: Slow = Slow.DUE
    only: frozenset[str] = frozenset()
    recipe: str | None = None
    task: Task | None = None
    routine: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What two check-ups have in common of which one will do."""
        return self.slow, self.only, self.recipe, self.task.instance_id if self.task else None


class CheckUp:
    """Asks one instance. The answers go into `ledger.readiness` one by one, so several may be at work at once.

    Checks that only another recipe than the fleet's needs are told to the caller, but not journalled.
    """

    def __init__(self, host: Host, ledger: Ledger, images: ImageStore, subject: Subject, scope: Scope) -> None:
        self._host = host
        self._ledger = ledger
        self._images = images
        self._subject = subject
        self._name = subject.instance.name
        self._listed = checks_for(replace(subject, recipe=subject.fleet.defaults.recipe))
        listed = {check.id for check in self._listed}
        self._extra = tuple(check for check in checks_for(subject) if check.id not in listed)
        self._beside: dict[str, CheckResult] = {}
        self._before = ledger.readiness.get(self._name)
        self._holder = self._before.holder if self._before else None
        self._scope = scope

    async def run(self) -> Readiness:
        """Ask, and return all that is known then. Raises StoreError."""
        asked = [check for check in (*self._listed, *self._extra) if self._is_asked(check)]
        self._publish(asking=frozenset(check.id for check in asked))
        try:
            await self._ask(asked)
        finally:
            self._publish(asked=frozenset(check.id for check in asked))
        readiness = self._ledger.readiness[self._name]
        checks, at = readiness.checks, now()
        if not (self._scope.routine and self._is_unchanged(checks)):
            event = InstanceChecked(instance=self._name, checks=checks, holder=self._holder)
            at = (await self._ledger.record(event)).at
        asking = self._ledger.readiness[self._name].asking or readiness.asking
        final = Readiness(instance=self._name, checks=checks, at=at, holder=self._holder, asking=asking)
        self._tell(final)
        return final.model_copy(update={"checks": (*checks, *self._beside.values())})

    def _is_asked(self, check: Check) -> bool:
        if self._scope.only:
            return check.id in self._scope.only or check.id == SSH
        return not check.slow or self._scope.slow is Slow.ALL or (self._scope.slow is Slow.DUE and self._is_due(check))

    def _is_due(self, check: Check) -> bool:
        known = self._before.check(check.id) if self._before else None
        fresh = known is not None and known.at is not None and now() - known.at < DUE_AFTER
        return check.blocking and not (fresh and known is not None and known.status is CheckStatus.OK)

    async def _ask(self, asked: list[Check]) -> None:
        probed = [check for check in asked if check.probe is not None]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask_cheap([check for check in probed if not check.slow]))
            if slow := [check for check in probed if check.slow]:
                group.create_task(self._ask_slow(slow))
            for check in asked:
                if check.id == IMAGE:
                    group.create_task(self._look_for_image(check))

    async def _ask_cheap(self, checks: list[Check]) -> None:
        try:
            contact = await ask(self._host, self._subject, checks, self._put)
        except HostError as error:
            self._put_unreached(error)
            return
        self._put(CheckResult(id=SSH, status=CheckStatus.OK, blocking=True, detail="answers", at=now()))
        if any(check.id == BUSY for check in checks):
            self._holder = None
            if contact.has_lease:
                with suppress(HostError):  # it answered just now; the lease is looked at again before anything starts
                    self._holder = await holder_of(self._host, self._ledger)
            self._put_holder()

    async def _ask_slow(self, checks: list[Check]) -> None:
        try:
            await ask(self._host, self._subject, checks, self._put)
        except HostError:  # told by `ssh`
            for check in checks:
                self._put(unanswered(check))

    async def _look_for_image(self, check: Check) -> None:
        status, detail = await self._image_answer()
        self._put(CheckResult(id=check.id, status=status, blocking=check.blocking, detail=detail, at=now()))

    async def _image_answer(self) -> tuple[CheckStatus, str]:
        assert self._subject.task is not None
        try:
            source = image_source(self._subject.task, self._subject.fleet.s3.images)
            if isinstance(source, RegistryImage):
                return CheckStatus.UNKNOWN, f"{source} is in a registry"
            offer = await self._images.offer(source, _OFFER_SECONDS)
        except StorageError as error:
            return CheckStatus.UNKNOWN, error.message
        except ImageError as error:
            return CheckStatus.FAIL, error.message
        return CheckStatus.OK, f"{size(offer.size)}, {source.file_name}"

    def _put_unreached(self, error: HostError) -> None:
        """Note that nothing is known but why: what was seen earlier may not hold any more."""
        self._holder = None
        for check in (*self._listed, *self._extra):
            if check.id != IMAGE:
                self._put(unanswered(check))
        detail = f"{error.title}: {error.message}"
        if isinstance(error, HostKeyUnknown | HostKeyChanged | AuthenticationFailed):
            detail += f" — {error.hint}" if error.hint else ""
        self._put(CheckResult(id=SSH, status=CheckStatus.FAIL, blocking=True, detail=detail, at=now()))

    def _put_holder(self) -> None:
        """Have `busy` say who has the instance by its lease."""
        busy, holder = self._ledger.readiness[self._name].check(BUSY), self._holder
        if busy is None or holder is None:
            return
        if holder.is_foreign:
            changes = {"status": CheckStatus.FAIL, "detail": str(holder), "repair": None}
        elif holder.stale and not holder.ours and busy.status is CheckStatus.OK:
            changes = {"status": CheckStatus.WARN, "detail": _left(holder), "repair": REMOVE_LEASE}
        else:
            return
        self._put(busy.model_copy(update=changes))

    def _put(self, result: CheckResult) -> None:
        before = self._before.check(result.id) if self._before else None
        same = before is not None and before.status is result.status
        at = result.at or now()
        result = result.model_copy(update={"at": at, "since": before.since if same and before else at})
        if any(check.id == result.id for check in self._listed):
            self._publish({result.id: result})
        else:
            self._beside[result.id] = result

    def _publish(
        self,
        results: dict[str, CheckResult] | None = None,
        *,
        asking: frozenset[str] = frozenset(),
        asked: frozenset[str] = frozenset(),
    ) -> None:
        """Tell the latest answers; `asking` have just been asked, and nothing more comes of `asked`."""
        results = results or {}
        known = self._ledger.readiness.get(self._name)
        earlier = {check.id: check for check in known.checks} if known else {}
        checks = tuple(results.get(check.id) or _carried(check, earlier.get(check.id)) for check in self._listed)
        waiting = (known.asking if known else frozenset()) | (asking & {check.id for check in self._listed})
        self._tell(
            Readiness(
                instance=self._name,
                checks=checks,
                at=known.at if known else now(),
                holder=self._holder,
                asking=waiting - asked - results.keys(),
            )
        )

    def _tell(self, readiness: Readiness) -> None:
        self._ledger.notify(ChecksAnswered(instance=self._name, readiness=readiness))

    def _is_unchanged(self, checks: tuple[CheckResult, ...]) -> bool:
        before = self._before
        return (
            before is not None
            and before.holder == self._holder
            and [(check.id, check.status) for check in before.checks] == [(check.id, check.status) for check in checks]
        )


def way_out(refusing: Iterable[Readiness]) -> str:
    """Return the next step where no instance is ready; a forced start helps only where SSH answers."""
    if all((ssh := readiness.check(SSH)) is not None and ssh.blocks for readiness in refusing):
        return "it must answer by SSH first: `velora check` tells how it stands"
    return "mend it, or start with --force"


def _carried(check: Check, known: CheckResult | None) -> CheckResult:
    """Return what is known of a check that was not asked now, under what the fleet file says today."""
    if known is None:
        return unanswered(check, "not asked yet")
    return known if known.blocking is check.blocking else known.model_copy(update={"blocking": check.blocking})


def _left(holder: Holder) -> str:
    return f"a lease that {holder.operator} left, of run {holder.run}, attempt {holder.attempt}: {holder.reason}"
