"""Deciding on host keys, one instance after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from velora_tui.errors import HostKeyChanged, VeloraError
from velora_tui.ui.run_actions import Asking, check_instances
from velora_tui.ui.screens.confirm import ConfirmScreen
from velora_tui.ui.screens.host_key import ChangedKeyScreen, trust_question
from velora_tui.view.contact import key_trouble

if TYPE_CHECKING:
    from velora_tui.hosts.known_hosts import HostKey


async def decide_on_keys(screen: Asking, instances: Sequence[str]) -> bool:
    """Ask for each instance whether its new host key is the right one, and check those trusted; True if one is.

    A no goes on to the next, esc leaves the rest. A changed key is told and never offered.
    """
    trusted = 0
    async with asyncio.TaskGroup() as checks:
        for number, name in enumerate(instances, start=1):
            answer = await _decide(screen, name, f"{number} of {len(instances)}" if len(instances) > 1 else "")
            if answer is None:
                break
            if answer:
                trusted += 1
                checks.create_task(_check(screen, name))
    return trusted > 0


async def _check(screen: Asking, instance: str) -> None:
    """Check while the next question is asked."""
    try:
        await check_instances(screen, [instance])
    except VeloraError as error:
        screen.show_error(error)


async def check_and_decide(screen: Asking, instances: Sequence[str]) -> bool:
    """Check the instances, then ask about the new host keys among them."""
    await check_instances(screen, instances)
    rows = screen.dashboard.engine.snapshot().instances
    troubles = {row.instance.name: key_trouble(row) for row in rows if row.instance.name in instances}
    new = [name for name, trouble in troubles.items() if trouble is not None and not trouble.is_changed]
    if new:
        await decide_on_keys(screen, new)
    return True


async def _decide(screen: Asking, instance: str, place: str) -> bool | None:
    """Return whether the instance can be reached now; None where one wants to hear of no more."""
    engine = screen.dashboard.engine
    try:
        # A jump host has a key of its own: the next one is offered once this one is trusted.
        while (key := await engine.offered_host_key(instance)) is not None:
            answer = await _ask(screen, key, place)
            if not answer:
                return answer
            await engine.accept_host_key(instance, key.fingerprint)
    except HostKeyChanged as error:
        row = engine.snapshot().instance(instance)
        trouble = key_trouble(row) if row is not None else None
        await screen.app.push_screen_wait(ChangedKeyScreen(instance, trouble, error))
        return False
    except VeloraError as error:
        screen.show_error(error)
        return False
    return True


async def _ask(screen: Asking, key: HostKey, place: str) -> bool | None:
    return await screen.app.push_screen_wait(ConfirmScreen(trust_question(key, place)))
