"""The fleet's machines: one host per instance, and its readiness."""

from __future__ import annotations

import asyncio
import gc
import sys
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from velora_tui.domain.events import CommandRan, ConnectionChanged, ConnectionState, now
from velora_tui.domain.fleet import Fleet, Instance
from velora_tui.domain.readiness import Readiness
from velora_tui.engine.checkup import CheckUp, Scope
from velora_tui.engine.ledger import Ledger
from velora_tui.errors import HostKeyChanged, HostKeyUnknown, UnknownName
from velora_tui.hosts.host import Host
from velora_tui.hosts.lease import operator
from velora_tui.hosts.local import LocalHost
from velora_tui.hosts.patience import Break
from velora_tui.images.s3 import ImageStore
from velora_tui.readiness.checks import Subject, fleet_checks
from velora_tui.readiness.files import good_sums

if TYPE_CHECKING:
    from velora_tui.hosts.known_hosts import HostKey
    from velora_tui.hosts.ssh import ConnectionState as SshState
    from velora_tui.hosts.ssh_connect import SshTarget

FRESH = timedelta(seconds=30)
_SSH = "velora_tui.hosts.ssh"  # a tenth of a second to import: on the first SSH host, in a thread


class Machines:
    """Hosts by instance name, made on first use and closed together."""

    def __init__(self, fleet: Fleet, ledger: Ledger, images: ImageStore, *, accept_new_host_keys: bool = False) -> None:
        self._fleet = fleet
        self._ledger = ledger
        self._images = images
        self._accept_new_host_keys = accept_new_host_keys
        self._hosts: dict[str, Host] = {}
        self._checks: dict[tuple[object, ...], asyncio.Task[Readiness]] = {}  # by instance and scope
        self._tries: dict[str, int] = {}  # of connecting again, by instance on which work waits

    @property
    def checking(self) -> frozenset[str]:
        """The instances that are being checked now."""
        return frozenset(str(key[0]) for key in self._checks)

    def instance(self, name: str) -> Instance:
        """Return the instance called `name`. Raises UnknownName."""
        instance = self._fleet.instance(name)
        if instance is None:
            raise UnknownName.of("instance", name, [known.name for known in self._fleet.instances])
        return instance

    async def host(self, name: str) -> Host:
        """Return the host of the instance called `name`. Raises UnknownName."""
        if name not in self._hosts:
            instance = self.instance(name)
            if not instance.is_local:
                await asyncio.to_thread(_import_ssh)
            self._hosts.setdefault(name, self._made(instance))
        return self._hosts[name]

    async def check(self, name: str, scope: Scope = Scope()) -> Readiness:  # noqa: B008 - immutable
        """Check the instance now, or join the same check that runs already. Raises UnknownName and StoreError.

        By default what a start needs: all cheap checks, and the slow ones that block unless they passed lately.
        """
        key = (name, *scope.key)
        if key not in self._checks:
            checking = asyncio.create_task(self._check(self.instance(name), scope))
            self._checks[key] = checking
            checking.add_done_callback(lambda _: self._checks.pop(key))
        return await asyncio.shield(self._checks[key])

    async def fresh_readiness(self, name: str, recipe: str | None = None) -> Readiness:
        """Return the instance's readiness for the recipe (default: the fleet's), checked less than 30 s ago."""
        known = self._ledger.readiness.get(name)
        usual = recipe in {None, self._fleet.defaults.recipe}
        if usual and known is not None and self._is_fresh(known):
            return known
        return await self.check(name, Scope(recipe=recipe))

    def _is_fresh(self, readiness: Readiness) -> bool:
        """Tell whether all that blocks and is cheap to ask was asked lately: a repair asks one check alone."""
        cheap = {check.id for check in fleet_checks(self._fleet) if not check.slow}
        asked = [check.at for check in readiness.checks if check.blocking and check.id in cheap]
        return all(at is not None and now() - at < FRESH for at in asked)

    async def subject(self, name: str, scope: Scope = Scope()) -> Subject:  # noqa: B008 - immutable
        """Return the instance as checks see it, with the good copies' checksums. Raises UnknownName."""
        good = await asyncio.to_thread(good_sums, self._fleet.watched_files)
        recipe = scope.recipe or self._fleet.defaults.recipe
        return Subject(self.instance(name), self._fleet, recipe, scope.task, good)

    async def offered_key(self, name: str) -> HostKey | None:
        """Connect, and return the key on the way that is not known yet; None where all are.

        Raises UnknownName, HostKeyChanged and other HostErrors.
        """
        host = await self.host(name)
        from velora_tui.hosts.ssh import SshHost

        if not isinstance(host, SshHost):
            return None
        try:
            await host.connect()
        except HostKeyUnknown:
            if host.offered_key is None:
                raise
        return host.offered_key

    async def accept_key(self, name: str, fingerprint: str) -> None:
        """Trust the key that `offered_key` returned. Raises as it does, and HostKeyChanged for another fingerprint."""
        key = await self.offered_key(name)
        if key is None:
            return
        from velora_tui.hosts.known_hosts import accept_new_host_key

        if key.fingerprint != fingerprint:
            raise HostKeyChanged(f"another host key is offered now: {key.fingerprint}", instance=name)
        await self._note_trust(key)
        await accept_new_host_key(key)

    async def close(self) -> None:
        """End checks and connections; what runs on the instances goes on."""
        checks = tuple(self._checks.values())
        for checking in checks:
            checking.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
        await asyncio.gather(*(host.close() for host in self._hosts.values()), return_exceptions=True)

    async def _check(self, instance: Instance, scope: Scope) -> Readiness:
        host = await self.host(instance.name)
        subject = await self.subject(instance.name, scope)
        return await CheckUp(host, self._ledger, self._images, subject, scope).run()

    async def _trust(self, key: HostKey) -> bool:
        if self._accept_new_host_keys:
            await self._note_trust(key)
        return self._accept_new_host_keys

    async def _note_trust(self, key: HostKey) -> None:
        """Journal that a key is trusted from now on: whoever was fooled must find out when."""
        where = f"{key.host}:{key.port}"
        purpose = f"trust the new host key of {where}: {key.algorithm} {key.fingerprint}"
        command = f"add to {key.known_hosts}: {key.line}"
        await self._ledger.record(CommandRan(instance=key.instance, purpose=purpose, command=command, by=operator()))

    def _made(self, instance: Instance) -> Host:
        if instance.is_local:
            return LocalHost(instance.name, instance.home)
        from velora_tui.hosts.ssh import SshHost

        return SshHost(
            _target(instance, self._fleet.defaults.user), lambda state: self._told(instance.name, state), self._trust
        )

    def told_break(self, instance: str, broken: Break) -> None:
        """Show that work on the instance waits for its connection to come back."""
        self._tries[instance] = broken.tries
        self._tell(instance, ConnectionState.RECONNECTING, str(broken))

    def is_reconnecting(self, instance: str) -> bool:
        """Tell whether work on the instance waits for its connection."""
        return instance in self._tries

    def _told(self, instance: str, state: SshState) -> None:
        kind, detail = ConnectionState(state.kind), state.reason or ""
        if kind in {ConnectionState.CONNECTED, ConnectionState.IDLE}:
            self._tries.pop(instance, None)
        elif instance in self._tries:
            kind, detail = ConnectionState.RECONNECTING, detail or f"try {self._tries[instance] + 1}"
        self._tell(instance, kind, detail)

    def _tell(self, instance: str, state: ConnectionState, detail: str) -> None:
        self._ledger.notify(ConnectionChanged(instance=instance, state=state, detail=detail))


def _target(instance: Instance, default_user: str | None) -> SshTarget:
    from velora_tui.hosts.ssh_connect import SshTarget

    return SshTarget(
        name=instance.name,
        host=instance.host,
        port=instance.port,
        user=instance.user,
        default_user=default_user,
        identity_file=instance.identity_file,
        jump=instance.jump,
        ssh_config=instance.ssh_config,
        known_hosts=instance.known_hosts,
    )


def _import_ssh() -> None:
    """Import what an SSH host needs, once, and leave it out of all garbage collections, which it would lengthen."""
    if _SSH not in sys.modules:
        import_module(_SSH)
        gc.freeze()
