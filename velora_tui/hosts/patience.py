"""Go on through broken connections: growing, jittered pauses, and word of each to those who watch."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina
from stamina.instrumentation import set_on_retry_hooks

from velora_tui.errors import CommandTimeout, ConnectionLost, HostError, Unreachable

T = TypeVar("T")

# `on_break` tells it; lines of the library's own would fill the error log while a network is down.
set_on_retry_hooks([])

# What may be better in a moment. Refused keys and commands that fail are not.
PASSING = (ConnectionLost, Unreachable, CommandTimeout)

# How long an outage may take at least, whatever is to be done.
OUTAGE_SECONDS = 3600.0
# Longer than connecting and starting a command may take: a try that lasted longer had a connection.
_CONTACT_SECONDS = 120.0
_CONTACTS = 1000


@dataclass(frozen=True)
class Break:
    """A try that found the connection broken; the next one comes after about `pause_seconds`."""

    tries: int
    pause_seconds: float
    error: HostError

    def __str__(self) -> str:
        when = f"in {max(1, round(self.pause_seconds))} s" if self.pause_seconds else "now"
        return f"try {self.tries + 1} {when}: {self.error.message}"


OnBreak = Callable[[Break], None]


def ignore_break(_: Break) -> None:
    """Tell nobody."""


async def through_breaks(
    work: Callable[[], Awaitable[T]], *, patience_seconds: float, on_break: OnBreak = ignore_break
) -> T:
    """Await `work()`, anew after each error that may pass, for `patience_seconds` after the last contact.

    Then the last error is raised.
    """
    for _ in range(_CONTACTS):
        result = await _while_broken(work, patience_seconds, on_break)
        if not isinstance(result, _Contact):
            return result
    return await work()


class _Contact:
    """A try that went on for long before it broke: patience begins anew."""


async def _while_broken(work: Callable[[], Awaitable[T]], patience_seconds: float, on_break: OnBreak) -> T | _Contact:
    async for attempt in stamina.retry_context(
        on=PASSING, attempts=None, timeout=patience_seconds, wait_initial=0.2, wait_max=15.0, wait_jitter=1.0
    ):
        began = time.monotonic()
        with attempt:
            try:
                return await work()
            except PASSING as error:
                if time.monotonic() - began > _CONTACT_SECONDS:
                    on_break(Break(0, 0, error))
                    return _Contact()
                on_break(Break(attempt.num, attempt.next_wait, error))
                raise
    raise AssertionError("a retry ends with a result or an error")
